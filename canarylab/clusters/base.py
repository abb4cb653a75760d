"""The interface of a cluster, as everything above it sees one.

A provider starts and stops a cluster, loads an image into it, adapts a manifest
to it, and lists the addresses of a Service. All else goes through its kubeconfig and is the same
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
    """What a cluster needs before Ingresses are served."""

    objects: tuple[Object, ...] = ()
    """The objects to apply; none if a controller runs already."""
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
        """The namespace of all objects of the lessons."""
        ...

    @property
    def context(self) -> str | None:
        """The context of the kubeconfig; None is its current one."""
        ...

    @property
    def option(self) -> str:
        """What names it in a command, after a space; empty for the one that is taken unnamed."""
        ...

    def start(self, report: Report) -> None:
        """Make sure that it runs; raise SetupError if it cannot."""
        ...

    def stop(self) -> bool:
        """End what `start` started; False when nothing ran."""
        ...

    def status(self) -> str | None:
        """A sentence that says where it runs; None if it does not, or does not answer.

        Starts nothing.
        """
        ...

    @property
    def kubeconfig(self) -> str:
        """The value of KUBECONFIG that reaches it: a file, or several with colons between."""
        ...

    @property
    def stop_instructions(self) -> str:
        """How a learner stops it, or why canarylab does not; a sentence."""
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

    def addresses(
        self, service: Mapping[str, Any], node_hosts: Collection[str]
    ) -> list[ServiceAddress]:
        """Where the Service might be reached, the best first; `node_hosts` run its pods."""
        ...

    def ingress_setup(self, classes: Sequence[Object] | None, report: Report) -> IngressSetup:
        """What is missing, judged by its IngressClasses; None if they may not be listed."""
        ...

    def ingress_url(self, status_addresses: Collection[str]) -> str:
        """Where Ingresses answer, without a slash at the end.

        `status_addresses` are the addresses in the status of the Ingresses. Raises
        IngressAddressError where those are needed and there is none.
        """
        ...


class LocalCluster:
    """What clusters of this machine have in common: names and manifests stay as they are."""

    namespace = "default"
    context: str | None = None
    option = ""

    def image(self, reference: str) -> str:
        """The same name as here."""
        return reference

    def adapt_manifest(self, manifest: Object) -> AdaptedManifest:
        """The manifest, unchanged."""
        return AdaptedManifest(manifest)

    def ingress_setup(self, classes: Sequence[Object] | None, report: Report) -> IngressSetup:
        """Nothing: a controller runs."""
        return IngressSetup()


def advice_without_answer(cluster: Cluster) -> str:
    """What to try when the cluster in use does not answer any more."""
    status = f"Is it running? `canarylab status{cluster.option}` says"
    if isinstance(cluster, LocalCluster):
        return f"{status}, `canarylab up{cluster.option}` starts it."
    return f"{status}; only the people who run it can start it."


def node_port(service: Mapping[str, Any]) -> int | None:
    """The first node port of a Service, or None if it has none."""
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
