"""CEL rules of the Gateway API: for each structure a table of message and predicate.

The definitions of the Gateway API state them in CEL under `x-kubernetes-validations`. Here each
rule is a Python predicate; the messages are those of the definitions, word for word.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from canarylab.playground.apiserver.schema.structural import Rules
from canarylab.playground.kube.quantities import duration_seconds

DOMAIN_PATTERN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
HOSTNAME_PATTERN = rf"^(\*\.)?{DOMAIN_PATTERN}$"
PLAIN_PATH_TYPES = ("Exact", "PathPrefix")
PATH_TYPES = (*PLAIN_PATH_TYPES, "RegularExpression")
_PATH_CHARACTERS = "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$"
_QUALIFIED_KEY = re.compile(rf"({DOMAIN_PATTERN}/)?([A-Za-z0-9][-A-Za-z0-9_.]{{0,61}})?[A-Za-z0-9]")
_MOST_MATCHES = 128


def all_unique(values: Iterable[Any]) -> bool:
    """Whether no value occurs twice."""
    listed = list(values)
    return len(listed) == len(set(listed))


# References to other objects


def _has_port(reference: Any) -> bool:
    is_service = reference["group"] == "" and reference["kind"] == "Service"
    return not is_service or "port" in reference


def _section_names(references: Any) -> list[list[str]]:
    """The section names of the references to each parent."""
    by_parent: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for reference in references:
        parent = (
            reference["group"],
            reference["kind"],
            reference["name"],
            reference.get("namespace", ""),
        )
        by_parent[parent].append(reference.get("sectionName", ""))
    return list(by_parent.values())


BACKEND_REFERENCE: Rules = {"Must have port for Service reference": _has_port}
_SAME_PARENT = "when parentRefs includes 2 or more references to the same parent"
PARENT_REFERENCES: Rules = {
    f"sectionName must be specified {_SAME_PARENT}": lambda references: all(
        all(names) or not any(names) for names in _section_names(references)
    ),
    f"sectionName must be unique {_SAME_PARENT}": lambda references: all(
        map(all_unique, _section_names(references))
    ),
}


# Gateway


def _is_hostname(address: Any) -> bool:
    value = address.get("value")
    is_other = address["type"] != "Hostname" or value is None
    return is_other or re.search(HOSTNAME_PATTERN, value) is not None


def _values_are_unique(type_: str) -> Callable[[Any], bool]:
    return lambda addresses: all_unique(
        address["value"] for address in addresses if address["type"] == type_ and "value" in address
    )


def _qualified_keys(what: str) -> Rules:
    return {
        f"{what} keys must be in the form of an optional DNS subdomain prefix followed by a "
        "required name segment of up to 63 characters.": lambda entries: all(
            map(_QUALIFIED_KEY.fullmatch, entries)
        ),
        f"If specified, the {what.lower()} key's prefix must be a DNS subdomain not longer "
        "than 253 characters in total.": lambda entries: all(
            len(key.partition("/")[0]) < 253 for key in entries
        ),
    }


def _has_protocol(listener: Any, *protocols: str) -> bool:
    return str(listener["protocol"]).upper() in protocols


def _no_tls_on_plain(listener: Any) -> bool:
    return not _has_protocol(listener, "HTTP", "TCP", "UDP") or "tls" not in listener


def _https_terminates(listener: Any) -> bool:
    has_tls = _has_protocol(listener, "HTTPS") and "tls" in listener
    return not has_tls or listener["tls"]["mode"] in ("", "Terminate")


def _tls_has_mode(listener: Any) -> bool:
    return not _has_protocol(listener, "TLS") or bool(listener.get("tls", {}).get("mode"))


def _no_hostname_below_http(listener: Any) -> bool:
    return not _has_protocol(listener, "TCP", "UDP") or not listener.get("hostname")


def _has_certificate(tls: Any) -> bool:
    return tls["mode"] != "Terminate" or bool(tls.get("certificateRefs") or tls.get("options"))


ADDRESS: Rules = {
    "Hostname value must be empty or contain only valid characters "
    f"(matching {HOSTNAME_PATTERN})": _is_hostname
}
STATUS_ADDRESS: Rules = {
    f"Hostname value must only contain valid characters (matching {HOSTNAME_PATTERN})": _is_hostname
}
ADDRESSES: Rules = {
    "IPAddress values must be unique": _values_are_unique("IPAddress"),
    "Hostname values must be unique": _values_are_unique("Hostname"),
}
ANNOTATIONS = _qualified_keys("Annotation")
LABELS = _qualified_keys("Label")
LISTENERS: Rules = {
    "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']": lambda listeners: all(
        map(_no_tls_on_plain, listeners)
    ),
    "tls mode must be Terminate for protocol HTTPS": lambda listeners: all(
        map(_https_terminates, listeners)
    ),
    "tls mode must be set for protocol TLS": lambda listeners: all(map(_tls_has_mode, listeners)),
    "hostname must not be specified for protocols ['TCP', 'UDP']": lambda listeners: all(
        map(_no_hostname_below_http, listeners)
    ),
    "Listener name must be unique within the Gateway": lambda listeners: all_unique(
        listener["name"] for listener in listeners
    ),
    "Combination of port, protocol and hostname must be unique for each listener": (
        lambda listeners: all_unique(
            (listener["port"], listener["protocol"], listener.get("hostname"))
            for listener in listeners
        )
    ),
}
LISTENER_TLS: Rules = {
    "certificateRefs or options must be specified when mode is Terminate": _has_certificate
}
TLS_PORTS: Rules = {
    "Port for TLS configuration must be unique within the Gateway": lambda settings: all_unique(
        setting["port"] for setting in settings
    )
}


# HTTPRoute: matches


def _of_plain(predicate: Callable[[str], bool]) -> Callable[[Any], bool]:
    """A predicate about the value of a path that is not a regular expression."""
    return lambda path: path["type"] not in PLAIN_PATH_TYPES or predicate(path["value"])


def _without(part: str) -> Callable[[Any], bool]:
    return _of_plain(lambda path: part not in path)


def _not_ending(end: str) -> Callable[[Any], bool]:
    return _of_plain(lambda path: not path.endswith(end))


_PLAIN = "type one of ['Exact', 'PathPrefix']"
PATH_MATCH: Rules = {
    f"value must be an absolute path and start with '/' when {_PLAIN}": _of_plain(
        lambda path: path.startswith("/")
    ),
    **{
        f"must not contain '{part}' when {_PLAIN}": _without(part)
        for part in ("//", "/./", "/../", "%2f", "%2F", "#")
    },
    **{f"must not end with '{end}' when {_PLAIN}": _not_ending(end) for end in ("/..", "/.")},
    "type must be one of ['Exact', 'PathPrefix', 'RegularExpression']": lambda path: (
        path["type"] in PATH_TYPES
    ),
    f"must only contain valid characters (matching {_PATH_CHARACTERS}) "
    "for types ['Exact', 'PathPrefix']": _of_plain(
        lambda path: re.search(_PATH_CHARACTERS, path) is not None
    ),
}


# HTTPRoute: filters


def _typed_path(field: str, type_: str) -> Rules:
    """A path change has the field of its type, and no other."""
    return {
        f"{field} must be specified when type is set to '{type_}'": lambda path: (
            path["type"] != type_ or field in path
        ),
        f"type must be '{type_}' when {field} is set": lambda path: (
            field not in path or path["type"] == type_
        ),
    }


def _typed_filter(field: str, type_: str) -> Rules:
    """A filter has the field of its type, and no other."""
    return {
        f"filter.{field} must be nil if the filter.type is not {type_}": lambda filter_: (
            field not in filter_ or filter_["type"] == type_
        ),
        f"filter.{field} must be specified for {type_} filter.type": lambda filter_: (
            field in filter_ or filter_["type"] != type_
        ),
    }


def _occurs_once(type_: str) -> Callable[[Any], bool]:
    return lambda filters: sum(filter_["type"] == type_ for filter_ in filters) <= 1


def _wildcard_is_alone(field: str, others: str) -> Rules:
    return {
        f"{field} cannot contain '*' alongside other {others}": lambda values: (
            "*" not in values or len(values) == 1
        )
    }


FILTER_FIELDS = {
    "CORS": "cors",
    "RequestHeaderModifier": "requestHeaderModifier",
    "ResponseHeaderModifier": "responseHeaderModifier",
    "RequestMirror": "requestMirror",
    "RequestRedirect": "requestRedirect",
    "URLRewrite": "urlRewrite",
    "ExtensionRef": "extensionRef",
}
"""The field of each type of filter."""
PATH_MODIFIER: Rules = {
    **_typed_path("replaceFullPath", "ReplaceFullPath"),
    **_typed_path("replacePrefixMatch", "ReplacePrefixMatch"),
}
FRACTION: Rules = {
    "numerator must be less than or equal to denominator": lambda fraction: (
        fraction["numerator"] <= fraction["denominator"]
    )
}
MIRROR: Rules = {
    "Only one of percent or fraction may be specified in HTTPRequestMirrorFilter": lambda mirror: (
        not {"percent", "fraction"} <= mirror.keys()
    )
}
FILTER: Rules = {
    message: predicate
    for type_, field in FILTER_FIELDS.items()
    for message, predicate in _typed_filter(field, type_).items()
}
FILTERS: Rules = {
    "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, "
    "but not both": lambda filters: (
        not {"RequestRedirect", "URLRewrite"} <= {filter_["type"] for filter_ in filters}
    ),
    **{
        f"{type_} filter cannot be repeated": _occurs_once(type_)
        for type_ in FILTER_FIELDS
        if type_ not in ("RequestMirror", "ExtensionRef")
    },
}
CORS_HEADERS = _wildcard_is_alone("AllowHeaders", "methods")
CORS_METHODS = _wildcard_is_alone("AllowMethods", "methods")
CORS_ORIGINS = _wildcard_is_alone("AllowOrigins", "origins")


# HTTPRoute: rules


def _backend_is_in_time(timeouts: Any) -> bool:
    """Compare the two timeouts; a request timeout of zero is none."""
    if not {"request", "backendRequest"} <= timeouts.keys():
        return True
    request = duration_seconds(timeouts["request"])
    return request == 0 or duration_seconds(timeouts["backendRequest"]) <= request


def _redirects(rule: Any) -> bool:
    return any("requestRedirect" in filter_ for filter_ in rule.get("filters", []))


def _prefix_replacements(filters: Iterable[Any], field: str) -> int:
    """How many filters replace the prefix that was matched."""
    paths = (filter_.get(field, {}).get("path", {}) for filter_ in filters)
    return sum(
        path.get("type") == "ReplacePrefixMatch" and "replacePrefixMatch" in path for path in paths
    )


def _has_one_prefix(rule: Any) -> bool:
    matches = rule.get("matches", [])
    return len(matches) == 1 and matches[0].get("path", {}).get("type") == "PathPrefix"


def _prefix_is_matched(type_: str) -> Rules:
    field = FILTER_FIELDS[type_]
    message = (
        f"When using {type_} filter with path.replacePrefixMatch, "
        "exactly one PathPrefix match must be specified"
    )
    return {
        message: lambda rule: (
            _prefix_replacements(rule.get("filters", []), field) != 1 or _has_one_prefix(rule)
        )
    }


def _prefix_is_matched_in_backends(when: str, type_: str) -> Rules:
    field = FILTER_FIELDS[type_]

    def is_matched(rule: Any) -> bool:
        counts = [
            _prefix_replacements(backend.get("filters", []), field)
            for backend in rule.get("backendRefs", [])
        ]
        return counts.count(1) != 1 or _has_one_prefix(rule)

    message = (
        f"Within backendRefs, {when} using {type_} filter with path.replacePrefixMatch, "
        "exactly one PathPrefix match must be specified"
    )
    return {message: is_matched}


TIMEOUTS: Rules = {
    "backendRequest timeout cannot be longer than request timeout": _backend_is_in_time
}
ROUTE_RULE: Rules = {
    "RequestRedirect filter must not be used together with backendRefs": lambda rule: (
        not rule.get("backendRefs") or not _redirects(rule)
    ),
    **_prefix_is_matched("RequestRedirect"),
    **_prefix_is_matched("URLRewrite"),
    **_prefix_is_matched_in_backends("when", "RequestRedirect"),
    **_prefix_is_matched_in_backends("When", "URLRewrite"),
}
ROUTE_RULES: Rules = {
    "Rule name must be unique within the route": lambda rules: all_unique(
        rule["name"] for rule in rules if "name" in rule
    ),
    "While 16 rules and 64 matches per rule are allowed, the total number of matches "
    "across all rules in a route must be less than 128": lambda rules: (
        sum(len(rule.get("matches", [])) for rule in rules) <= _MOST_MATCHES
    ),
}
