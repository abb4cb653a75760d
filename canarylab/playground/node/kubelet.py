"""The kubelet: runs the pods of this node, each as processes of this machine.

It follows the pods that the scheduler gave to its node and gives each a task of its own; see
`pod.py`. It also reaches into a pod when somebody wants its logs or a command run in it.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from canarylab.errors import GoneError, NotFoundError
from canarylab.playground.address_range import LoopbackRange
from canarylab.playground.home import Home
from canarylab.playground.kube.api import Api, Key, LogOptions, WatchEvent
from canarylab.playground.kube.objects import key_of, uid_of
from canarylab.playground.node.addresses import PodAddresses
from canarylab.playground.node.guard import Guard
from canarylab.playground.node.machine import NODE
from canarylab.playground.node.pod import Pod
from canarylab.playground.node.reading import container_of, log_of
from canarylab.playground.node.recorder import Recorder
from canarylab.playground.node.registration import keep_registered
from canarylab.playground.node.restarts import RestartDelays
from canarylab.playground.node.tools import Tools, pods_folder, utc_now

logger = logging.getLogger(__name__)

_NEXT_TRY_S = 1.0


class LocalKubelet:
    """Implements `Kubelet` on this machine. `run` must run for pods to live."""

    def __init__(
        self,
        api: Api,
        home: Home,
        addresses: LoopbackRange,
        *,
        delays: RestartDelays = RestartDelays(),  # noqa: B008  frozen
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._api, self._home, self._delays, self._now = api, home, delays, now
        self._addresses = PodAddresses(addresses.pods)
        self._pods: dict[str, Pod] = {}

    async def run(self) -> None:
        """Until cancelled; then every process of every pod has ended."""
        recorder = Recorder(self._api)
        async with (
            Guard.standing(self._home.playground / "marks") as guard,
            asyncio.TaskGroup() as tasks,
        ):
            tools = Tools(
                self._api, self._home, self._addresses, recorder, guard, self._delays, self._now
            )
            await self._forget_the_gone()
            tasks.create_task(recorder.run())
            tasks.create_task(keep_registered(self._api, self._now, self._addresses.node))
            tasks.create_task(self._follow_pods(tools, tasks))

    async def logs(self, pod: Key, options: LogOptions) -> AsyncIterator[bytes]:
        """Whole lines, as they come."""
        found = self._pod(pod)
        container = container_of(found.object, found.containers, options.container)
        log = log_of(found.object, container, options)
        async for line in log.read(options):
            yield line

    async def execute(
        self, pod: Key, command: Sequence[str], *, container: str | None = None
    ) -> Process:
        """Start a command with the pod's environment and folder; its three streams are pipes."""
        found = self._pod(pod)
        return await container_of(found.object, found.containers, container).execute(command)

    def _pod(self, key: Key) -> Pod:
        for pod in self._pods.values():
            if key_of(pod.object) == key:
                return pod
        raise NotFoundError("pods", "", key.name)

    async def _follow_pods(self, tools: Tools, tasks: asyncio.TaskGroup) -> None:
        while True:
            try:
                async for event in self._api.watch("Pod"):
                    self._take_in(event, tools, tasks)
            except GoneError:
                there = {uid_of(pod) for pod in await self._api.list("Pod")}
                for uid in self._pods.keys() - there:
                    self._pods.pop(uid).vanish()

    def _take_in(self, event: WatchEvent, tools: Tools, tasks: asyncio.TaskGroup) -> None:
        uid = uid_of(event.object)
        if event.type == "DELETED":
            if uid in self._pods:
                self._pods.pop(uid).vanish()
        elif uid in self._pods:
            self._pods[uid].update(event.object)
        elif event.object["spec"].get("nodeName") == NODE:
            self._pods[uid] = Pod(tools, event.object)
            tasks.create_task(_live(self._pods[uid]))

    async def _forget_the_gone(self) -> None:
        """Files of pods that were deleted while nobody ran."""
        there = {uid_of(pod) for pod in await self._api.list("Pod")}
        for folder in pods_folder(self._home).glob("*"):
            if folder.name not in there:
                shutil.rmtree(folder, ignore_errors=True)


async def _live(pod: Pod) -> None:
    while True:
        try:
            await pod.run()
        except Exception:
            logger.exception("%s failed; next try in %.0f s", key_of(pod.object), _NEXT_TRY_S)
            await asyncio.sleep(_NEXT_TRY_S)
        else:
            return
