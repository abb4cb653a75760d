"""Whether a pod's own processes listen on a port of its address.

Pods share the network of this machine: a program that listens on 0.0.0.0, of another pod or of
none, answers at the address of every pod. On a real cluster it does not, so a probe that got its
answer from there would show a pod as ready that opens no port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from canarylab.playground.node.reaper import processes_of
from canarylab.ports import listening_sockets


class PodListeners:
    """The processes of a pod's running containers, and the sockets on which they listen."""

    def __init__(self, ip: str) -> None:
        self._ip = ip
        self._run_ids: dict[int, str] = {}
        self._known: dict[int, set[int]] = {}

    @contextmanager
    def running(self, pid: int, run_id: str) -> Iterator[None]:
        """Count a container's processes as the pod's during a `with`; `pid` is its first one."""
        self._run_ids[pid] = run_id
        try:
            yield
        finally:
            del self._run_ids[pid]

    async def can_answer(self, port: int) -> bool:
        """Return False if others listen there and the pod does not.

        It is True where nothing listens, which a connection shows by itself, and where the system
        does not tell whose a socket is.
        """
        sockets = listening_sockets(port, self._ip)
        # An inode is not used again for another socket, so what was the pod's still is.
        if not sockets or sockets & self._known.get(port, set()):
            return True
        own = await asyncio.to_thread(_own, sockets, dict(self._run_ids))
        if own:
            self._known[port] = own
        return own is None or bool(own)


def _own(sockets: set[int], run_ids: dict[int, str]) -> set[int] | None:
    """The sockets of these that processes of the pod have; None if one cannot be looked at.

    Mostly the first process of a container has them. All processes of the machine are looked
    through only for another, such as a server that has left its parent.
    """
    is_known = True
    for pid in _processes(run_ids):
        try:
            if own := sockets & _sockets_of(pid):
                return own
        except PermissionError:
            is_known = False
    return set() if is_known else None


def _processes(run_ids: dict[int, str]) -> Iterator[int]:
    yield from run_ids
    for run_id in run_ids.values():
        yield from processes_of(run_id)


def _sockets_of(pid: int) -> set[int]:
    """The inodes of a process's sockets; raise PermissionError if the system does not tell."""
    found = set()
    with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                link = str(entry.readlink())
                if link.startswith("socket:["):
                    found.add(int(link[8:-1]))
    return found
