"""The playground as a cluster: nothing to install, nothing to pull."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from canarylab.clusters.base import LocalCluster, Report, ServiceAddress, local_node_port
from canarylab.errors import ClusterError
from canarylab.images.process_build import build_app
from canarylab.playground import lifecycle
from canarylab.playground.home import Home
from canarylab.playground.images import parse_reference
from canarylab.ports import LOOPBACK


class Playground(LocalCluster):
    """The small cluster inside this package."""

    name = "playground"
    ending = "The cluster runs on; `canarylab down` ends it."

    def __init__(self, home: Home | None = None, *, api_port: int | None = None) -> None:
        self.home, self._api_port = home or Home.of_user(), api_port

    def start(self, report: Report) -> None:
        """Find the running playground, or start one."""
        report("starting the playground")
        lifecycle.up(self.home, api_port=self._api_port)

    def stop(self) -> bool:
        """End it and all its pods."""
        return lifecycle.down(self.home)

    def status(self) -> str | None:
        """What the daemon wrote down when it started."""
        running = lifecycle.status(self.home)
        if running is None:
            return None
        return (
            f"The playground runs since {running.started}, pid {running.pid}, "
            f"API on {LOOPBACK}:{running.api_port}."
        )

    @property
    def kubeconfig(self) -> str:
        """Written when the playground starts."""
        return str(self.home.kubeconfig)

    def load_image(self, reference: str, report: Report) -> str | None:
        """The kubelet runs folders: make one from the same Dockerfile, if it is not there yet."""
        report(f"preparing {reference} for the playground")
        build_app(parse_reference(reference).tag, self.home.images)
        return None

    def ingress_url(self, hosts: Collection[str]) -> str:
        """127.0.0.1:8080, or the next port that was free when it started."""
        running = lifecycle.status(self.home)
        if running is None:
            raise ClusterError("The playground does not run. Start it with `canarylab up`.")
        return f"http://{LOOPBACK}:{running.ingress_port}"

    def addresses(self, service: Mapping[str, Any], hosts: Collection[str]) -> list[ServiceAddress]:
        """Node ports listen on 127.0.0.1."""
        return [local_node_port(service)._replace(sync_delay_s=0.0)]
