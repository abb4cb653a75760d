"""What is a Gateway: which ports does it listen on, and for whom?"""

from __future__ import annotations

import re
from typing import Any

from canarylab.playground.apiserver.custom.gateway_tls import GATEWAY_TLS, LISTENER_TLS
from canarylab.playground.apiserver.custom.listener_rules import LISTENER_RULES
from canarylab.playground.apiserver.custom.references import (
    ADDRESS_TYPE,
    GATEWAY_GROUP,
    GROUP,
    HOSTNAME,
    KIND,
    LABEL_SELECTOR,
    LOCAL_OBJECT,
    NAME,
    PORT,
    SECTION,
    conditions,
    pending,
)
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

_PENDING = pending("Accepted", "Programmed")
_HOST = HOSTNAME.limits["pattern"]
_PREFIX = r"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
_QUALIFIED = re.compile(rf"{_PREFIX}([A-Za-z0-9][-A-Za-z0-9_.]{{0,61}})?[A-Za-z0-9]")

_ROUTE_KIND = structure("A kind of route.", {"kind": KIND}, group=GROUP.or_else(GATEWAY_GROUP))
_ALLOWED_ROUTES = structure(
    "Which routes may be attached.",
    kinds=listing("Of which kinds.", _ROUTE_KIND, maxItems=8),
    namespaces=structure(
        "From which namespaces.",
        **{"from": word("Whose routes.", "All", "Selector", "Same").or_else("Same")},
        selector=LABEL_SELECTOR.meant_as("Which namespaces, if `from` is Selector."),
    ).or_else({"from": "Same"}),
).or_else({"namespaces": {"from": "Same"}})
_ALLOWED_LISTENERS = structure(
    "From which namespaces more listeners may be attached.",
    namespaces=structure(
        "From which namespaces.",
        **{"from": word("Whose listeners.", "All", "Selector", "Same", "None").or_else("None")},
        selector=LABEL_SELECTOR.meant_as("Which namespaces, if `from` is Selector."),
    ).or_else({"from": "None"}),
)
_PROTOCOL = text(
    "What is spoken there, HTTP for example.",
    minLength=1,
    maxLength=255,
    pattern=r"^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    r"(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$",
)
_LISTENER = structure(
    "One port, and which requests to it.",
    {
        "name": SECTION.meant_as("The listener's name."),
        "port": PORT.meant_as("Where it listens."),
        "protocol": _PROTOCOL,
    },
    allowedRoutes=_ALLOWED_ROUTES,
    hostname=HOSTNAME.meant_as("For which host; for all when it is left out."),
    tls=LISTENER_TLS,
)


def _is_named_properly(address: Any) -> bool:
    value = address.get("value")
    return address["type"] != "Hostname" or value is None or bool(re.search(_HOST, value))


def _unique(type_: str) -> Rule:
    def holds(addresses: Any) -> bool:
        values = [one["value"] for one in addresses if one["type"] == type_ and "value" in one]
        return len(values) == len(set(values))

    return Rule(f"{type_} values must be unique", holds)


_ADDRESS = structure(
    "An address.", type=ADDRESS_TYPE, value=text("The address itself.", maxLength=253)
).kept_to(
    Rule(
        f"Hostname value must be empty or contain only valid characters (matching {_HOST})",
        _is_named_properly,
    )
)
_GIVEN_ADDRESS = structure(
    "An address.",
    {"value": text("The address itself.", minLength=1, maxLength=253)},
    type=ADDRESS_TYPE,
).kept_to(
    Rule(
        f"Hostname value must only contain valid characters (matching {_HOST})", _is_named_properly
    )
)


def _keys(what: str) -> tuple[Rule, Rule]:
    return (
        Rule(
            f"{what} keys must be in the form of an optional DNS subdomain prefix followed by a "
            "required name segment of up to 63 characters.",
            lambda keyed: all(_QUALIFIED.fullmatch(key) for key in keyed),
        ),
        Rule(
            f"If specified, the {what.lower()} key's prefix must be a DNS subdomain not longer "
            "than 253 characters in total.",
            lambda keyed: all(len(key.partition("/")[0]) < 253 for key in keyed),
        ),
    )


_LABEL_VALUE = text(
    "The value.", minLength=0, maxLength=63, pattern="^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"
)
_INFRASTRUCTURE = structure(
    "What is to be said of what is made for this Gateway.",
    annotations=mapping(
        "Annotations for it.", text("The value.", minLength=0, maxLength=4096), maxProperties=16
    ).kept_to(*_keys("Annotation")),
    labels=mapping("Labels for it.", _LABEL_VALUE, maxProperties=8).kept_to(*_keys("Label")),
    parametersRef=LOCAL_OBJECT.meant_as("An object with settings."),
)

_SPEC = structure(
    "What is asked of the Gateway.",
    {
        "gatewayClassName": NAME.meant_as("Its GatewayClass."),
        "listeners": listing(
            "Where it listens.", _LISTENER, by=("name",), minItems=1, maxItems=64
        ).kept_to(*LISTENER_RULES),
    },
    addresses=listing("The addresses it shall have.", _ADDRESS, maxItems=16).kept_to(
        _unique("IPAddress"), _unique("Hostname")
    ),
    allowedListeners=_ALLOWED_LISTENERS,
    infrastructure=_INFRASTRUCTURE,
    tls=GATEWAY_TLS,
)


def _listener_status() -> Shape:
    return structure(
        "How one listener is doing.",
        {
            "attachedRoutes": number("How many routes are attached."),
            "conditions": conditions(),
            "name": SECTION.meant_as("The listener's name."),
        },
        supportedKinds=listing("The kinds of routes it can serve.", _ROUTE_KIND, maxItems=8),
    )


_STATUS = structure(
    "How the Gateway is doing.",
    addresses=listing("The addresses it has.", _GIVEN_ADDRESS, maxItems=16),
    attachedListenerSets=number("How many sets of further listeners are attached."),
    conditions=conditions().or_else(_PENDING),
    listeners=listing("How each listener is doing.", _listener_status(), by=("name",), maxItems=64),
).or_else({"conditions": _PENDING})

GATEWAY = structure(
    "Where requests come in: ports and hosts, to which routes are attached.",
    {"spec": _SPEC},
    status=_STATUS,
)
