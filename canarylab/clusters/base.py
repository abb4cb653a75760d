"""What is a cluster, to everything above?

A provider starts and stops a cluster, gets an image into it, says how a manifest has to look there,
and where a Service might be reached. All else goes through its kubeconfig and is the same
everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from canarylab.errors import ClusterError

KUBE_PROXY_SYNC_S = 1.0  # iptables mode: --iptables-min-sync-period

Object = dict[str, Any]
Report = Callable[[str], None]
"""Hears in a few words what is being done now."""


class Fitted(NamedTuple):
    """A manifest as a cluster can take it."""

    object: Object
    notes: tuple[str, ...] = ()
    """What had to be changed and why, a sentence each."""


class Address(NamedTuple):
    """Where a Service might be reached."""

    url: str
    """`http://127.0.0.1:32089`, without a slash at the end."""
    way: str
    """What one reaches there: "node port 32089"."""
    is_guess: bool = False
    """It has to be tried: a firewall may be between, or another program may answer."""
    chosen_for: Literal["connection", "request"] = "connection"
    """What a pod is chosen for there."""
    sync_delay_s: float = 0.0
    """How long after endpoints become ready no connection is to be tried there."""


class Serving(NamedTuple):
    """What Ingresses need before somebody serves them."""

    objects: tuple[Object, ...] = ()
    """What has to be applied; nothing where a controller is there."""
    notes: tuple[str, ...] = ()
    """What there is to say of it, a sentence or two each."""


class Cluster(Protocol):
    """A cluster that runs, or can be started."""

    @property
    def name(self) -> str:
        """What figures and tables call it: "playground"."""
        ...

    @property
    def namespace(self) -> str:
        """Where everything of ours lies."""
        ...

    @property
    def context(self) -> str | None:
        """The context of the kubeconfig; None is its current one."""
        ...

    def start(self, report: Report) -> None:
        """Make sure it runs; raise SetupError where that cannot be."""
        ...

    def stop(self) -> bool:
        """End what `start` started; False when nothing ran."""
        ...

    def status(self) -> str | None:
        """That it runs, and where, in a sentence; None where it does not. It starts nothing."""
        ...

    @property
    def kubeconfig(self) -> str:
        """What reaches it, as KUBECONFIG names it: a file, or several with colons between."""
        ...

    @property
    def ending(self) -> str:
        """How a learner ends it, or that it is not theirs to end; a sentence."""
        ...

    def load_image(self, reference: str, report: Report) -> str | None:
        """Make an image that was built here known to the cluster; what there is to say of it."""
        ...

    def image(self, reference: str) -> str:
        """What the cluster calls the image that is called `reference` here."""
        ...

    def fit(self, wanted: Object) -> Fitted:
        """The manifest as this cluster can take it."""
        ...

    def addresses(self, service: Mapping[str, Any], hosts: Collection[str]) -> list[Address]:
        """Where the Service might be reached, the best first; `hosts` run its pods."""
        ...

    def serve_ingresses(self, classes: Sequence[Object] | None, report: Report) -> Serving:
        """What is missing, going by the IngressClasses there; None where it does not show them."""
        ...

    def ingress_url(self, places: Collection[str]) -> str:
        """Where Ingresses answer; `places` is what their status says. Without a slash at the end.

        Raises ClusterError where nobody does.
        """
        ...


class OwnCluster:
    """What is the same for clusters of this machine's own: names and manifests stay as they are."""

    namespace = "default"
    context: str | None = None

    def image(self, reference: str) -> str:
        """The same name as here."""
        return reference

    def fit(self, wanted: Object) -> Fitted:
        """Just as it is."""
        return Fitted(wanted)

    def serve_ingresses(self, classes: Sequence[Object] | None, report: Report) -> Serving:
        """Nothing: somebody serves them."""
        return Serving()


def node_port(service: Mapping[str, Any]) -> int | None:
    """The first node port of a Service, or None where it has none."""
    ports = service["spec"].get("ports") or []
    return next((port["nodePort"] for port in ports if port.get("nodePort")), None)


def node_port_here(service: Mapping[str, Any]) -> Address:
    """Where node ports listen on 127.0.0.1; raise ClusterError for a Service without one."""
    number = node_port(service)
    if number is None:
        raise ClusterError(
            f"Service {service['metadata']['name']} is of type {service['spec']['type']} and has "
            "no node port. Give it `type: NodePort` to reach it from outside the cluster."
        )
    url = f"http://127.0.0.1:{number}"
    return Address(url, f"node port {number}", sync_delay_s=KUBE_PROXY_SYNC_S)
