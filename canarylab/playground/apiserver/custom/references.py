"""How do the kinds of the Gateway API name other objects, hosts and ports?"""

from __future__ import annotations

from typing import Any

from canarylab.playground.apiserver.custom.shape import (
    Rule,
    Shape,
    listing,
    mapping,
    number,
    structure,
    text,
    word,
)

GATEWAY_GROUP = "gateway.networking.k8s.io"
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_PATH = r"\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+"

NAME = text("The name of the object.", minLength=1, maxLength=253)
NAMESPACE = text(
    "The namespace of the object, if it is another one.",
    minLength=1, maxLength=63, pattern=f"^{_LABEL}$",
)  # fmt: skip
GROUP = text("The group of the object's kind.", maxLength=253, pattern=f"^$|^{_DOMAIN}$")
KIND = text(
    "The kind of the object.",
    minLength=1, maxLength=63, pattern="^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$",
)  # fmt: skip
SECTION = text("The name of a part of it.", minLength=1, maxLength=253, pattern=f"^{_DOMAIN}$")
PORT = number("A port.", minimum=1, maximum=65535)
HOSTNAME = text(
    "A host, or with `*.` in front all below a domain.",
    minLength=1, maxLength=253, pattern=rf"^(\*\.)?{_DOMAIN}$",
)  # fmt: skip
PRECISE_HOSTNAME = text("A host.", minLength=1, maxLength=253, pattern=f"^{_DOMAIN}$")
CONTROLLER = text(
    "Who takes care of it: a domain, a slash and a path.",
    minLength=1, maxLength=253, pattern=f"^{_DOMAIN}{_PATH}$",
)  # fmt: skip
ADDRESS_TYPE = text(
    "What kind of address it is: IPAddress, Hostname, or a name with a domain.",
    minLength=1, maxLength=253, pattern=f"^Hostname|IPAddress|NamedAddress|{_DOMAIN}{_PATH}$",
).or_else("IPAddress")  # fmt: skip


def _has_port(reference: Any) -> bool:
    is_service = reference["group"] == "" and reference["kind"] == "Service"
    return not is_service or "port" in reference


BACKEND = structure(
    "The Service that gets the requests.",
    {"name": NAME},
    group=GROUP.or_else(""),
    kind=KIND.or_else("Service"),
    namespace=NAMESPACE,
    port=PORT.meant_as("The port of the Service."),
).kept_to(Rule("Must have port for Service reference", _has_port))

PARENT = structure(
    "What this route is attached to, usually a Gateway.",
    {"name": NAME},
    group=GROUP.or_else(GATEWAY_GROUP),
    kind=KIND.or_else("Gateway"),
    namespace=NAMESPACE,
    port=PORT.meant_as("The port of the listener."),
    sectionName=SECTION.meant_as("The name of the listener."),
)

LOCAL_OBJECT = structure(
    "An object of the same namespace.", {"group": GROUP, "kind": KIND, "name": NAME}
)
ANY_OBJECT = structure(
    "An object.", {"group": GROUP, "kind": KIND, "name": NAME}, namespace=NAMESPACE
)
SECRET = structure(
    "A Secret.",
    {"name": NAME},
    group=GROUP.or_else(""),
    kind=KIND.or_else("Secret"),
    namespace=NAMESPACE,
)

LABEL_SELECTOR = structure(
    "Which labels an object must have.",
    matchExpressions=listing(
        "Conditions, all of which must hold.",
        structure(
            "One condition.",
            {
                "key": text("The label it is about."),
                "operator": text("In, NotIn, Exists or DoesNotExist."),
            },
            values=listing("The values it speaks of.", text("A value.")),
        ),
    ),
    matchLabels=mapping("Labels with their values.", text("The value.")),
)

CONDITION = structure(
    "One thing that holds, or does not.",
    {
        "lastTransitionTime": text("Since when.", format="date-time"),
        "message": text("The reason in a sentence.", maxLength=32768),
        "reason": text(
            "The reason in a word.",
            minLength=1, maxLength=1024, pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        ),
        "status": word("Whether it holds.", "True", "False", "Unknown"),
        "type": text(
            "What it is about.",
            maxLength=316,
            pattern=rf"^({_DOMAIN}/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
        ),
    },
    observedGeneration=Shape(
        "integer", "Of which generation it was said.", {"format": "int64", "minimum": 0}
    ),
)  # fmt: skip


def conditions(**limits: int) -> Shape:
    """A list of conditions, one of each type."""
    return listing("How it is doing.", CONDITION, by=("type",), maxItems=8, **limits)


def pending(*types: str) -> list[dict[str, str]]:
    """Conditions as they are before any controller has looked."""
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
