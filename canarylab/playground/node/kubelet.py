"""The kubelet: registers the node, and runs its pods as processes of this machine.

It watches the pods that the scheduler bound to its node and runs each in a task of its own; see
`pod.py`. For the API server it reads logs and runs commands in a container.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import shutil
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from canarylab.errors import AlreadyExistsError, BadRequestError, ConflictError, NotFoundError
from canarylab.kube_objects import (
    Key,
    Now,
    Object,
    StatusCondition,
    find_condition,
    is_finished,
    key_of,
    last_transition_time,
    timestamp,
    uid_of,
    utc_now,
)
from canarylab.playground.address_range import LoopbackRange, PodAddresses
from canarylab.playground.home import Home
from canarylab.playground.images import architecture
from canarylab.playground.kube.api import (
    Api,
    ContainerStreams,
    LogOptions,
    WatchEvent,
    choose_container,
    find_object,
)
from canarylab.playground.kube.events import EventRecorder
from canarylab.playground.kube.kinds import KUBERNETES_VERSION
from canarylab.playground.kube.retries import RetryDelays, for_each_event, keep_running
from canarylab.playground.node import pod_root
from canarylab.playground.node.container import (
    Container,
    NodeContext,
    RestartBackoff,
    pods_folder,
    root_base,
)
from canarylab.playground.node.mount_pod_root import HOST_PID
from canarylab.playground.node.pod import Pod
from canarylab.playground.node.process import ReaperSupervisor
from canarylab.playground.node.status import RUNTIME, PodState, pod_status, restored_statuses

logger = logging.getLogger(__name__)

NODE = "playground"
EVENT_SOURCE = "kubelet"
MAX_PODS = 110
HEARTBEAT_S = 300.0  # as a kubelet whose node does not change
_NODE_CONDITIONS = (
    StatusCondition(
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ),
    StatusCondition(
        "DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"
    ),
    StatusCondition(
        "PIDPressure",
        "False",
        "KubeletHasSufficientPID",
        "kubelet has sufficient PID available",
    ),
    StatusCondition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
"""The conditions of a healthy node, in the order of a kubelet."""
_NO_ROOT = ("no", "nothing was tried")
_POD_RETRIES = RetryDelays(1.0, 300.0)


class Kubelet:
    """The kubelet of this machine. Pods run while `run` does."""

    def __init__(
        self,
        api: Api,
        home: Home,
        addresses: LoopbackRange,
        *,
        backoff: RestartBackoff = RestartBackoff(),  # noqa: B008  frozen
        now: Now = utc_now,
    ) -> None:
        self._api, self._home, self._backoff, self._now = api, home, backoff, now
        self._addresses = PodAddresses(addresses.pods)
        self._pods: dict[str, Pod] = {}

    async def restore_statuses(self) -> None:
        """Write that no container of an earlier daemon runs, before anybody reads that one does."""
        async with asyncio.TaskGroup() as tasks:
            for pod in await self._api.list("Pod"):
                if pod["spec"].get("nodeName") == NODE and not is_finished(pod):
                    tasks.create_task(self._restore_status(pod))

    async def _restore_status(self, pod: Object) -> None:
        now, ip = self._now(), pod.get("status", {}).get("podIP")
        try:
            state = PodState(restored_statuses(pod, now=now), ip, self._addresses.node)
            await self._api.update_status({**pod, "status": pod_status(pod, state, now)})
        except Exception:  # of an object that no longer fits; the daemon starts all the same
            logger.exception("status of pod %s not restored", key_of(pod))

    async def run(self) -> None:
        """Run until cancelled; then every process of every pod has ended."""
        recorder = EventRecorder(self._api, EVENT_SOURCE, NODE)
        async with (
            ReaperSupervisor.running(self._home.run_ids) as reaper,
            asyncio.TaskGroup() as tasks,
        ):
            root = await asyncio.to_thread(pod_root.find_way, str(root_base(self._home)))
            node = NodeContext(
                self._api,
                self._home,
                self._addresses,
                recorder,
                reaper,
                self._backoff,
                self._now,
                root[0],
            )
            await self._remove_old_folders()
            tasks.create_task(recorder.run())
            register_node = partial(
                keep_registered, self._api, self._now, self._addresses.node, root
            )
            tasks.create_task(keep_running("kubelet: registration", register_node))
            watch_pods = partial(self._watch_pods, node, tasks)
            tasks.create_task(keep_running("kubelet: watch of Pod", watch_pods))

    async def logs(self, pod: Key, options: LogOptions) -> AsyncIterator[bytes]:
        """Yield whole lines."""
        log = self._container(pod, options.container).find_log(options)
        async for line in log.read(options):
            yield line

    async def execute(
        self,
        pod: Key,
        command: Sequence[str],
        *,
        container: str | None = None,
        terminal: bool = False,
    ) -> ContainerStreams:
        """Start a command with the pod's environment and folder."""
        return await self._container(pod, container).execute(command, terminal=terminal)

    def attach(
        self, pod: Key, *, container: str | None = None, stdin: bool = False
    ) -> ContainerStreams:
        """Attach to the streams of a running container."""
        return self._container(pod, container).attach(stdin=stdin)

    def _container(self, key: Key, name: str | None) -> Container:
        pod = next((pod for pod in self._pods.values() if key_of(pod.object) == key), None)
        if pod is None:
            raise NotFoundError("pods", "", key.name)
        chosen = choose_container(pod.object, name)
        for container in pod.containers:
            if container.name == chosen:
                return container
        raise BadRequestError(f"container {chosen} is not valid for pod {key.name}")

    async def _watch_pods(self, node: NodeContext, tasks: asyncio.TaskGroup) -> None:
        async def sync_pod(event: WatchEvent) -> None:
            self._sync_pod(event, node, tasks)

        await for_each_event("kubelet: event of", self._api.watch("Pod"), sync_pod, tasks)

    def _sync_pod(self, event: WatchEvent, node: NodeContext, tasks: asyncio.TaskGroup) -> None:
        uid = uid_of(event.object)
        if event.type == "DELETED":
            if uid in self._pods:
                self._pods.pop(uid).remove()
        elif uid in self._pods:
            self._pods[uid].update(event.object)
        elif event.object["spec"].get("nodeName") == NODE:
            self._pods[uid] = Pod(node, event.object)
            name = "/".join(key_of(event.object))
            running = keep_running(f"pod {name}", self._pods[uid].run, delays=_POD_RETRIES)
            tasks.create_task(running)

    async def _remove_old_folders(self) -> None:
        """Remove the files of pods that were deleted while no daemon ran."""
        uids = {uid_of(pod) for pod in await self._api.list("Pod")}
        for folder in pods_folder(self._home).glob("*"):
            if folder.name not in uids:
                shutil.rmtree(folder, ignore_errors=True)


async def keep_registered(api: Api, now: Now, address: str, root: tuple[str, str]) -> None:
    """Send heartbeats until cancelled. A deleted Node is created again with the next."""
    while True:
        await register(api, now(), address, root)
        await asyncio.sleep(HEARTBEAT_S)


async def register(api: Api, now: datetime, address: str, root: tuple[str, str] = _NO_ROOT) -> None:
    """Write the Node and its status; `root` is what `pod_root.find_way` has found."""
    while True:
        try:
            node = await find_object(api, "Node", Key("", NODE))
            node = node or await api.create(node_object())
            await api.update_status({**node, "status": node_status(node, now, address, root)})
        except (AlreadyExistsError, ConflictError, NotFoundError):
            continue  # somebody else wrote or deleted first
        return


def node_object() -> Object:
    """Build the Node, without its status."""
    labels = {
        "kubernetes.io/arch": architecture(),
        "kubernetes.io/hostname": NODE,
        "kubernetes.io/os": "linux",
    }
    metadata = {"name": NODE, "labels": labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}}


def node_status(
    before: Object, now: datetime, address: str, root: tuple[str, str] = _NO_ROOT
) -> Object:
    """Compute the status of the node; `before` is the Node as it was."""
    resources = {"cpu": str(os.cpu_count() or 1), "memory": _memory(), "pods": str(MAX_PODS)}
    return {
        "capacity": resources,
        "allocatable": resources,
        "conditions": [
            _node_condition(before, each, now)
            for each in (root_condition(*root), *_NODE_CONDITIONS)
        ],
        "addresses": [
            {"type": "InternalIP", "address": address},
            {"type": "Hostname", "address": NODE},
        ],
        "nodeInfo": _node_info("no-pod-root" if root[0] == "no" else "pod-root"),
    }


def root_condition(way: str, why: str) -> StatusCondition:
    """The condition that says whether each container has its image as its root.

    >>> root_condition("no", "unshare: Operation not permitted").message
    'containers share the files of this machine: unshare: Operation not permitted'
    """
    if way == "no":
        words = f"containers share the files of this machine: {why}"
        return StatusCondition("PodRoot", "False", "NoMountNamespace", words)
    reason = "MountNamespace" if way == "root" else "UserNamespace"
    words = "each container has its image as its root"
    shared = ", and the processes of this machine" if way == HOST_PID else ""
    return StatusCondition("PodRoot", "True", reason, words + shared)


def _node_condition(before: Object, condition: StatusCondition, now: datetime) -> Object:
    found = find_condition(before, condition.type)
    return {
        "type": condition.type,
        "status": condition.status,
        "lastHeartbeatTime": timestamp(now),
        "lastTransitionTime": last_transition_time(found, condition.status, now),
        "reason": condition.reason,
        "message": condition.message,
    }


def canarylab_version() -> str:
    """Return the version of this package, as installed."""
    try:
        return version("canarylab")
    except PackageNotFoundError:
        return "unknown"  # run from a folder, without installing


def _node_info(root: str) -> Object:
    return {
        "machineID": "",
        "systemUUID": "",
        "bootID": _read_line("/proc/sys/kernel/random/boot_id"),
        "kernelVersion": platform.release(),
        "osImage": _os_image(),
        "containerRuntimeVersion": f"{RUNTIME}://{canarylab_version()}+{root}",
        "kubeletVersion": KUBERNETES_VERSION,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": architecture(),
    }


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _memory() -> str:
    """Return all memory of the machine: `24684092Ki`."""
    kibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    return f"{kibibytes}Ki"


def _read_line(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
