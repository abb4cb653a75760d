"""Structural schema of HTTPRoute (Gateway API 1.5, standard channel); v1beta1 has the same."""

from __future__ import annotations

from canarylab.playground.apiserver.schema import gateway_cel as rules
from canarylab.playground.apiserver.schema.gateway import (
    BACKEND,
    CONDITIONS,
    CONTROLLER_NAME,
    HOSTNAME,
    LOCAL_OBJECT,
    PARENT,
    PORT,
    PRECISE_HOSTNAME,
    SECTION_NAME,
)
from canarylab.playground.apiserver.schema.structural import (
    Schema,
    array,
    integer,
    string,
    structure,
)

# Matches

_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
_ANY_PATH = {"type": "PathPrefix", "value": "/"}
_HEADER_NAME = string(
    "The name of the header.",
    minLength=1,
    maxLength=256,
    pattern=r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$",
)


def _matches_by_name(description: str, what: str, *, max_length: int) -> Schema:
    """A list of names with the value that each must have."""
    return array(
        description,
        structure(
            f"One {what}.",
            {
                "name": {**_HEADER_NAME, "description": f"The name of the {what}."},
                "type": string(
                    "How the value is compared.",
                    enum=["Exact", "RegularExpression"],
                    default="Exact",
                ),
                "value": string(f"The value of the {what}.", minLength=1, maxLength=max_length),
            },
            required=["name", "value"],
        ),
        keys=["name"],
        maxItems=16,
    )


_MATCH = structure(
    "Requests that meet all of these conditions.",
    {
        "headers": _matches_by_name("Headers of the request.", "header", max_length=4096),
        "method": string("The method of the request.", enum=_METHODS),
        "path": structure(
            "The path of the request, without its query.",
            {
                "type": string(
                    "How the path is compared.", enum=list(rules.PATH_TYPES), default="PathPrefix"
                ),
                "value": string("What the path is compared with.", maxLength=1024, default="/"),
            },
            default=_ANY_PATH,
            rules=rules.PATH_MATCH,
        ),
        "queryParams": _matches_by_name("Parameters of the query.", "parameter", max_length=1024),
    },
)

# Filters


def _header_values(description: str) -> Schema:
    return array(
        description,
        structure(
            "One header.",
            {"name": _HEADER_NAME, "value": string("Its value.", minLength=1, maxLength=4096)},
            required=["name", "value"],
        ),
        keys=["name"],
        maxItems=16,
    )


def _set_of(items: Schema, description: str, *, max_items: int) -> Schema:
    return array(description, items, keys=[], maxItems=max_items)


_HEADER_MODIFIER = structure(
    "Changes of headers.",
    {
        "add": _header_values("Values that are added to those of the message."),
        "remove": _set_of(
            string("The name of the header."), "Headers that are removed.", max_items=16
        ),
        "set": _header_values("Values that replace those of the message."),
    },
)
_PATH_MODIFIER = structure(
    "The change of the path.",
    {
        "replaceFullPath": string("The new path.", maxLength=1024),
        "replacePrefixMatch": string("What replaces the prefix that was matched.", maxLength=1024),
        "type": string("What is replaced.", enum=["ReplaceFullPath", "ReplacePrefixMatch"]),
    },
    required=["type"],
    rules=rules.PATH_MODIFIER,
)
_MIRROR = structure(
    "Copies of requests are sent to a Service whose responses are ignored.",
    {
        "backendRef": BACKEND,
        "fraction": structure(
            "The fraction of the requests that is copied.",
            {
                "denominator": integer("The denominator.", minimum=1, default=100),
                "numerator": integer("The numerator.", minimum=0),
            },
            required=["numerator"],
            rules=rules.FRACTION,
        ),
        "percent": integer(
            "The percentage of the requests that is copied.", minimum=0, maximum=100
        ),
    },
    required=["backendRef"],
    rules=rules.MIRROR,
)
_REDIRECT = structure(
    "The response is a redirect.",
    {
        "hostname": {**PRECISE_HOSTNAME, "description": "The host of the location."},
        "path": _PATH_MODIFIER,
        "port": PORT,
        "scheme": string("The scheme of the location.", enum=["http", "https"]),
        "statusCode": {
            "type": "integer",
            "description": "The status code of the response.",
            "enum": [301, 302, 303, 307, 308],
            "default": 302,
        },
    },
)
_REWRITE = structure(
    "What is changed in the request before it is forwarded.",
    {"hostname": {**PRECISE_HOSTNAME, "description": "The new host."}, "path": _PATH_MODIFIER},
)
_ORIGIN = string(
    "A scheme and a host, with or without a port; or `*`.",
    minLength=1,
    maxLength=253,
    pattern=r"(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)$)",
)
_CORS = structure(
    "Cross-origin resource sharing.",
    {
        "allowCredentials": {
            "type": "boolean",
            "description": "Whether requests may carry credentials.",
        },
        "allowHeaders": {
            **_set_of(_HEADER_NAME, "Headers that requests may have.", max_items=64),
            "x-kubernetes-validations": rules.CORS_HEADERS,
        },
        "allowMethods": {
            **_set_of(
                string("A method.", enum=[*_METHODS, "*"]),
                "Methods that requests may have.",
                max_items=9,
            ),
            "x-kubernetes-validations": rules.CORS_METHODS,
        },
        "allowOrigins": {
            **_set_of(_ORIGIN, "Origins that may send requests.", max_items=64),
            "x-kubernetes-validations": rules.CORS_ORIGINS,
        },
        "exposeHeaders": _set_of(
            _HEADER_NAME, "Response headers that scripts may read.", max_items=64
        ),
        "maxAge": integer("How many seconds clients may cache this.", minimum=1, default=5),
    },
)
_FILTERS = {
    "type": "array",
    "items": structure(
        "One filter.",
        {
            "cors": _CORS,
            "extensionRef": LOCAL_OBJECT,
            "requestHeaderModifier": _HEADER_MODIFIER,
            "requestMirror": _MIRROR,
            "requestRedirect": _REDIRECT,
            "responseHeaderModifier": _HEADER_MODIFIER,
            "type": string(
                "The type of the filter.",
                enum=[
                    "RequestHeaderModifier",
                    "ResponseHeaderModifier",
                    "RequestMirror",
                    "RequestRedirect",
                    "URLRewrite",
                    "ExtensionRef",
                    "CORS",
                ],
            ),
            "urlRewrite": _REWRITE,
        },
        required=["type"],
        rules=rules.FILTER,
    ),
    "maxItems": 16,
    "x-kubernetes-list-type": "atomic",
    "x-kubernetes-validations": rules.FILTERS,
}

# Rules

_DURATION = {"type": "string", "pattern": "^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
_ROUTE_RULE = structure(
    "Which requests match, what is done to them, and where they are sent.",
    {
        "backendRefs": array(
            "The Services that receive the requests.",
            {
                **BACKEND,
                "properties": {
                    **BACKEND["properties"],
                    "filters": {**_FILTERS, "description": "Filters for requests to this Service."},
                    "weight": integer(
                        "The share of this Service: its weight divided by the sum of all weights "
                        "of the rule.",
                        minimum=0,
                        maximum=1000000,
                        default=1,
                    ),
                },
            },
            maxItems=16,
        ),
        "filters": {**_FILTERS, "description": "Filters for the requests of this rule."},
        "matches": array(
            "Conditions of which a request must meet at least one.",
            _MATCH,
            maxItems=64,
            default=[{"path": _ANY_PATH}],
        ),
        "name": {**SECTION_NAME, "description": "The name of the rule."},
        "timeouts": structure(
            "The timeouts of the requests.",
            {
                "backendRequest": {
                    **_DURATION,
                    "description": "The timeout of a request to the Service.",
                },
                "request": {
                    **_DURATION,
                    "description": "The timeout of the whole request, 10s for example.",
                },
            },
            rules=rules.TIMEOUTS,
        ),
    },
    rules=rules.ROUTE_RULE,
)
_ROUTE_SPEC = structure(
    "The desired state of the route.",
    {
        "hostnames": array(
            "The hosts of the requests.",
            {**HOSTNAME, "description": "A host, or `*.` and a domain for every host in it."},
            maxItems=16,
        ),
        "parentRefs": array(
            "What the route is attached to.", PARENT, maxItems=32, rules=rules.PARENT_REFERENCES
        ),
        "rules": array(
            "The rules of the route.",
            _ROUTE_RULE,
            minItems=1,
            maxItems=16,
            default=[{"matches": [{"path": _ANY_PATH}]}],
            rules=rules.ROUTE_RULES,
        ),
    },
)
HTTP_ROUTE = structure(
    "Where requests are sent, by their host, path and headers.",
    {
        "spec": _ROUTE_SPEC,
        "status": structure(
            "The observed state of the route.",
            {
                "parents": array(
                    "The state of the route at each parent.",
                    structure(
                        "The state of the route at one parent.",
                        {
                            "conditions": {**CONDITIONS, "minItems": 1},
                            "controllerName": CONTROLLER_NAME,
                            "parentRef": PARENT,
                        },
                        required=["conditions", "controllerName", "parentRef"],
                    ),
                    maxItems=32,
                )
            },
            required=["parents"],
        ),
    },
    required=["spec"],
)
