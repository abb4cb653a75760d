"""What is wrong with an Ingress, said so that its owner can mend it?

None of it stops the ingress: it goes on with what is right. ingress-nginx writes the same things
to its log or refuses them in its webhook; here they are events, where `kubectl describe` shows
them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from canarylab.playground.kube.api import Key
from canarylab.playground.network.ingress.wishes import Backend, Path

Reason = Literal[
    "AlreadyClaimed",
    "BadPath",
    "BadPattern",
    "BadWeight",
    "CanaryNotEnabled",
    "NoEndpoints",
    "NoPrimary",
    "PortNotFound",
    "SecondCanary",
    "ServiceIsCanary",
    "ServiceIsPrimary",
    "ServiceNotFound",
]


class Trouble(NamedTuple):
    """One thing that is wrong."""

    ingress: Key
    reason: Reason
    message: str


def already_claimed(ingress: Key, path: Path, holder: Key) -> Trouble:
    """The oldest rule wins."""
    return Trouble(
        ingress,
        "AlreadyClaimed",
        f"{path} is served as the older Ingress {_name(holder)} says, not as this one does. "
        "Choose another host or path, or delete one of the two.",
    )


def bad_path(ingress: Key, path: Path, complaint: str) -> Trouble:
    """A whole Ingress is left out for it, as ingress-nginx's webhook refuses a whole Ingress."""
    return Trouble(
        ingress,
        "BadPath",
        f"{path} is no regular expression ({complaint}), and all paths of this host are regular "
        "expressions, so the whole Ingress is left out. Correct the path.",
    )


def bad_pattern(ingress: Key, pattern: str, complaint: str) -> Trouble:
    """A header pattern that cannot be searched for."""
    return Trouble(
        ingress,
        "BadPattern",
        f"canary-by-header-pattern {pattern!r} is no regular expression ({complaint}), so a "
        "request with that header never reaches the canary. Correct the pattern.",
    )


def bad_weight(ingress: Key, said: str, consequence: str) -> Trouble:
    """A weight, or a total, that cannot be taken as it stands."""
    return Trouble(
        ingress, "BadWeight", f"{said}, so {consequence}. Choose a weight from 0 to the total."
    )


def canary_not_enabled(ingress: Key, names: list[str]) -> Trouble:
    """Canary annotations without the one that makes them count."""
    return Trouble(
        ingress,
        "CanaryNotEnabled",
        f'{", ".join(names)} without canary: "true" does nothing, and this Ingress is one like '
        'any other. Add the annotation nginx.ingress.kubernetes.io/canary: "true".',
    )


def nobody_answers(ingress: Key, backend: Backend, reason: Reason) -> Trouble:
    """Every request to this backend gets 503."""
    why = {
        "ServiceNotFound": f"Service {_name(backend.service)} does not exist",
        "PortNotFound": f"Service {_name(backend.service)} has no port {backend.port}",
    }.get(reason, f"Service {_name(backend.service)} has no ready endpoints")
    remedy = {
        "ServiceNotFound": "Create it, or name another one.",
        "PortNotFound": "Name one of its ports by number or by name.",
    }.get(reason, "Look at its selector, and at whether its pods are ready.")
    return Trouble(ingress, reason, f"{why}, so nobody answers there. {remedy}")


def no_primary(ingress: Key, path: Path) -> Trouble:
    """A canary of nothing."""
    return Trouble(
        ingress,
        "NoPrimary",
        f"No other Ingress serves {path} with this pathType, so this canary gets no request. "
        "Give it the host, the path and the pathType of the rule whose share it shall take.",
    )


def second_canary(ingress: Key, path: Path, first: Backend) -> Trouble:
    """At most one canary for a rule."""
    return Trouble(
        ingress,
        "SecondCanary",
        f"{path} has a canary already, {first}, and a rule can have one only; this one gets no "
        "request. Delete one of the two.",
    )


def service_is_canary(ingress: Key, path: Path, backend: Backend) -> Trouble:
    """An older canary Ingress has the Service."""
    return Trouble(
        ingress,
        "ServiceIsCanary",
        f"{backend} is the canary of an older Ingress and cannot serve {path} too, which is left "
        "out. Give one of the two a Service of its own.",
    )


def service_is_primary(ingress: Key, backend: Backend) -> Trouble:
    """An older Ingress has the Service, and so its weight and headers are lost."""
    return Trouble(
        ingress,
        "ServiceIsPrimary",
        f"{backend} is the backend of an older Ingress as well, so the weight and the header of "
        "this canary do nothing. Give the canary a Service of its own.",
    )


def _name(key: Key) -> str:
    return f"{key.namespace}/{key.name}"
