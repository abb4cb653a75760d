"""Structural schemas of GatewayClass and Gateway (Gateway API 1.5, standard channel).

v1 and v1beta1 of a kind have the same schema. What HTTPRoute has in common with them is here, too.
"""

from __future__ import annotations

from canarylab.playground.apiserver.schema import gateway_cel as rules
from canarylab.playground.apiserver.schema.structural import (
    Schema,
    array,
    integer,
    string,
    structure,
)
from canarylab.playground.kube.kinds import GATEWAY_GROUP

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_CONTROLLER_PATH = r"\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+"
_DOMAIN = rules.DOMAIN_PATTERN

# Strings and numbers

_NAME = string("The name of the object.", minLength=1, maxLength=253)
_NAMESPACE = string(
    "The namespace of the object, if it is another one.",
    minLength=1,
    maxLength=63,
    pattern=f"^{_LABEL}$",
)
_GROUP = string("The API group of the object.", maxLength=253, pattern=f"^$|^{_DOMAIN}$")
_KIND = string(
    "The kind of the object.",
    minLength=1,
    maxLength=63,
    pattern="^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$",
)
SECTION_NAME = {
    "type": "string",
    "minLength": 1,
    "maxLength": 253,
    "pattern": f"^{_DOMAIN}$",
}
_LISTENER_NAME = {**SECTION_NAME, "description": "The name of the listener."}
PORT = integer("A port number.", minimum=1, maximum=65535)
HOSTNAME = {
    "type": "string",
    "minLength": 1,
    "maxLength": 253,
    "pattern": rules.HOSTNAME_PATTERN,
}
PRECISE_HOSTNAME = {
    "type": "string",
    "minLength": 1,
    "maxLength": 253,
    "pattern": f"^{_DOMAIN}$",
}
CONTROLLER_NAME = string(
    "The name of the controller: a domain, a slash and a path.",
    minLength=1,
    maxLength=253,
    pattern=f"^{_DOMAIN}{_CONTROLLER_PATH}$",
)
_ADDRESS_TYPE = string(
    "The type of the address: IPAddress, Hostname, or a domain-prefixed name.",
    minLength=1,
    maxLength=253,
    pattern=f"^Hostname|IPAddress|NamedAddress|{_DOMAIN}{_CONTROLLER_PATH}$",
    default="IPAddress",
)

# References

LOCAL_OBJECT = structure(
    "A reference to an object of the same namespace.",
    {"group": _GROUP, "kind": _KIND, "name": _NAME},
    required=["group", "kind", "name"],
)
_ANY_OBJECT = structure(
    "A reference to an object.",
    {"group": _GROUP, "kind": _KIND, "name": _NAME, "namespace": _NAMESPACE},
    required=["group", "kind", "name"],
)
_SECRET = structure(
    "A reference to a Secret.",
    {
        "group": {**_GROUP, "default": ""},
        "kind": {**_KIND, "default": "Secret"},
        "name": _NAME,
        "namespace": _NAMESPACE,
    },
    required=["name"],
)
BACKEND = structure(
    "A reference to the Service that receives the requests.",
    {
        "group": {**_GROUP, "default": ""},
        "kind": {**_KIND, "default": "Service"},
        "name": _NAME,
        "namespace": _NAMESPACE,
        "port": {**PORT, "description": "The port of the Service."},
    },
    required=["name"],
    rules=rules.BACKEND_REFERENCE,
)
PARENT = structure(
    "A reference to what the route is attached to, usually a Gateway.",
    {
        "group": {**_GROUP, "default": GATEWAY_GROUP},
        "kind": {**_KIND, "default": "Gateway"},
        "name": _NAME,
        "namespace": _NAMESPACE,
        "port": {**PORT, "description": "The port of the listener."},
        "sectionName": _LISTENER_NAME,
    },
    required=["name"],
)
_LABEL_SELECTOR = structure(
    "The namespaces, by their labels, if `from` is Selector.",
    {
        "matchExpressions": array(
            "Requirements, all of which must be met.",
            structure(
                "One requirement.",
                {
                    "key": string("The key of the label."),
                    "operator": string("In, NotIn, Exists or DoesNotExist."),
                    "values": array("The values for In and NotIn.", string("A value.")),
                },
                required=["key", "operator"],
            ),
        ),
        "matchLabels": {
            "type": "object",
            "description": "Labels with their values, all of which must match.",
            "additionalProperties": string("The value."),
        },
    },
)

# Conditions

_CONDITION = structure(
    "One condition.",
    {
        "lastTransitionTime": string("When the status last changed.", format="date-time"),
        "message": string("The reason as a sentence.", maxLength=32768),
        "observedGeneration": {
            "type": "integer",
            "description": "The generation of the object that the condition is about.",
            "format": "int64",
            "minimum": 0,
        },
        "reason": string(
            "The reason as one word.",
            minLength=1,
            maxLength=1024,
            pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        ),
        "status": string("True, False or Unknown.", enum=["True", "False", "Unknown"]),
        "type": string(
            "The type of the condition.",
            maxLength=316,
            pattern=f"^({_DOMAIN}/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
        ),
    },
    required=["lastTransitionTime", "message", "reason", "status", "type"],
)
CONDITIONS = array("The conditions, one of each type.", _CONDITION, keys=["type"], maxItems=8)


def _pending(*types: str) -> list[Schema]:
    """The conditions of a new object, before its controller has seen it."""
    return [
        {
            "lastTransitionTime": "1970-01-01T00:00:00Z",
            "message": "Waiting for controller",
            "reason": "Pending",
            "status": "Unknown",
            "type": type_,
        }
        for type_ in types
    ]


# GatewayClass

GATEWAY_CLASS = structure(
    "A class of Gateways, all served by one controller.",
    {
        "spec": structure(
            "The desired state of the class.",
            {
                "controllerName": {
                    **CONTROLLER_NAME,
                    "description": "The controller that serves the Gateways of this class.",
                    "immutable": True,
                },
                "description": string("A short description of the class.", maxLength=64),
                "parametersRef": {
                    **_ANY_OBJECT,
                    "description": "An object with settings for the controller.",
                },
            },
            required=["controllerName"],
        ),
        "status": structure(
            "The observed state of the class.",
            {
                "conditions": {**CONDITIONS, "default": _pending("Accepted")},
                "supportedFeatures": array(
                    "The features that the controller supports.",
                    structure("One feature.", {"name": string("Its name.")}, required=["name"]),
                    keys=["name"],
                    maxItems=64,
                ),
            },
            default={"conditions": _pending("Accepted")},
        ),
    },
    required=["spec"],
)

# Gateway

_ROUTE_KINDS = array(
    "The kinds of routes.",
    structure(
        "A kind of routes.",
        {"group": {**_GROUP, "default": GATEWAY_GROUP}, "kind": _KIND},
        required=["kind"],
    ),
    maxItems=8,
)


def _namespaces(*words: str, default: str) -> Schema:
    """The namespaces from which routes or listeners may be attached."""
    return structure(
        "The namespaces from which they may be attached.",
        {
            "from": string(f"One of {', '.join(words)}.", enum=list(words), default=default),
            "selector": _LABEL_SELECTOR,
        },
        default={"from": default},
    )


_OPTIONS = {
    "type": "object",
    "description": "Settings that only some implementations know.",
    "additionalProperties": string("The value.", minLength=0, maxLength=4096),
    "maxProperties": 16,
}
_LISTENER = structure(
    "One port, and which requests are accepted on it.",
    {
        "allowedRoutes": structure(
            "The routes that may be attached.",
            {
                "kinds": _ROUTE_KINDS,
                "namespaces": _namespaces("All", "Selector", "Same", default="Same"),
            },
            default={"namespaces": {"from": "Same"}},
        ),
        "hostname": {
            **HOSTNAME,
            "description": "The host that is served; every host if it is left out.",
        },
        "name": _LISTENER_NAME,
        "port": {**PORT, "description": "The port that is listened on."},
        "protocol": string(
            "The protocol, for example HTTP.",
            minLength=1,
            maxLength=255,
            pattern=r"^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$",
        ),
        "tls": structure(
            "The TLS settings of the listener.",
            {
                "certificateRefs": array("Secrets with certificates.", _SECRET, maxItems=64),
                "mode": string(
                    "Where TLS ends: at the Gateway, or at the Service.",
                    enum=["Terminate", "Passthrough"],
                    default="Terminate",
                ),
                "options": _OPTIONS,
            },
            rules=rules.LISTENER_TLS,
        ),
    },
    required=["name", "port", "protocol"],
)
_CLIENT_TLS = structure(
    "The TLS settings for clients.",
    {
        "validation": structure(
            "How certificates of clients are validated.",
            {
                "caCertificateRefs": array(
                    "Objects with the certificates of trusted authorities.",
                    _ANY_OBJECT,
                    minItems=1,
                    maxItems=8,
                ),
                "mode": string(
                    "Whether clients without a valid certificate are accepted.",
                    enum=["AllowValidOnly", "AllowInsecureFallback"],
                    default="AllowValidOnly",
                ),
            },
            required=["caCertificateRefs"],
        )
    },
)
_GATEWAY_TLS = structure(
    "The TLS settings of the whole Gateway.",
    {
        "backend": structure(
            "The TLS settings towards Services.",
            {
                "clientCertificateRef": {
                    **_SECRET,
                    "description": "The Secret with the certificate of the Gateway.",
                }
            },
        ),
        "frontend": structure(
            "The TLS settings towards clients.",
            {
                "default": _CLIENT_TLS,
                "perPort": array(
                    "The settings of single ports.",
                    structure(
                        "The settings of one port.",
                        {"port": PORT, "tls": _CLIENT_TLS},
                        required=["port", "tls"],
                    ),
                    keys=["port"],
                    maxItems=64,
                    rules=rules.TLS_PORTS,
                ),
            },
            required=["default"],
        ),
    },
)
_INFRASTRUCTURE = structure(
    "Settings for what is created on behalf of this Gateway.",
    {
        "annotations": {
            "type": "object",
            "description": "The annotations of what is created.",
            "additionalProperties": string("The value.", minLength=0, maxLength=4096),
            "maxProperties": 16,
            "x-kubernetes-validations": rules.ANNOTATIONS,
        },
        "labels": {
            "type": "object",
            "description": "The labels of what is created.",
            "additionalProperties": string(
                "The value.",
                minLength=0,
                maxLength=63,
                pattern="^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
            ),
            "maxProperties": 8,
            "x-kubernetes-validations": rules.LABELS,
        },
        "parametersRef": {**LOCAL_OBJECT, "description": "An object with settings."},
    },
)
_GATEWAY_SPEC = structure(
    "The desired state of the Gateway.",
    {
        "addresses": array(
            "The addresses that are requested.",
            structure(
                "An address.",
                {
                    "type": _ADDRESS_TYPE,
                    "value": string("The value of the address.", maxLength=253),
                },
                rules=rules.ADDRESS,
            ),
            maxItems=16,
            rules=rules.ADDRESSES,
        ),
        "allowedListeners": structure(
            "The ListenerSets that may be attached.",
            {"namespaces": _namespaces("All", "Selector", "Same", "None", default="None")},
        ),
        "gatewayClassName": {**_NAME, "description": "The name of its GatewayClass."},
        "infrastructure": _INFRASTRUCTURE,
        "listeners": array(
            "The ports that the Gateway listens on.",
            _LISTENER,
            keys=["name"],
            minItems=1,
            maxItems=64,
            rules=rules.LISTENERS,
        ),
        "tls": _GATEWAY_TLS,
    },
    required=["gatewayClassName", "listeners"],
)
_GATEWAY_STATUS = structure(
    "The observed state of the Gateway.",
    {
        "addresses": array(
            "The addresses that the Gateway has.",
            structure(
                "An address.",
                {
                    "type": _ADDRESS_TYPE,
                    "value": string("The value of the address.", minLength=1, maxLength=253),
                },
                required=["value"],
                rules=rules.STATUS_ADDRESS,
            ),
            maxItems=16,
        ),
        "attachedListenerSets": integer("The number of attached ListenerSets."),
        "conditions": {**CONDITIONS, "default": _pending("Accepted", "Programmed")},
        "listeners": array(
            "The state of each listener.",
            structure(
                "The state of one listener.",
                {
                    "attachedRoutes": integer("The number of attached routes."),
                    "conditions": CONDITIONS,
                    "name": _LISTENER_NAME,
                    "supportedKinds": _ROUTE_KINDS,
                },
                required=["attachedRoutes", "conditions", "name"],
            ),
            keys=["name"],
            maxItems=64,
        ),
    },
    default={"conditions": _pending("Accepted", "Programmed")},
)
GATEWAY = structure(
    "Ports and hosts on which requests are accepted, and to which routes attach.",
    {"spec": _GATEWAY_SPEC, "status": _GATEWAY_STATUS},
    required=["spec"],
)
REFERENCE_GRANT = structure(
    "Which objects of other namespaces may refer to objects of this namespace.",
    {
        "spec": structure(
            "Who may refer to what.",
            {
                "from": array(
                    "The objects that may refer.",
                    structure(
                        "Objects of one kind and namespace.",
                        {"group": _GROUP, "kind": _KIND, "namespace": _NAMESPACE},
                        required=["group", "kind", "namespace"],
                    ),
                    minItems=1,
                    maxItems=16,
                ),
                "to": array(
                    "The objects that they may refer to.",
                    structure(
                        "Objects of one kind, or one of them by its name.",
                        {"group": _GROUP, "kind": _KIND, "name": _NAME},
                        required=["group", "kind"],
                    ),
                    minItems=1,
                    maxItems=16,
                ),
            },
            required=["from", "to"],
        )
    },
    required=["spec"],
)
