"""How does somebody come to serve the Ingresses of a cluster?

The provider knows what has to be there; here it is applied, and waited for, when the first of them
comes: on kind that may take as long as an image takes to pull.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from kubernetes.client.exceptions import ApiException

from canarylab.clusters.base import IngressSetup, Object, Report
from canarylab.display import status_line
from canarylab.release.apply import apply
from canarylab.release.connection import Connection, refusals
from canarylab.release.rollout import wait_until_rolled_out

Serve = Callable[[Sequence[Object] | None, Report], IngressSetup]

ROUTING = frozenset({"Ingress", "Gateway", "HTTPRoute"})
SERVED_WITHIN_S = 180.0  # most of it for the image, where a room shares a slow line
_NOT_SHOWN = {403, 404}  # a guest may not look; a cluster without that kind
_NO_IMAGE = (
    "Look at the network, or bring the images along with `canarylab bundle load FILE`; "
    "then apply the Ingress again."
)


class Doorkeeper:
    """Sees to it once that somebody serves Ingresses; `serving` is the provider's answer."""

    def __init__(self, serving: Serve, connection: Connection) -> None:
        self._serving, self._connection = serving, connection
        self._is_open = False
        self._untold: tuple[str, ...] = ()

    def open_for(self, objects: Iterable[Object]) -> tuple[str, ...]:
        """Open if there is something to route among them; what there is to say of it, once."""
        if not any(each.get("kind") in ROUTING for each in objects):
            return ()
        self.open()
        notes, self._untold = self._untold, ()
        return notes

    def open(self) -> None:
        """Open in any case; the second time there is nothing to do."""
        if self._is_open:
            return
        with status_line() as say:
            wanted = self._serving(read_classes(self._connection), say)
            bring_up(self._connection, wanted, say)
        self._is_open, self._untold = True, wanted.notes


def read_classes(connection: Connection) -> list[Object] | None:
    """The IngressClasses of the cluster; None where it does not show them."""
    with refusals("the IngressClasses", remedy="Look with `kubectl get ingressclasses`."):
        try:
            found = connection.networking.list_ingress_class()
        except ApiException as exc:
            if exc.status in _NOT_SHOWN:
                return None
            raise
    items: list[Object] = connection.plain(found)["items"]
    return items


def bring_up(connection: Connection, serving: IngressSetup, report: Report) -> None:
    """Apply what has to be there, and return when its pods are ready; again, it changes nothing."""
    for deployment in (each for each in serving.objects if each["kind"] == "Deployment"):
        name, namespace = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
        there = connection.beside(namespace)
        report(f"bringing {name}, which serves Ingresses here")
        apply(there, list(serving.objects))
        wait_until_rolled_out(
            there, name, timeout_s=SERVED_WITHIN_S, report=report, if_no_image=_NO_IMAGE
        )
