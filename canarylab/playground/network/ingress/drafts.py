"""What stands on the table while it is built: hosts and upstreams that still change."""

from __future__ import annotations

from dataclasses import dataclass, field

from canarylab.playground.kube.api import Key
from canarylab.playground.network.ingress.annotations import NONE, Annotations, Policy
from canarylab.playground.network.ingress.troubles import Trouble
from canarylab.playground.network.ingress.wishes import ANY_HOST, Backend, Path


@dataclass
class DraftUpstream:
    """A backend, and what is known of it so far."""

    is_canary: bool = False
    """A canary has no location of its own: NoServer in ingress-nginx."""
    policy: Policy = field(default_factory=Policy)
    canary: Backend | None = None


@dataclass
class DraftLocation:
    """A path of a host."""

    path: str = "/"
    exact: bool = False
    backend: Backend | None = None
    ingress: Key | None = None
    annotations: Annotations = NONE
    is_default: bool = False
    """Made because every host has a `/`; the first rule for it replaces it."""

    def is_at(self, path: Path) -> bool:
        """Same path and same pathType."""
        return self.path == path.path and self.exact == path.exact


@dataclass
class Draft:
    """All of it."""

    upstreams: dict[Backend, DraftUpstream] = field(default_factory=dict)
    hosts: dict[str, list[DraftLocation]] = field(
        default_factory=lambda: {ANY_HOST: [DraftLocation(is_default=True)]}
    )
    troubles: list[Trouble] = field(default_factory=list)
