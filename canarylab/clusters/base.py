"""What is a cluster, to everything above?

A provider starts and stops a cluster, gets an image into it, and knows the URL of a Service. All
else goes through its kubeconfig and is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class Cluster(Protocol):
    """A cluster that runs, or can be started."""

    name: str
    """What figures and tables call it: "playground"."""
    namespace: str

    def start(self) -> None:
        """Make sure it runs; raise SetupError where that cannot be."""
        ...

    def stop(self) -> bool:
        """End what `start` started; False when nothing ran."""
        ...

    @property
    def kubeconfig(self) -> Path:
        """The file that reaches it."""
        ...

    def load_image(self, reference: str) -> None:
        """Make an image that was built here known to the cluster."""
        ...

    def service_url(self, service: Mapping[str, Any]) -> str:
        """Where this machine reaches a Service; raise ClusterError where it cannot."""
        ...
