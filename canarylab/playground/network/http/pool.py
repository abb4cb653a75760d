"""Connections to pods that are kept for the next request."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine

from canarylab.kube_objects import Address
from canarylab.playground.network.http.pod import Pod

MOST_IDLE = 320
"""For all pods: upstream-keepalive-connections."""


class Pool:
    """Free connections by pod, the last used first; and all that are open."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._idle: dict[Address, list[Pod]] = defaultdict(list)
        self._open: set[Pod] = set()
        self._on_the_way: set[asyncio.Task[None]] = set()

    def take(self, address: Address) -> Pod | None:
        """A free connection to this pod, if there is one."""
        free = self._idle.get(address)
        while free:
            pod = free.pop()
            if not pod.transport.is_closing():
                return pod
        return None

    async def connect(self, address: Address) -> Pod:
        """A new one; raise OSError where nobody listens."""
        loop = asyncio.get_running_loop()
        _, pod = await loop.create_connection(lambda: Pod(address, self._open), *address)
        return pod

    def go(self, way: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run what makes a connection, so that it is known to be on its way."""
        task = asyncio.get_running_loop().create_task(way)
        self._on_the_way.add(task)
        task.add_done_callback(self._on_the_way.discard)
        return task

    async def close(self) -> None:
        """Nothing is open any more, and nothing on its way."""
        while self._open or self._on_the_way:
            for task in self._on_the_way:
                task.cancel()
            for pod in self._open:
                pod.transport.abort()
            await asyncio.sleep(0)  # what is aborted is lost in the loop's next round

    def give(self, pod: Pod) -> None:
        """Keep it for the next, or close it where there will be none."""
        if not pod.is_reusable or self._count() >= MOST_IDLE:
            pod.transport.close()
            return
        pod.transport.resume_reading()
        pod.idle_since = self._clock()
        self._idle[pod.address].append(pod)

    def close_idle(self, *, idle_s: float) -> None:
        """Close those that nobody took for so long."""
        since = self._clock() - idle_s
        for address, free in list(self._idle.items()):
            kept = []
            for pod in free:
                if pod.idle_since > since and not pod.transport.is_closing():
                    kept.append(pod)
                else:
                    pod.transport.close()
            self._idle[address] = kept

    def _count(self) -> int:
        return sum(map(len, self._idle.values()))
