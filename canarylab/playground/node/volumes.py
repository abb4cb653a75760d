"""Volumes of a pod, as the kubelet makes them, and where its containers see them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine that a container sees at a path.

    >>> Mount(Path("/machine/pods/a/volumes/config"), "/etc/app/config", read_only=True).path
    '/etc/app/config'
    """

    source: Path
    path: str
    """Absolute, as the container sees it."""
    read_only: bool
