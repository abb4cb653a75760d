"""The interface of a cluster, as everything above it sees one.

A provider starts and stops a cluster, loads an image into it, says how a manifest has to look
there, and where a Service might be reached. All else goes through its kubeconfig and is the same
everywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from canarylab.display import Report
from canarylab.errors import ClusterError
from canarylab.kube_objects import Object

KUBE_PROXY_SYNC_S = 1.0  # iptables mode: --iptables-min-sync-period


class AdaptedManifest(NamedTuple):
    """A manifest as a cluster accepts it."""

    object: Object
    notes: tuple[str, ...] = ()
    """What had to be changed and why, a sentence each."""


class ServiceAddress(NamedTuple):
    """Where a Service might be reached."""

    url: str
    """`http://127.0.0.1:32089`, without a slash at the end."""
    description: str
    """What is at that address: "node port 32089"."""
    needs_check: bool = False
    """Whether a request has to prove it: a firewall or another program may be there."""
    balanced_per: Literal["connection", "request"] = "connection"
    """Whether a pod is chosen for each connection or for each request."""
    sync_delay_s: float = 0.0
    """Seconds to wait after endpoints become ready before the first connection."""


class IngressSetup(NamedTuple):
    """What a cluster lacks before Ingresses are served."""

    objects: tuple[Object, ...] = ()
    """The objects to apply; none where a controller runs already."""
    notes: tuple[str, ...] = ()
    """What a learner should know, a sentence or two each."""


class Cluster(Protocol):
    """A cluster that runs, or can be started."""

    @property
    def name(self) -> str:
        """What figures and tables call it: "playground"."""
        ...

    @property
    def namespace(self) -> str:
        """The namespace of everything of ours."""
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
        """The value of KUBECONFIG that reaches it: a file, or several with colons between."""
        ...

    @property
    def ending(self) -> str:
        """How a learner ends it, or that it is not theirs to end; a sentence."""
        ...

    def load_image(self, reference: str, report: Report) -> str | None:
        """Make an image that was built here known to the cluster; a note, if there is one."""
        ...

    def image(self, reference: str) -> str:
        """What the cluster calls the image that is called `reference` here."""
        ...

    def adapt_manifest(self, manifest: Object) -> AdaptedManifest:
        """The manifest as this cluster accepts it."""
        ...

    def addresses(self, service: Mapping[str, Any], hosts: Collection[str]) -> list[ServiceAddress]:
        """Where the Service might be reached, the best first; `hosts` run its pods."""
        ...

    def ingress_setup(self, classes: Sequence[Object] | None, report: Report) -> IngressSetup:
        """What is missing, going by its IngressClasses; None where they may not be listed."""
        ...

    def ingress_url(self, hosts: Collection[str]) -> str:
        """Where Ingresses answer; `hosts` are in their status. Without a slash at the end.

        Raises ClusterError where no controller serves them.
        """
        ...


class LocalCluster:
    """What clusters of this machine have in common: names and manifests stay as they are."""

    namespace = "default"
    context: str | None = None

    def image(self, reference: str) -> str:
        """The same name as here."""
        return reference

    def adapt_manifest(self, manifest: Object) -> AdaptedManifest:
        """The manifest, unchanged."""
        return AdaptedManifest(manifest)

    def ingress_setup(self, classes: Sequence[Object] | None, report: Report) -> IngressSetup:
        """Nothing: a controller runs."""
        return IngressSetup()


def node_port(service: Mapping[str, Any]) -> int | None:
    """The first node port of a Service, or None where it has none."""
    ports = service["spec"].get("ports") or []
    return next((port["nodePort"] for port in ports if port.get("nodePort")), None)


def local_node_port(service: Mapping[str, Any]) -> ServiceAddress:
    """The node port on 127.0.0.1; raise ClusterError for a Service without one."""
    number = node_port(service)
    if number is None:
        raise ClusterError(
            f"Service {service['metadata']['name']} is of type {service['spec']['type']} and has "
            "no node port. Give it `type: NodePort` to reach it from outside the cluster."
        )
    url = f"http://127.0.0.1:{number}"
    return ServiceAddress(url, f"node port {number}", sync_delay_s=KUBE_PROXY_SYNC_S)
