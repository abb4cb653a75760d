"""A pod of this node, from the start of its containers until its files are removed.

It starts its containers (`container.py`), writes its status (`status.py`) whenever that has
changed, and stops its containers when it is deleted.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import shutil
from contextlib import suppress
from datetime import datetime

from canarylab.errors import ApiError, ConflictError, NotFoundError
from canarylab.kube_objects import (
    DEFAULT_GRACE_PERIOD_S,
    Object,
    is_finished,
    is_terminating,
    key_of,
    parse_timestamp,
    uid_of,
)
from canarylab.playground.kube.api import DeleteOptions, find_object
from canarylab.playground.kube.retries import RetryDelays
from canarylab.playground.node.container import Container, NodeContext, PodContext
from canarylab.playground.node.listeners import PodListeners
from canarylab.playground.node.process import background_task
from canarylab.playground.node.references import PodAddress, read_references
from canarylab.playground.node.status import (
    ContainerKind,
    PodFailure,
    PodState,
    container_specs,
    pod_status,
    restored_statuses,
)
from canarylab.playground.node.volumes import VolumeError, make_volumes

logger = logging.getLogger(__name__)

_FORCE_DELETED_GRACE_S = 2.0  # of a pod whose object was deleted before its processes ended
_RETRY_S = 1.0
VOLUME_SYNC_S = 60.0
"""How often the files of volumes are brought up to date, as often as by the kubelet."""
DEADLINE_EXCEEDED = PodFailure(
    "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"
)
_DEADLINE_CHECK_S = 10.0  # at most, as the clock may be set or the machine sleep
MOUNT_RETRIES = RetryDelays(0.5, 10.0)


class Pod:
    """Runs a pod until its object is gone."""

    def __init__(self, node: NodeContext, pod: Object) -> None:
        self._node = node
        self.object = pod
        self.containers: list[Container] = []
        """Of all kinds, the init containers first."""
        self._ip: str | None = None
        self._is_finished = False
        self._failure: PodFailure | None = None
        self._status_changed = asyncio.Event()
        self._stop_requested = asyncio.Event()
        self._metadata_changed = asyncio.Event()
        self._updated = asyncio.Event()
        self._grace_period_s = 0.0
        self.update(pod)

    def update(self, pod: Object) -> None:
        """Take the changed object; stop if its deletion has been requested."""
        if _shown_in_volumes(pod) != _shown_in_volumes(self.object):
            self._metadata_changed.set()
        if pod["metadata"].get("generation") != self.object["metadata"].get("generation"):
            self._status_changed.set()  # it says which generation has been seen
        self.object = pod
        self._updated.set()
        specs = {spec["name"]: spec for spec in container_specs(pod)}
        for container in self.containers:
            container.update(specs[container.name])
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
        context = PodContext(self.object, ip, PodListeners(ip), self._status_changed.set)
        statuses = restored_statuses(self.object, now=self._node.now())
        self.containers = [
            Container(self._node, context, spec, status)
            for spec, status in zip(container_specs(self.object), statuses, strict=True)
        ]
        self._is_finished = is_finished(self.object)
        async with asyncio.TaskGroup() as tasks:
            if not self._stop_requested.is_set() and not self._is_finished:
                tasks.create_task(self._run_containers())
            deadline = tasks.create_task(self._fail_at_deadline())
            await self._stop_requested.wait()
            if self._failure is None:
                deadline.cancel()
            await self._stop_containers(self._grace_period_s)
        self._is_finished = True

    async def _run_containers(self) -> None:
        self._status_changed.set()
        if not self._node.has_own_root and (problem := missing_volumes(self.object)):
            self._node.recorder.event(self.object, "FailedMount", problem, type="Warning")
            return
        await self._set_up_volumes()
        async with background_task(self._keep_volumes_current()), asyncio.TaskGroup() as tasks:
            if await self._initialize(tasks):
                async with asyncio.TaskGroup() as main:
                    for container in self._containers_of("container"):
                        await container.start(main)
            await self._stop_containers(self._own_grace_period_s())  # sidecars run on
            for sidecar in self._containers_of("sidecar"):
                sidecar.give_up()  # one that waits to be restarted
        self._is_finished = True
        self._status_changed.set()

    async def _initialize(self, tasks: asyncio.TaskGroup) -> bool:
        """Run the init containers, one after the other; return whether all went well."""
        for container in self._containers_of("init", "sidecar"):
            if not await container.initialize(tasks):
                return False
        return True

    async def _stop_containers(self, grace_period_s: float) -> None:
        """Stop all; sidecars after all others, and in the reverse order of their start."""
        before = self._containers_of("container")
        async with asyncio.TaskGroup() as tasks:
            for container in (*before, *self._containers_of("init")):
                tasks.create_task(container.stop(grace_period_s))
            for sidecar in reversed(self._containers_of("sidecar")):
                tasks.create_task(sidecar.stop(grace_period_s, list(before)))
                before.append(sidecar)

    def _containers_of(self, *kinds: ContainerKind) -> list[Container]:
        return [each for each in self.containers if each.status.kind in kinds]

    def _own_grace_period_s(self) -> float:
        seconds = self.object["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_PERIOD_S)
        return float(seconds)

    async def _fail_at_deadline(self) -> None:
        """Stop the containers at the end of `activeDeadlineSeconds`: the pod has failed."""
        while (left_s := active_s_left(self.object, self._node.now())) is None or left_s > 0:
            self._updated.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s and min(left_s, _DEADLINE_CHECK_S)):
                    await self._updated.wait()
        if self._is_finished:
            return
        self._failure = DEADLINE_EXCEEDED
        self._status_changed.set()  # it is not ready from now on
        self._node.recorder.event(self.object, *DEADLINE_EXCEEDED)
        await self._stop_containers(self._own_grace_period_s())
        for container in self._begun_containers():
            container.give_up()
        self._is_finished = True
        self._status_changed.set()

    def _begun_containers(self) -> list[Container]:
        """The containers that were to run before the pod failed: at least the first one."""
        init, main = self._containers_of("init", "sidecar"), self._containers_of("container")
        if all(each.status.is_initialized for each in init) or any(
            each.status.has_ever_run for each in main
        ):
            return self.containers
        tried = [number for number, each in enumerate(init) if each.status.has_ever_run]
        return init[: max(tried, default=0) + 1]

    async def _set_up_volumes(self) -> None:
        """Make the volumes, if need be again and again; return as well if the pod is stopped."""
        for failures in itertools.count():
            if self._stop_requested.is_set() or self._failure or await self._make_volumes():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(MOUNT_RETRIES.after(failures)):
                    await self._stop_requested.wait()

    async def _keep_volumes_current(self) -> None:
        """Take changes in when the pod's own labels or annotations change, and now and then."""
        while self.object["spec"].get("volumes"):
            with suppress(TimeoutError):
                async with asyncio.timeout(VOLUME_SYNC_S):
                    await self._metadata_changed.wait()
            self._metadata_changed.clear()
            await self._make_volumes()

    async def _make_volumes(self) -> bool:
        """Make the volumes, or bring them up to date; return whether that went well."""
        node, address = self._node, PodAddress(self._ip or "", self._node.addresses.node)
        if not node.has_own_root:
            return True  # there is none but the token, which the pod does without
        try:
            references = await read_references(node.api, self.object, address)
            folder = node.volumes_of(self.object)
            await asyncio.to_thread(make_volumes, folder, references, node.now())
        except VolumeError as error:
            node.recorder.event(self.object, "FailedMount", str(error), type="Warning")
            return False
        return True

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
                statuses,
                self._ip,
                self._node.addresses.node,
                is_finished=self._is_finished,
                failure=self._failure,
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


def active_s_left(pod: Object, now: datetime) -> float | None:
    """Return how long a pod that has started and has a deadline may still be active.

    >>> from datetime import UTC
    >>> pod = {"spec": {"activeDeadlineSeconds": 30}}
    >>> pod["status"] = {"startTime": "2026-01-01T00:00:00Z"}
    >>> active_s_left(pod, datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC))
    20.0
    """
    deadline_s = pod["spec"].get("activeDeadlineSeconds")
    started = pod.get("status", {}).get("startTime")
    if deadline_s is None or started is None:
        return None
    return float(deadline_s - (now - parse_timestamp(started)).total_seconds())


def missing_volumes(pod: Object) -> str | None:
    """Return why the pod cannot run where containers have no roots of their own, or None.

    A container that found its volume missing would fail in a way that teaches nothing, so such a
    pod waits in ContainerCreating, as it does in Kubernetes when a volume cannot be mounted.
    """
    volumes = [each["name"] for each in pod["spec"].get("volumes", []) if not _is_token(each)]
    if not volumes:
        return None
    return (
        f'MountVolume.SetUp failed for volume "{volumes[0]}" : on this machine a container has '
        "no root of its own in which it could be mounted. Put settings into environment "
        "variables, which a ConfigMap or Secret can fill, or use a cluster on kind."
    )


def _is_token(volume: Object) -> bool:
    """Whether it is the volume that every pod gets for the token of its ServiceAccount."""
    return str(volume["name"]).startswith("kube-api-access-")


def _shown_in_volumes(pod: Object) -> tuple[Object | None, Object | None]:
    """What a volume may show of the pod and may change."""
    return pod["metadata"].get("labels"), pod["metadata"].get("annotations")
