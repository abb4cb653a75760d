"""A playground of the tests' own, with the app's images built."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from canarylab.playground import daemon_control
from canarylab.playground.home import Home
from canarylab.release.connection import Connection
from tests.built_images import built
from tests.needs import missing


@dataclass(frozen=True)
class RunningPlayground:
    """A daemon in a home of its own."""

    home: Home

    @property
    def kubeconfig(self) -> Path:
        """What reaches it."""
        return self.home.kubeconfig

    @property
    def running(self) -> daemon_control.DaemonState:
        """Its addresses."""
        running = daemon_control.status(self.home)
        assert running is not None
        return running

    @property
    def node_port_url(self) -> str:
        """The lessons' node port on the node, which no other playground of this machine has."""
        return f"http://{self.running.node}:32089"

    @property
    def environment(self) -> dict[str, str]:
        """For programs that are to use it."""
        return {
            **os.environ,
            "CANARYLAB_HOME": str(self.home.root),
            "KUBECONFIG": str(self.kubeconfig),
        }

    def delete_pods_at_once(self, namespace: str = "default") -> None:
        """Those of the lessons, with their Deployments; nobody waits for the end of requests."""
        ours = {"namespace": namespace, "label_selector": "app=nodeapp"}
        with closing(Connection(self.kubeconfig)) as connection:
            connection.apps.delete_collection_namespaced_deployment(**ours)
            connection.core.delete_collection_namespaced_pod(**ours, grace_period_seconds=0)


@contextmanager
def running_playground(root: Path, *, images: bool = True) -> Iterator[RunningPlayground]:
    """Up for the length of a `with`, and down after it, whatever happened.

    Whatever test asks for one is skipped where a playground cannot run.
    """
    if why := missing("linux"):
        pytest.skip(why)
    home = Home(root)
    home.prepare()
    if images:
        built(home.images)
    daemon_control.up(home)
    try:
        yield RunningPlayground(home)
    finally:
        daemon_control.down(home)
