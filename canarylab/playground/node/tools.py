"""What does a pod need of its node?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from canarylab.playground.home import Home
from canarylab.playground.kube.api import Api, Object
from canarylab.playground.kube.objects import uid_of
from canarylab.playground.node.addresses import PodAddresses
from canarylab.playground.node.guard import Guard
from canarylab.playground.node.recorder import Recorder
from canarylab.playground.node.restarts import RestartDelays


def utc_now() -> datetime:
    """The time, in the one zone Kubernetes knows."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Tools:
    """Shared by all pods of a node."""

    api: Api
    home: Home
    addresses: PodAddresses
    recorder: Recorder
    guard: Guard
    delays: RestartDelays = field(default_factory=RestartDelays)
    now: Callable[[], datetime] = utc_now

    def folder_of(self, pod: Object) -> Path:
        """Where a pod's logs lie, and what its processes call HOME."""
        return pods_folder(self.home) / uid_of(pod)


def pods_folder(home: Home) -> Path:
    """A folder for each pod, named by its uid."""
    return home.playground / "pods"


@dataclass(frozen=True)
class Place:
    """Where one pod runs, and whom to tell that its status has changed."""

    pod: Object
    ip: str
    changed: Callable[[], None]
