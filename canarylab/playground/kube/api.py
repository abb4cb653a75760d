"""`Api`: the verbs every part of the playground speaks.

Controllers, the kubelet and the service proxy hold an `Api` and nothing else. The API server
provides the real one (`apiserver/local.py`); tests use `tests/playground/fake_api.py`, and both
pass the same contract suite.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from canarylab.kube_objects import Key, Object

__all__ = ["NOW", "Api", "DeleteOptions", "Event", "Key", "Object", "Propagation"]

Propagation = Literal["Background", "Foreground", "Orphan"]


class Event(NamedTuple):
    """That an object changed, and what it looks like now (or last looked, when deleted)."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Object


@dataclass(frozen=True)
class DeleteOptions:
    """How to delete; the same three knobs as in a DELETE body."""

    grace_period_s: int | None = None
    propagation: Propagation | None = None
    uid: str | None = None


NOW = DeleteOptions(grace_period_s=0)


class Api(Protocol):
    """Kinds go by their bare name, "Deployment": no two of ours share one.

    What `get`, `list` and `watch` hand out is shared with the store: read it, never change it.
    `update` writes everything but the status and `update_status` the status alone; both raise
    ConflictError when the resourceVersion is stale, and write nothing when nothing differs.
    """

    async def get(self, kind: str, key: Key) -> Object: ...

    async def list(self, kind: str, namespace: str | None = None) -> list[Object]:
        """In one namespace, or in all of them."""
        ...

    async def create(self, obj: Object) -> Object: ...

    async def update(self, obj: Object) -> Object: ...

    async def update_status(self, obj: Object) -> Object: ...

    async def bind(self, pod: Key, node: str) -> Object:
        """Give a pod to a node, as the pods/binding subresource does."""
        ...

    async def delete(self, kind: str, key: Key, options: DeleteOptions = ...) -> None:
        """Ask for deletion. A pod with a node, or an object with finalizers, stays for a while."""
        ...

    def watch(self, kind: str) -> AsyncIterator[Event]:
        """All there are as ADDED, then every change, until the iterator is closed."""
        ...
