"""`Kubelet`: what the API server asks of the node, when somebody wants logs or a shell."""

from __future__ import annotations

from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from canarylab.playground.kube.api import Key


@dataclass(frozen=True)
class LogOptions:
    """The query of a log request."""

    container: str | None = None
    follow: bool = False
    previous: bool = False
    tail_lines: int | None = None
    since_s: float | None = None
    timestamps: bool = False


class Kubelet(Protocol):
    """Reaches into a pod. Both raise NotFoundError or BadRequestError in Kubernetes' words."""

    def logs(self, pod: Key, options: LogOptions) -> AsyncIterator[bytes]:
        """Whole lines, as they come."""
        ...

    async def execute(
        self, pod: Key, command: Sequence[str], *, container: str | None = None
    ) -> Process:
        """Start a command with the pod's environment and folder; its three streams are pipes."""
        ...
