"""Something has changed: how do those who read everything anew hear of it?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from canarylab.errors import GoneError
from canarylab.playground.kube.api import Api


async def follow(api: Api, kinds: Iterable[str], changed: asyncio.Event) -> None:
    """Set the event whenever an object of these kinds changes; until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for kind in kinds:
            tasks.create_task(_follow(api, kind, changed))


async def _follow(api: Api, kind: str, changed: asyncio.Event) -> None:
    while True:
        try:
            async for _ in api.watch(kind):
                changed.set()
        except GoneError:
            changed.set()  # some were missed: what they changed is read anyway
