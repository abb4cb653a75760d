"""Waits for a state, never for a time."""

from __future__ import annotations

import asyncio
import fcntl
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from tests.leftover_processes import run_folder


async def until(
    condition: Callable[[], object | Awaitable[object]], *, timeout_s: float = 10.0
) -> None:
    """Return as soon as `condition()` is true; raise TimeoutError if it never is."""
    async with asyncio.timeout(timeout_s):
        while True:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return
            await asyncio.sleep(0.005)


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Wait until no other worker of this run is within a `with` of this name."""
    with (run_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
