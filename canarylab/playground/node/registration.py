"""Keeps the Node in the cluster, and its Ready condition fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from canarylab.errors import AlreadyExistsError, ConflictError, NotFoundError
from canarylab.playground.kube.api import Api, Key, Object
from canarylab.playground.node.machine import NODE, node_object, node_status

HEARTBEAT_S = 300.0  # as a kubelet whose node does not change


async def keep_registered(api: Api, now: Callable[[], datetime], address: str) -> None:
    """Until cancelled. A Node that somebody deleted comes back with the next heartbeat."""
    while True:
        await register(api, now(), address)
        await asyncio.sleep(HEARTBEAT_S)


async def register(api: Api, now: datetime, address: str) -> None:
    """One heartbeat."""
    while True:
        try:
            node = await _node(api)
            await api.update_status({**node, "status": node_status(node, now, address)})
        except (AlreadyExistsError, ConflictError, NotFoundError):
            continue  # somebody else wrote or deleted first
        return


async def _node(api: Api) -> Object:
    try:
        return await api.get("Node", Key("", NODE))
    except NotFoundError:
        return await api.create(node_object())
