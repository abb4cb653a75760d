"""A pod of this node, from the start of its containers until its files are removed.

It starts its containers (`container.py`), writes its status (`status.py`) whenever that has
changed, and stops its containers when it is deleted.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import suppress
from typing import NamedTuple

from canarylab.errors import ApiError, ConflictError, NotFoundError
from canarylab.kube_objects import Object, is_finished, is_terminating, key_of, uid_of
from canarylab.playground.kube.api import DeleteOptions, find_object
from canarylab.playground.node.container import Container, NodeContext, PodContext
from canarylab.playground.node.process import background_task
from canarylab.playground.node.status import PodState, pod_status, restored_status

logger = logging.getLogger(__name__)

_FORCE_DELETED_GRACE_S = 2.0  # of a pod whose object was deleted before its processes ended
_RETRY_S = 1.0


class Pod:
    """Runs a pod until its object is gone."""

    def __init__(self, node: NodeContext, pod: Object) -> None:
        self._node = node
        self.object = pod
        self.containers: list[Container] = []
        self._ip: str | None = None
        self._is_finished = False
        self._status_changed = asyncio.Event()
        self._stop_requested = asyncio.Event()
        self._grace_period_s = 0.0
        self.update(pod)

    def update(self, pod: Object) -> None:
        """Take the changed object; stop if its deletion has been requested."""
        self.object = pod
        if is_terminating(pod):
            self._request_stop(pod["metadata"].get("deletionGracePeriodSeconds", 0))

    def remove(self) -> None:
        """Stop, because the object is gone, whether the pod has ended or not."""
        self._request_stop(_FORCE_DELETED_GRACE_S)

    async def run(self) -> None:
        """Run until the pod is deleted and gone. Cancelling ends its processes, not the pod."""
        before = self.object.get("status", {}).get("podIP")
        self._ip = self._node.addresses.allocate(before)
        try:
            async with background_task(self._write_status_when_changed()):
                await self._run_and_stop(self._ip)
            await self._clean_up()
        finally:
            self._node.addresses.release(self._ip)

    async def _run_and_stop(self, ip: str) -> None:
        status = self.object.get("status", {})
        before = {entry["name"]: entry for entry in status.get("containerStatuses", [])}
        context, now = PodContext(self.object, ip, self._status_changed.set), self._node.now()
        self.containers = [
            Container(
                self._node, context, spec, restored_status(spec, before.get(spec["name"]), now=now)
            )
            for spec in self.object["spec"]["containers"]
        ]
        async with asyncio.TaskGroup() as tasks:
            if not self._stop_requested.is_set() and not is_finished(self.object):
                tasks.create_task(self._run_containers())
            await self._stop_requested.wait()
            for container in self.containers:
                tasks.create_task(container.stop(self._grace_period_s))
        self._is_finished = True

    async def _run_containers(self) -> None:
        self._status_changed.set()
        if unsupported := unsupported_feature(self.object):
            self._node.recorder.event(self.object, *unsupported, type="Warning")
            return
        async with asyncio.TaskGroup() as tasks:
            for container in self.containers:
                tasks.create_task(container.run())
        self._is_finished = True
        self._status_changed.set()

    async def _clean_up(self) -> None:
        """Write the last status, remove the object, and remove the pod's files."""
        await self._write_status()
        options = DeleteOptions(grace_period_s=0, uid=uid_of(self.object))
        with suppress(NotFoundError, ConflictError):  # gone, or another pod of that name
            await self._node.api.delete("Pod", key_of(self.object), options)
        shutil.rmtree(self._node.folder_of(self.object), ignore_errors=True)

    async def _write_status_when_changed(self) -> None:
        while True:
            await self._status_changed.wait()
            self._status_changed.clear()
            try:
                await self._write_status()
            except ApiError:
                logger.exception("status of pod %s not written", key_of(self.object))
                await asyncio.sleep(_RETRY_S)
                self._status_changed.set()

    async def _write_status(self) -> None:
        while True:
            pod = await find_object(self._node.api, "Pod", key_of(self.object))
            if pod is None or uid_of(pod) != uid_of(self.object):
                return
            statuses = [container.status for container in self.containers]
            state = PodState(
                statuses, self._ip, self._node.addresses.node, is_finished=self._is_finished
            )
            status = pod_status(pod, state, self._node.now())
            try:
                await self._node.api.update_status({**pod, "status": status})
            except NotFoundError:
                return
            except ConflictError:
                continue  # somebody else wrote first
            return

    def _request_stop(self, grace_period_s: float) -> None:
        if self._stop_requested.is_set():
            for container in self.containers:
                container.shorten_grace_period(grace_period_s)
        self._grace_period_s = grace_period_s
        self._stop_requested.set()


class UnsupportedFeature(NamedTuple):
    """Reason and message of the event about a field that the playground does not support."""

    reason: str
    message: str


def unsupported_feature(pod: Object) -> UnsupportedFeature | None:
    """Return why the pod cannot be run, or None.

    A container that found its volume missing would fail in a way that teaches nothing, so such a
    pod waits in ContainerCreating, as it does in Kubernetes when a volume cannot be mounted.
    """
    if volumes := pod["spec"].get("volumes"):
        return UnsupportedFeature(
            "FailedMount",
            f'MountVolume.SetUp failed for volume "{volumes[0]["name"]}": the playground has no '
            "volumes, because its pods share this machine's files. Put settings into environment "
            "variables (a ConfigMap can fill them), or use a cluster on kind.",
        )
    if first := pod["spec"].get("initContainers"):
        return UnsupportedFeature(
            "FailedCreatePodContainer",
            f'The playground does not run init containers, and this pod has "{first[0]["name"]}". '
            "Do its work in the image or at the start of the container, or use a cluster on kind.",
        )
    return None
