"""When does a process end, and how?

A file descriptor for the process tells the event loop of its end, so that no thread waits for it
and no grandchild that keeps a pipe open delays the news.
"""

from __future__ import annotations

import asyncio
import os
import subprocess

_LOOK_EVERY_S = 0.02  # only where the system has no such descriptors


async def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for its end; 128 + n for signal n, as shells and Kubernetes say it."""
    if process.poll() is not None:
        return exit_code(process.returncode)
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        return await _ended_by_looking(process)
    try:
        await _readable(descriptor)
    finally:
        os.close(descriptor)
    return exit_code(process.wait())


def exit_code(returned: int) -> int:
    """As Kubernetes counts.

    >>> exit_code(3), exit_code(-15)
    (3, 143)
    """
    return returned if returned >= 0 else 128 - returned


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(descriptor, arrived.set)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(descriptor)


async def _ended_by_looking(process: subprocess.Popen[bytes]) -> int:
    while process.poll() is None:
        await asyncio.sleep(_LOOK_EVERY_S)
    return exit_code(process.wait())
