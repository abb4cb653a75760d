"""A cluster that somebody runs, reached as a guest with a kubeconfig.

A guest works in one namespace, that of the context, and asks for nothing that others would notice:
no list of nodes or namespaces, no object of the whole cluster, no port number of its own choice.
Images reach such a cluster through a registry. `access.py` finds out what the guest may do.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from canarylab.clusters import access, contexts, ingress_classes
from canarylab.clusters.base import (
    KUBE_PROXY_SYNC_S,
    Address,
    Fitted,
    Object,
    Report,
    Serving,
    node_port,
)
from canarylab.clusters.fitting import Guest, fit
from canarylab.clusters.registry import named, push
from canarylab.errors import ClusterError
from canarylab.playground.home import Home


class Kubeconfig:
    """One context of the user's kubeconfig."""

    ending = "The cluster is somebody else's and stays as it is."

    def __init__(
        self,
        home: Home | None = None,
        *,
        context: str | None = None,
        registry: str | None = None,
    ) -> None:
        self._home = home or Home.of_user()
        self._files = contexts.files()
        self._context = contexts.find(self._files, context or os.environ.get("CANARYLAB_CONTEXT"))
        self._registry = registry or os.environ.get("CANARYLAB_REGISTRY") or None
        self._guest = Guest(registry=self._registry)

    @property
    def name(self) -> str:
        """The context, as figures name it."""
        return f"context {self._context.name}"

    @property
    def namespace(self) -> str:
        """The namespace of the context."""
        return self._context.namespace

    @property
    def context(self) -> str | None:
        """The name of the context."""
        return self._context.name

    def start(self, report: Report) -> None:
        """Find out, without changing anything, whether the lessons can run here."""
        report(f"asking what you may do in namespace {self.namespace}")
        may = access.probe(self._files, self._context)
        self._guest = self._guest._replace(has_node_ports=may.have_node_ports)

    def stop(self) -> bool:
        """Nothing: it was there before."""
        return False

    def status(self) -> str | None:
        """Where it is; whether it answers is found out when it is used."""
        return f"Context {self._context.name} is at {self._context.server}."

    @property
    def kubeconfig(self) -> str:
        """The user's own files; in front of them one that chooses the context, where it has to."""
        if self._context.is_current:
            return self._files
        chosen = self._home.root / "context.kubeconfig"
        contexts.choose(chosen, self._context.name)
        return os.pathsep.join([str(chosen), self._files])

    def load_image(self, reference: str, report: Report) -> str | None:
        """Push it to the registry that was named."""
        if self._registry is None:
            return (
                "The images stay on this machine: name a registry with CANARYLAB_REGISTRY, "
                "unless the cluster has them already."
            )
        return push(reference, self._registry, report)

    def image(self, reference: str) -> str:
        """With the registry in front."""
        return named(reference, self._registry)

    def fit(self, wanted: Object) -> Fitted:
        """Without node ports of our choice, with the registry in front of our images."""
        return fit(wanted, self._guest)

    def serve_ingresses(self, classes: Sequence[Object] | None, report: Report) -> Serving:
        """Nothing can be made here; from now on Ingresses take the class that is there."""
        chosen = ingress_classes.choose(classes)
        self._guest = self._guest._replace(ingress_class=chosen.name)
        return Serving(notes=chosen.notes)

    def ingress_url(self, places: Collection[str]) -> str:
        """The first place that a controller names."""
        if not places:
            raise ClusterError(
                f"No Ingress in namespace {self.namespace} has an address: no controller serves "
                "it. `kubectl describe ingress` says more; ask whoever runs the cluster."
            )
        return f"http://{next(iter(places))}"

    def addresses(self, service: Mapping[str, Any], hosts: Collection[str]) -> list[Address]:
        """A load balancer, else the node port at the nodes and at the API server's own address."""
        return [*_load_balancers(service), *self._node_ports(service, hosts)]

    def _node_ports(self, service: Mapping[str, Any], hosts: Collection[str]) -> list[Address]:
        number = node_port(service)
        if number is None:
            return []
        server = urlsplit(self._context.server).hostname
        return [
            Address(
                f"http://{_bracketed(host)}:{number}",
                f"node port {number}",
                is_guess=True,
                sync_delay_s=KUBE_PROXY_SYNC_S,
            )
            for host in dict.fromkeys([*([server] if server else []), *hosts])
        ]


def _load_balancers(service: Mapping[str, Any]) -> list[Address]:
    status = service.get("status") or {}
    places = (status.get("loadBalancer") or {}).get("ingress") or []
    port = service["spec"]["ports"][0]["port"]
    hosts = [place.get("ip") or place.get("hostname") for place in places]
    return [
        Address(f"http://{_bracketed(host)}:{port}", "its load balancer", is_guess=True)
        for host in hosts
        if host
    ]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
