"""One pod of this node, from its first container to its last trace.

`container.py` runs its containers, `status.py` says what its status is; this file starts them
together, writes the status down whenever it has changed, and ends them when the pod is deleted.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import suppress
from datetime import datetime

from canarylab.errors import ApiError, ConflictError, NotFoundError
from canarylab.playground.kube.api import DeleteOptions, Object
from canarylab.playground.kube.objects import is_terminating, key_of, uid_of
from canarylab.playground.node.beside import beside
from canarylab.playground.node.container import Container
from canarylab.playground.node.records import recalled
from canarylab.playground.node.refusals import refusal
from canarylab.playground.node.status import PodFacts, pod_status
from canarylab.playground.node.tools import Place, Tools

logger = logging.getLogger(__name__)

_GRACE_OF_THE_VANISHED_S = 2.0  # whose object was removed without waiting for us
_NEXT_TRY_S = 1.0
_OVER = ("Succeeded", "Failed")


class Pod:
    """Lives until its object is gone."""

    def __init__(self, tools: Tools, pod: Object) -> None:
        self._tools = tools
        self.object = pod
        self.containers: list[Container] = []
        self._ip: str | None = None
        self._is_over = False
        self._status_changed = asyncio.Event()
        self._must_end = asyncio.Event()
        self._grace_s = 0.0
        self.update(pod)

    def update(self, pod: Object) -> None:
        """The pod looks like this now."""
        self.object = pod
        if is_terminating(pod):
            self._end_within(pod["metadata"].get("deletionGracePeriodSeconds", 0))

    def vanish(self) -> None:
        """Its object is gone, whether it has ended or not."""
        self._end_within(_GRACE_OF_THE_VANISHED_S)

    async def run(self) -> None:
        """Until the pod is deleted and gone. Cancelling ends its processes, not the pod."""
        self._ip = self._tools.addresses.take(self.object.get("status", {}).get("podIP"))
        try:
            async with beside(self._keep_status_written()):
                await self._live(self._ip)
            await self._leave()
        finally:
            self._tools.addresses.give_back(self._ip)

    async def _live(self, ip: str) -> None:
        status = self.object.get("status", {})
        before = {entry["name"]: entry for entry in status.get("containerStatuses", [])}
        place = Place(self.object, ip, self._status_changed.set)
        self.containers = [
            Container(
                self._tools, place, spec, recalled(spec, before.get(spec["name"]), now=self._now())
            )
            for spec in self.object["spec"]["containers"]
        ]
        async with asyncio.TaskGroup() as tasks:
            if not self._must_end.is_set() and status.get("phase") not in _OVER:
                tasks.create_task(self._run_containers())
            await self._must_end.wait()
            for container in self.containers:
                tasks.create_task(container.stop(self._grace_s))
        self._is_over = True

    async def _run_containers(self) -> None:
        self._status_changed.set()
        if problem := refusal(self.object):
            self._tools.recorder.say(self.object, *problem, type="Warning")
            return
        async with asyncio.TaskGroup() as tasks:
            for container in self.containers:
                tasks.create_task(container.run())
        self._is_over = True
        self._status_changed.set()

    async def _leave(self) -> None:
        """Write down how it ended, let its object go, and remove its files."""
        await self._write_status()
        options = DeleteOptions(grace_period_s=0, uid=uid_of(self.object))
        with suppress(NotFoundError, ConflictError):  # gone, or another pod of that name
            await self._tools.api.delete("Pod", key_of(self.object), options)
        shutil.rmtree(self._tools.folder_of(self.object), ignore_errors=True)

    async def _keep_status_written(self) -> None:
        while True:
            await self._status_changed.wait()
            self._status_changed.clear()
            try:
                await self._write_status()
            except ApiError:
                logger.exception("status of pod %s not written", key_of(self.object))
                await asyncio.sleep(_NEXT_TRY_S)
                self._status_changed.set()

    async def _write_status(self) -> None:
        while True:
            try:
                pod = await self._tools.api.get("Pod", key_of(self.object))
                if uid_of(pod) == uid_of(self.object):
                    facts = PodFacts(
                        [container.record for container in self.containers],
                        self._ip,
                        self._tools.addresses.node,
                        is_over=self._is_over,
                    )
                    await self._tools.api.update_status(
                        {**pod, "status": pod_status(pod, facts, self._now())}
                    )
            except NotFoundError:
                return
            except ConflictError:
                continue  # somebody else wrote first
            return

    def _end_within(self, grace_s: float) -> None:
        if self._must_end.is_set():
            for container in self.containers:
                container.hasten(grace_s)
        self._grace_s = grace_s
        self._must_end.set()

    def _now(self) -> datetime:
        return self._tools.now()
