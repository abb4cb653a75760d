"""Tells the cluster what the kubelet does, without making the kubelet wait."""

from __future__ import annotations

import asyncio
import logging

from canarylab.errors import ApiError
from canarylab.playground.kube.api import Api, Object
from canarylab.playground.kube.events import EventDetails, record_event

logger = logging.getLogger(__name__)

SOURCE = "kubelet"


class Recorder:
    """Events wait in line and are written one after the other."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._waiting: asyncio.Queue[tuple[Object, EventDetails]] = asyncio.Queue()

    def say(
        self, pod: Object, reason: str, message: str, *, type: str = "Normal", container: str = ""
    ) -> None:
        """Something happened to this pod, or to this container of it."""
        path = f"spec.containers{{{container}}}" if container else None
        self._waiting.put_nowait((pod, EventDetails(reason, message, SOURCE, type, path)))

    async def run(self) -> None:
        """Until cancelled. A namespace that is being deleted takes no events; so be it."""
        while True:
            pod, note = await self._waiting.get()
            try:
                await record_event(self._api, pod, note)
            except ApiError as refusal:
                logger.info("no event %s for %s: %s", note.reason, pod["metadata"]["name"], refusal)
