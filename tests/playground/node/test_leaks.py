"""Is anything left when pods have come and gone?"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from tests.playground.node.node_world import Node, node, pod, server
from tests.waiting import until


async def come_and_go(here: Node, names: list[str]) -> None:
    """Pods start, are read, probed and deleted."""
    for name in names:
        await here.api.put(pod(server(), name=name))
    for name in names:
        await here.ready(name)
        await here.wrote("Server started", name)
        await here.delete(name)
    await until(lambda: has_no_pods(here))


async def has_no_pods(here: Node) -> bool:
    return await here.api.list("Pod") == []


async def test_no_file_process_task_or_thread_is_left(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await come_and_go(here, ["first"])
        await until(lambda: not here.processes())
        before = open_files(), len(asyncio.all_tasks()), threading.active_count()
        await come_and_go(here, [f"web-{number}" for number in range(8)])
        await until(lambda: not here.processes())
        await until(
            lambda: (open_files(), len(asyncio.all_tasks()), threading.active_count()) == before
        )


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
