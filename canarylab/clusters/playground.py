"""The playground as a cluster: nothing to install, nothing to pull."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from canarylab.errors import ClusterError, SetupError
from canarylab.playground import images, lifecycle
from canarylab.playground.home import Home


class Playground:
    """The small cluster inside this package."""

    name = "playground"
    namespace = "default"

    def __init__(self, home: Home | None = None) -> None:
        self.home = home or Home.of_user()

    def start(self) -> None:
        """Find the running playground, or start one."""
        lifecycle.up(self.home)

    def stop(self) -> bool:
        """End it and all its pods."""
        return lifecycle.down(self.home)

    @property
    def kubeconfig(self) -> Path:
        """Written when the playground starts."""
        return self.home.kubeconfig

    def load_image(self, reference: str) -> None:
        """Nothing to move: the kubelet reads the folder that the builder writes."""
        if images.find(self.home.images, reference) is None:
            raise SetupError(
                f"There is no image {reference} on this machine. Build it with `canarylab build`."
            )

    def service_url(self, service: Mapping[str, Any]) -> str:
        """Node ports listen on 127.0.0.1."""
        name, ports = service["metadata"]["name"], service["spec"].get("ports") or []
        node_port = next((port["nodePort"] for port in ports if port.get("nodePort")), None)
        if node_port is None:
            raise ClusterError(
                f"Service {name} is of type {service['spec']['type']} and has no node port. "
                "Give it `type: NodePort` to reach it from outside the cluster."
            )
        return f"http://127.0.0.1:{node_port}"
