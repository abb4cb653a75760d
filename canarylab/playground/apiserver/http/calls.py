"""What does it take to answer a request?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from canarylab.playground.apiserver.http.paths import Target
from canarylab.playground.apiserver.http.queries import Query, is_dry_run
from canarylab.playground.apiserver.local import LocalApi
from canarylab.playground.apiserver.store import Write
from canarylab.playground.kube.api import KubeletClient, Object
from canarylab.playground.kube.kinds import Kind, in_version


@dataclass(frozen=True)
class Call:
    """One request, what it is about, and who can answer it."""

    request: web.Request
    target: Target
    api: LocalApi
    kubelet: KubeletClient

    @property
    def kind(self) -> Kind:
        """The kind of objects it is about."""
        return self.target.kind

    @property
    def query(self) -> Query:
        """What stands after the question mark."""
        return self.request.query

    def found(self) -> Object:
        """The object the path names, or NotFoundError."""
        obj = self.api.registry.found(self.kind.kind, self.target.key)
        return in_version(obj, self.kind)

    def done(self, write: Write) -> Object:
        """Do what was planned, unless this is a dry run."""
        obj = write.object if is_dry_run(self.query) else self.api.commit(write)
        return in_version(obj, self.kind)


Handler = Callable[[Call], Awaitable[web.StreamResponse]]
