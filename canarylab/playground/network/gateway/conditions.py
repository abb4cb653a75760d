"""What do a GatewayClass, a Gateway and an HTTPRoute say of how they are doing?

Types, reasons and what they mean: https://gateway-api.sigs.k8s.io/geps/gep-1364/
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from canarylab.playground.kube.api import Object
from canarylab.playground.network.gateway.attachment import (
    GROUP,
    Attachment,
    attached_routes,
    is_served,
)
from canarylab.playground.network.gateway.building import RouteState

CONTROLLER = "canarylab.dev/gateway-controller"
_KINDS = [{"group": GROUP, "kind": "HTTPRoute"}]
_WHY_NOT = {
    "NoMatchingParent": "No HTTP listener of the Gateway has this sectionName and port.",
    "NotAllowedByListeners": "No listener allows routes of this kind from this namespace.",
    "NoMatchingListenerHostname": "No listener has a hostname in common with the route.",
}
_UNRESOLVED = {
    "BackendNotFound": "A backend names a Service, or a port of it, that does not exist.",
    "InvalidKind": "A backend is of a kind other than Service.",
    "RefNotPermitted": "A backend is in another namespace, which needs a ReferenceGrant.",
}


class Said(NamedTuple):
    """One condition, before it has a date."""

    type: str
    is_true: bool
    reason: str
    message: str


def of_class(gateway_class: Object, now: str) -> Object:
    """The class is ours."""
    said = Said("Accepted", True, "Accepted", "The class is served by the playground.")
    return {
        **_status(gateway_class),
        "conditions": _dated(gateway_class, _old(gateway_class), [said], now),
    }


def of_gateway(
    gateway: Object, attachments: Sequence[Attachment], address: str, now: str
) -> Object:
    """Programmed as soon as one of its listeners is served."""
    served = any(is_served(listener) for listener in gateway["spec"]["listeners"])
    reason = "Accepted" if served else "ListenersNotValid"
    accepted = Said("Accepted", served, reason, _of_listeners(served=served))
    programmed = Said(
        "Programmed", served, "Programmed" if served else "Invalid", _of_listeners(served=served)
    )
    before = {entry["name"]: entry for entry in _status(gateway).get("listeners") or []}
    return {
        **_status(gateway),
        "addresses": [{"type": "IPAddress", "value": address}],
        "conditions": _dated(gateway, _old(gateway), [accepted, programmed], now),
        "listeners": [
            _of_listener(gateway, listener, before.get(listener["name"], {}), attachments, now)
            for listener in gateway["spec"]["listeners"]
        ],
    }


def of_route(state: RouteState, now: str) -> Object:
    """What each of our Gateways says of it; what others said stays."""
    parents = _status(state.route).get("parents") or []
    others = [entry for entry in parents if entry["controllerName"] != CONTROLLER]
    before = {str(entry["parentRef"]): entry for entry in parents}
    own = [
        {
            "parentRef": each.parent,
            "controllerName": CONTROLLER,
            "conditions": _dated(
                state.route,
                before.get(str(each.parent), {}).get("conditions") or [],
                _of_parent(state, each),
                now,
            ),
        }
        for each in state.attachments
    ]
    return {**_status(state.route), "parents": [*others, *own]}


def _of_listener(
    gateway: Object, listener: Object, before: Object, attachments: Iterable[Attachment], now: str
) -> Object:
    served = is_served(listener)
    said = [
        Said(
            "Accepted", served, "Accepted" if served else "UnsupportedProtocol", _served(listener)
        ),
        Said("Programmed", served, "Programmed" if served else "Invalid", _served(listener)),
        Said("ResolvedRefs", True, "ResolvedRefs", "There is nothing to resolve."),
        Said("Conflicted", False, "NoConflicts", "Nothing else wants the same."),
    ]
    return {
        "name": listener["name"],
        "supportedKinds": _KINDS if served else [],
        "attachedRoutes": attached_routes(gateway, listener, attachments),
        "conditions": _dated(gateway, before.get("conditions") or [], said, now),
    }


def _of_parent(state: RouteState, attachment: Attachment) -> list[Said]:
    is_accepted = attachment.reason == "Accepted" and not state.complaint
    accepted = Said("Accepted", is_accepted, attachment.reason, "The route is served.")
    if attachment.reason != "Accepted":
        accepted = accepted._replace(message=_WHY_NOT[attachment.reason])
    elif state.complaint:
        accepted = accepted._replace(reason="UnsupportedValue", message=f"{state.complaint}.")
    resolved = Said("ResolvedRefs", True, "ResolvedRefs", "Every backend is there.")
    if state.unresolved:
        message = _UNRESOLVED[state.unresolved]
        resolved = Said("ResolvedRefs", False, state.unresolved, message)
    return [accepted, resolved]


def _served(listener: Object) -> str:
    if is_served(listener):
        return "The listener is served on the port of the playground's ingress."
    return f"The playground serves HTTP only, not {listener['protocol']}."


def _of_listeners(*, served: bool) -> str:
    return "The Gateway is served." if served else "None of its listeners can be served."


def _dated(obj: Object, before: Iterable[Object], said: Iterable[Said], now: str) -> list[Object]:
    """A condition keeps its date for as long as it stays true, or untrue."""
    known = {entry["type"]: entry for entry in before}
    return [
        {
            "type": each.type,
            "status": str(each.is_true),
            "reason": each.reason,
            "message": each.message,
            "observedGeneration": obj["metadata"].get("generation", 1),
            "lastTransitionTime": _since(known.get(each.type), each, now),
        }
        for each in said
    ]


def _since(known: Object | None, said: Said, now: str) -> str:
    if known is not None and known["status"] == str(said.is_true):
        return str(known["lastTransitionTime"])
    return now


def _status(obj: Object) -> Object:
    return dict(obj.get("status") or {})


def _old(obj: Object) -> list[Object]:
    return list(_status(obj).get("conditions") or [])
