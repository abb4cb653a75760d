"""Interfaces: `Api` (clients to API server) and `KubeletClient` (API server to kubelet).

Controllers, the kubelet and the service proxy hold an `Api` and nothing else. The API server
provides the real one (`apiserver/local_api.py`); tests use `tests/playground/fake_api.py`, and both
pass the same contract suite.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from canarylab.errors import BadRequestError, NotFoundError
from canarylab.kube_objects import Key, Object

Propagation = Literal["Background", "Foreground", "Orphan"]
FOREGROUND_FINALIZER, ORPHAN_FINALIZER = "foregroundDeletion", "orphan"


class WatchEvent(NamedTuple):
    """A change of an object, with the object as it is now, or as it last was when deleted."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Object


@dataclass(frozen=True)
class DeleteOptions:
    """The options in the body of a DELETE request."""

    grace_period_s: int | None = None
    propagation: Propagation | None = None
    uid: str | None = None


IMMEDIATELY = DeleteOptions(grace_period_s=0)


class Api(Protocol):
    """The verbs of the Kubernetes API. A kind is its bare name, "Deployment".

    What `get`, `list` and `watch` return is shared with the store: read it, never change it.
    `update` writes everything but the status, `update_status` the status alone, and `update_scale`
    an object of which only the replicas are others; all raise ConflictError when the
    resourceVersion is stale, and write nothing when nothing differs.
    """

    async def get(self, kind: str, key: Key) -> Object: ...

    async def list(self, kind: str, namespace: str | None = None) -> list[Object]:
        """Return the objects of one namespace, or of all."""
        ...

    async def create(self, obj: Object) -> Object: ...

    async def update(self, obj: Object) -> Object: ...

    async def update_status(self, obj: Object) -> Object: ...

    async def update_scale(self, obj: Object) -> Object: ...

    async def bind(self, pod: Key, node: str) -> Object:
        """Assign a pod to a node, as the pods/binding subresource does."""
        ...

    async def delete(self, kind: str, key: Key, options: DeleteOptions = ...) -> None:
        """Delete an object, or mark it: a pod with a node, and an object with finalizers, stay."""
        ...

    def watch(self, kind: str) -> AsyncIterator[WatchEvent]:
        """Yield all objects as ADDED, then every change, until the iterator is closed."""
        ...


async def find_object(api: Api, kind: str, key: Key) -> Object | None:
    """Return the object, or None if there is none."""
    try:
        return await api.get(kind, key)
    except NotFoundError:
        return None


@dataclass(frozen=True)
class LogOptions:
    """The query of a log request."""

    container: str | None = None
    follow: bool = False
    previous: bool = False
    tail_lines: int | None = None
    since_s: float | None = None
    timestamps: bool = False


def choose_container(pod: Object, name: str | None) -> str:
    """Return the name of the container meant; a pod's only one needs no name.

    >>> choose_container({"spec": {"containers": [{"name": "nodeapp"}]}}, None)
    'nodeapp'
    """
    spec, pod_name = pod["spec"], pod.get("metadata", {}).get("name", "")
    containers = [str(each["name"]) for each in spec["containers"]]
    init_containers = [str(each["name"]) for each in spec.get("initContainers") or []]
    if name is None and len(containers) == 1:
        return containers[0]
    if name is None:
        choices = f"choose one of: [{' '.join(containers)}]"
        if init_containers:
            choices += f" or one of the init containers: [{' '.join(init_containers)}]"
        raise BadRequestError(f"a container name must be specified for pod {pod_name}, {choices}")
    if name not in containers + init_containers:
        raise BadRequestError(f"container {name} is not valid for pod {pod_name}")
    return name


class OutputReader(Protocol):
    """One output of a command: `read` returns nothing at its end."""

    async def read(self, n: int = -1, /) -> bytes: ...


class ContainerStreams(Protocol):
    """The streams of a command in a container, or of a container that is running."""

    @property
    def stdout(self) -> OutputReader | None: ...

    @property
    def stderr(self) -> OutputReader | None: ...

    async def write(self, data: bytes) -> None:
        """Write to the input; wait while it is not read."""
        ...

    def close_input(self) -> None: ...

    def resize(self, columns: int, rows: int) -> None:
        """Set the size of the terminal, if there is one."""
        ...

    def close(self) -> None:
        """Kill a command that has not ended, or detach from a container, which goes on."""
        ...

    async def wait(self) -> int:
        """Wait for the end of a command; return its code, or the negative number of a signal."""
        ...


class KubeletClient(Protocol):
    """What the API server needs of a kubelet.

    All methods raise NotFoundError or BadRequestError in Kubernetes' words.
    """

    def logs(self, pod: Key, options: LogOptions) -> AsyncIterator[bytes]:
        """Yield whole lines."""
        ...

    async def execute(
        self,
        pod: Key,
        command: Sequence[str],
        *,
        container: str | None = None,
        terminal: bool = False,
    ) -> ContainerStreams:
        """Start a command with the pod's environment and folder."""
        ...

    def attach(
        self, pod: Key, *, container: str | None = None, stdin: bool = False
    ) -> ContainerStreams:
        """Attach to the streams of a running container, from now on."""
        ...
