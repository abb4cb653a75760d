"""The ingress controller of a cluster: install one where none serves Ingresses.

The provider knows what has to be there. It is applied with the first Ingress; on kind the wait for
it may take as long as an image takes to pull.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubernetes.client.exceptions import ApiException

from canarylab.clusters.base import IngressSetup
from canarylab.display import Report
from canarylab.kube_objects import Object
from canarylab.release.apply import apply
from canarylab.release.connection import Connection, refusals
from canarylab.release.rollout import wait_until_rolled_out

FindIngressSetup = Callable[[Sequence[Object] | None, Report], IngressSetup]

TIMEOUT_S = 180.0  # most of it for the image, where a room shares a slow line
_NOT_SHOWN = {403, 404}  # the user may not list them; a cluster without that kind
_NO_IMAGE = (
    "Look at the network, or load the images with `canarylab bundle load FILE`; "
    "then apply the Ingress again."
)


def ensure_ingress_controller(
    connection: Connection, ingress_setup: FindIngressSetup, report: Report
) -> tuple[str, ...]:
    """Apply what the provider says is missing, and wait until it is ready; the notes about it.

    Where everything is there, nothing changes.
    """
    wanted = ingress_setup(read_ingress_classes(connection), report)
    for deployment in (each for each in wanted.objects if each["kind"] == "Deployment"):
        name, namespace = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
        there = connection.in_namespace(namespace)
        report(f"installing {name}, which serves Ingresses here")
        apply(there, list(wanted.objects))
        wait_until_rolled_out(
            there, name, timeout_s=TIMEOUT_S, report=report, if_no_image=_NO_IMAGE
        )
    return wanted.notes


def read_ingress_classes(connection: Connection) -> list[Object] | None:
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
