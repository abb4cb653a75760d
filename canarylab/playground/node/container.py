"""A container of a pod: its image, its runs with their hooks and probes, and its restarts.

`NodeContext` and `PodContext` are what the containers of a node, and of a pod, share.
"""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from canarylab.errors import BadRequestError
from canarylab.kube_objects import (
    DEFAULT_GRACE_PERIOD_S,
    Now,
    Object,
    key_of,
    uid_of,
    utc_now,
)
from canarylab.playground.address_range import PodAddresses
from canarylab.playground.home import Home
from canarylab.playground.images import Image
from canarylab.playground.kube.api import Api, LogOptions
from canarylab.playground.kube.events import EventRecorder
from canarylab.playground.node.environment import PodSettings, build_command, host_name
from canarylab.playground.node.image_puller import ImagePuller
from canarylab.playground.node.lifecycle_hooks import run_hook
from canarylab.playground.node.listeners import PodListeners
from canarylab.playground.node.logs import ContainerLog, ContainerLogs
from canarylab.playground.node.mount_pod_root import Plan
from canarylab.playground.node.pod_root import container_plan
from canarylab.playground.node.probes import ProbeTarget, run_probes
from canarylab.playground.node.process import (
    CannotStartError,
    Command,
    Process,
    ReaperSupervisor,
    background_task,
    exec_and_wait,
    exec_with_streams,
)
from canarylab.playground.node.reaper import RUN_ID
from canarylab.playground.node.references import ConfigError, PodAddress
from canarylab.playground.node.status import (
    RUNTIME,
    ContainerRunning,
    ContainerStatus,
    ContainerTerminated,
    ContainerWaiting,
)
from canarylab.playground.node.streams import AttachedStreams, ContainerInput, ExecStreams
from canarylab.playground.node.volumes import container_mounts
from canarylab.ports import holder, is_free, needs_privilege

_T = TypeVar("_T")
MIN_GRACE_PERIOD_S = 2.0  # between SIGTERM and SIGKILL, as in Kubernetes
_CONFIG_RETRY_S = 2.0  # while a ConfigMap or Secret is missing
_KILLED = 137
_CANNOT_START = 128  # the exit code of a container that never ran
_COMMAND_NOT_FOUND = 127
_NO_POD = "127.255.255.254"
"""An address that no pod has. A port is in use there if a program has it on all addresses."""
_OTHER_CLIENTS = re.compile(r"\b(?:curl|wget|nc)\b")
_ON_LOCALHOST = re.compile(r"\blocalhost\b|\b127\.0\.0\.1\b")
_LOCALHOST = (
    "On the playground `localhost` is the pod for programs of Node.js only, and this machine for "
    "others. Use an httpGet probe, or let the command ask the pod's address, which a variable from "
    "`status.podIP` has."
)
_PULL_ERRORS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName")


@dataclass(frozen=True)
class RestartBackoff:
    """Delays of restarts: none the first time, then 10 s, doubling up to five minutes.

    A container that ran for ten minutes starts over. The delay counts from its end.
    """

    first_s: float = 10.0
    last_s: float = 300.0
    reset_after_s: float = 600.0

    def next(self, before_s: float | None, *, ran_s: float) -> float:
        """Return the next delay, given the delay before this run, None if there was none.

        >>> backoff = RestartBackoff()
        >>> backoff.next(None, ran_s=1), backoff.next(0, ran_s=1), backoff.next(10, ran_s=1)
        (0.0, 10.0, 20)
        >>> backoff.next(300, ran_s=601)
        0.0
        """
        if before_s is None or ran_s > self.reset_after_s:
            return 0.0
        return min(before_s * 2, self.last_s) if before_s else self.first_s


@dataclass(frozen=True)
class NodeContext:
    """Shared by all pods of a node."""

    api: Api
    home: Home
    addresses: PodAddresses
    recorder: EventRecorder
    reaper: ReaperSupervisor
    backoff: RestartBackoff = field(default_factory=RestartBackoff)
    now: Now = utc_now
    root_way: str = "no"
    """How containers get roots of their own, as `pod_root.find_way` has found."""

    @property
    def has_own_root(self) -> bool:
        """Whether a container has a root of its own, in which volumes can be mounted."""
        return self.root_way != "no"

    def folder_of(self, pod: Object) -> Path:
        """Return the folder of a pod's logs and of the HOME of its processes."""
        return pods_folder(self.home) / uid_of(pod)

    def volumes_of(self, pod: Object) -> Path:
        """Return the folder of a pod's volumes; no container can have that name."""
        return self.folder_of(pod) / ".volumes"


@dataclass(frozen=True)
class PodContext:
    """Shared by the containers of a pod."""

    pod: Object
    ip: str
    listeners: PodListeners
    status_changed: Callable[[], None]

    @property
    def full_name(self) -> str:
        """The name in messages of the kubelet."""
        name, namespace = self.pod["metadata"]["name"], key_of(self.pod).namespace
        return f"{name}_{namespace}({uid_of(self.pod)})"


def pods_folder(home: Home) -> Path:
    """Return the folder that has a folder for each pod, named by its uid."""
    return home.pods


def root_base(home: Home) -> Path:
    """Return the empty folder where roots of containers are mounted, each in its namespace."""
    folder = home.playground / "root"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class _CannotBeRestartedError(Exception):
    """A changed container could not be started, and has ended for good."""


class Container:
    """Runs one container of a pod as often as its restartPolicy says."""

    def __init__(
        self, node: NodeContext, pod: PodContext, spec: Object, status: ContainerStatus
    ) -> None:
        self._node, self._pod, self.spec = node, pod, spec
        self.status = status
        self.logs = ContainerLogs(node.folder_of(pod.pod) / spec["name"])
        self._running: RunningContainer | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: asyncio.Timeout | None = None
        self._changed = asyncio.Event()
        self._is_stopping = False
        self._hook_failure = ""
        self._tried = asyncio.Event()
        self._initialized = asyncio.Event()
        if status.is_initialized:
            self._initialized.set()

    @property
    def name(self) -> str:
        """The name within the pod."""
        return self.status.name

    async def run(self) -> None:
        """Run until it has terminated for good, is stopped, or is cancelled."""
        self._task = asyncio.current_task()
        delay_s: float | None = None
        while not self._is_stopping:
            end = self.status.state
            if isinstance(end, ContainerTerminated) and not self._changed.is_set():
                if not self._is_restarted_after(end):
                    return
                if self._hook_failure:
                    self._set_waiting(ContainerWaiting("PostStartHookError", self._hook_failure))
                delay_s = self._node.backoff.next(delay_s, ran_s=end.ran_s)
                await self._until_changed(self._back_off(end, delay_s))
            if self._changed.is_set():
                delay_s = None
            self._changed.clear()
            await self._run_once()

    def update(self, spec: Object) -> None:
        """Take the changed spec: another image is run at once, whatever the restartPolicy says.

        Of a container, nothing else can change.
        """
        if spec["image"] == self.spec["image"]:
            return
        self.spec = spec
        self._changed.set()
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(0)

    async def initialize(self, tasks: asyncio.TaskGroup) -> bool:
        """Run an init container among the tasks; return whether the next container may start.

        That is when it has completed, or when it is a sidecar and has started.
        """
        await self._run_until(self._initialized, tasks)
        return self.status.is_initialized and not self._is_stopping

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        """Run it among the tasks; return when the kubelet turns to the next container.

        That is when its postStart hook is done, or when it cannot be started now.
        """
        await self._run_until(self._tried, tasks)

    async def _run_until(self, event: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
        run = tasks.create_task(self.run())
        waiting = asyncio.create_task(event.wait())
        try:
            await asyncio.wait([run, waiting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    async def stop(self, grace_period_s: float, after: Sequence[Container] = ()) -> None:
        """Stop it for good within the grace period; what stops already may have less time.

        The stop signal is sent when the containers in `after` have ended.
        """
        is_stopping, self._is_stopping = self._is_stopping, True
        if is_stopping:
            self.shorten_grace_period(grace_period_s)
        elif self._running is not None:
            self.event("Killing", f"Stopping container {self.name}")
            await self._running.stop(grace_period_s, after)
        elif self._task is not None:
            self._task.cancel()
        await self.wait_until_ended()

    async def wait_until_ended(self) -> None:
        """Wait until it has terminated for good."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def shorten_grace_period(self, grace_period_s: float) -> None:
        """Leave less time to a container that is being stopped."""
        if self._running is not None:
            self._running.shorten_grace_period(grace_period_s)

    async def execute(self, argv: Sequence[str], *, terminal: bool = False) -> ExecStreams:
        """Start another command in it, with three pipes or a terminal."""
        running = self._now_running()
        command = running.command.beside(running.pid, argv, terminal=terminal)
        try:
            return await exec_with_streams(command)
        except CannotStartError as error:
            raise BadRequestError(str(error)) from error

    def attach(self, *, stdin: bool) -> AttachedStreams:
        """Attach to its streams from now on, to its input only if `stdin`."""
        return AttachedStreams(self._now_running().input, stdin=stdin)

    def find_log(self, options: LogOptions) -> ContainerLog:
        """Return the log of the current run, or of the previous one."""
        status, pod_name = self.status, self._pod.pod["metadata"]["name"]
        if not options.previous:
            has_begun = status.last or not isinstance(status.state, ContainerWaiting)
            log = self.logs.find(status.restarts) if has_begun else None
            problem = (
                f'container "{self.name}" in pod "{pod_name}" is waiting to start: '
                f"{_waiting_reason(status)}"
            )
        else:
            # While it waits to be restarted, the previous run is the newest there was.
            is_waiting = isinstance(status.state, ContainerWaiting)
            number = status.restarts - (0 if is_waiting else 1)
            log = None if status.last is None else self.logs.find(number)
            problem = f'previous terminated container "{self.name}" in pod "{pod_name}" not found'
        if log is None:
            raise BadRequestError(problem)
        return log

    def event(self, reason: str, message: str, *, type: str = "Normal") -> None:
        """Record an event about it."""
        group = "containers" if self.status.kind == "container" else "initContainers"
        path = f"spec.{group}{{{self.name}}}"
        self._node.recorder.event(self._pod.pod, reason, message, type=type, field_path=path)

    def set_status(self, status: ContainerStatus) -> None:
        """Change its status, and with it the pod's."""
        if status != self.status:
            self.status = status
            self._pod.status_changed()
        if status.is_initialized:
            self._initialized.set()

    def _now_running(self) -> RunningContainer:
        if self._running is None:
            raise BadRequestError(f'container not found ("{self.name}")')
        return self._running

    async def _run_once(self) -> None:
        reference, container_id = self.spec["image"], secrets.token_hex(32)
        self._hook_failure = ""
        try:
            prepared = await self._until_changed(self._prepare(reference, container_id))
        except _CannotBeRestartedError:
            self._pod.status_changed()
            return
        if prepared is None:
            return
        image, command = prepared
        status = replace(self.status, image=reference).running(
            self._node.now(), image_id=image.id, container_id=f"{RUNTIME}://{container_id}"
        )
        log = self.logs.open(status.restarts)
        self.event("Created", "Container created")
        try:
            process = await Process.start(command, log)
        except CannotStartError as error:
            log.close()
            self.event("Failed", f"Error: {error}", type="Warning")
            self._set_terminated(status, _CANNOT_START, "StartError", str(error))
            return
        self.event("Started", "Container started")
        running = RunningContainer(self, self._pod, status, command=command, process=process)
        exit_code = await self._wait_for(running)
        self._hook_failure = running.hook_failure
        self._node.reaper.kill_container(container_id)
        if exit_code and not self._changed.is_set():
            await self._report_ports()
        self._set_terminated(status, exit_code, "Error" if exit_code else "Completed")

    async def _report_ports(self) -> None:
        """Say why a container that has failed could not listen on its ports."""
        for port in sorted(ports_of(self.spec)):
            if needs_privilege(port):
                words = (
                    f"The system lets no program of this user listen on port {port}, which a "
                    "container of a real cluster may. Let the app listen on a port from 1024 on, "
                    f"and keep {port} as the Service's port, with that one as its targetPort."
                )
                self.event("FailedToListen", words, type="Warning")
                continue
            if is_free(port, _NO_POD):
                continue
            found = await asyncio.to_thread(holder, port, _NO_POD)
            words = (
                f"Port {port} is in use on all addresses of this machine by "
                f"{found or 'a program of another user'}, so no container can listen on "
                f"{self._pod.ip}:{port}. End that program, or let the container use another port."
            )
            self.event("FailedToListen", words, type="Warning")

    async def _wait_for(self, running: RunningContainer) -> int:
        self._running = running
        run_id = running.command.environment[RUN_ID]
        try:
            with self._pod.listeners.running(running.pid, run_id):
                async with background_task(self._stop_when_changed(running)):
                    return await running.wait()
        finally:
            self._running = None

    async def _stop_when_changed(self, running: RunningContainer) -> None:
        await self._changed.wait()
        await running.stop_for_change()

    async def _until_changed(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        """Do what may take long, and give it up when the container gets another image."""
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await work
        except TimeoutError:
            return None
        finally:
            self._waiting = None

    async def _prepare(self, reference: str, container_id: str) -> tuple[Image, Command]:
        """Wait for all that is needed to start it."""
        images = self._node.home.images
        image = await ImagePuller(images, reference, self.event, self._set_waiting).pull()
        return image, await self._build_command(image, container_id)

    async def _build_command(self, image: Image, container_id: str) -> Command:
        settings = self._pod_settings(container_id)
        while True:
            try:
                command = await build_command(
                    self._node.api, self._pod.pod, self.spec, image, settings
                )
                return replace(
                    command,
                    root=self._root(image, settings, command.environment),
                    stdin=bool(self.spec.get("stdin")),
                    stdin_once=bool(self.spec.get("stdinOnce")),
                    terminal=bool(self.spec.get("tty")),
                )
            except ConfigError as error:
                waiting = ContainerWaiting("CreateContainerConfigError", str(error))
            if waiting != self.status.state:
                self.event("Failed", f"Error: {waiting.message}", type="Warning")
                self._set_waiting(waiting)
            await asyncio.sleep(_CONFIG_RETRY_S)

    def _pod_settings(self, container_id: str) -> PodSettings:
        node, pod = self._node, self._pod
        return PodSettings(
            address=PodAddress(pod.ip, node.addresses.node),
            run_id=node.reaper.run_id_of(container_id),
            home=node.folder_of(pod.pod) / "home",
            compile_cache=node.home.playground / "compile-cache",
            has_own_root=node.has_own_root,
        )

    def _root(
        self, image: Image, settings: PodSettings, variables: Mapping[str, str]
    ) -> Plan | None:
        """The plan of the container's root with its volumes, if it gets one of its own."""
        if not settings.has_own_root:
            return None
        pod = self._pod.pod
        volumes, folder = pod["spec"].get("volumes", []), self._node.volumes_of(pod)
        mounts = container_mounts(folder, volumes, self.spec, variables)
        cache = str(settings.compile_cache)
        return container_plan(
            str(image.root),
            way=self._node.root_way,
            base=str(root_base(self._node.home)),
            names={
                "/etc/hostname": f"{host_name(pod)}\n",
                "/etc/hosts": hosts_file(pod, self._pod.ip),
            },
            mounts=[(cache, cache, False), *(astuple(mount) for mount in mounts)],
        )

    async def _back_off(self, end: ContainerTerminated, delay_s: float) -> None:
        elapsed_s = (self._node.now() - end.finished).total_seconds()
        left_s = min(delay_s, delay_s - elapsed_s)  # not longer if the clock was set back
        if left_s <= 0:
            return
        pod_name = self._pod.full_name
        self.event(
            "BackOff",
            f"Back-off restarting failed container {self.name} in pod {pod_name}",
            type="Warning",
        )
        back_off = f"back-off {go_duration(delay_s)} restarting failed"
        message = f"{back_off} container={self.name} pod={pod_name}"
        self._set_waiting(ContainerWaiting("CrashLoopBackOff", message))
        await asyncio.sleep(left_s)

    def _set_waiting(self, waiting: ContainerWaiting) -> None:
        """Show why it cannot start now.

        A changed container is started once whatever the restartPolicy says, which decides again if
        that fails: the kubelet's `ShouldContainerBeRestarted` looks at the end of the old one.
        """
        end = self.status.state
        if isinstance(end, ContainerTerminated) and not self._is_restarted_after(end):
            raise _CannotBeRestartedError
        self.set_status(self.status.waiting(waiting))
        self._tried.set()

    def on_post_start(self, status: ContainerStatus) -> None:
        """Called when the process runs and its postStart hook is done."""
        self.set_status(status)
        self._tried.set()

    def _is_restarted_after(self, end: ContainerTerminated) -> bool:
        return should_restart(restart_policy(self._pod.pod, self.status), end.exit_code)

    def give_up(self) -> None:
        """Record the end of a container that waits, because its pod has failed."""
        if not isinstance(self.status.state, ContainerTerminated):
            words = "The container could not be located when the pod was terminated"
            self._set_terminated(self.status, _KILLED, "ContainerStatusUnknown", words)

    def _set_terminated(
        self, status: ContainerStatus, exit_code: int, reason: str, message: str = ""
    ) -> None:
        now = self._node.now()
        started = status.state.started if isinstance(status.state, ContainerRunning) else now
        container_id = status.container_id
        end = ContainerTerminated(exit_code, reason, started, now, container_id, message)
        self._tried.set()
        if self._changed.is_set() and not self._is_stopping:
            self.status = status.terminated(end)  # the next follows: the pod has not ended
        else:
            self.set_status(status.terminated(end))


class RunningContainer:
    """One run of a container: its process, with hooks, probes and termination."""

    def __init__(
        self,
        container: Container,
        pod: PodContext,
        status: ContainerStatus,
        *,
        command: Command,
        process: Process,
    ) -> None:
        self._container, self._pod, self._status = container, pod, status
        self._process = process
        self._grace_period_s: int = pod.pod["spec"].get(
            "terminationGracePeriodSeconds", DEFAULT_GRACE_PERIOD_S
        )
        self._target = ProbeTarget(
            pod.ip, container.spec, self._run_command, pod.listeners.can_answer
        )
        self._timeout: asyncio.Timeout | None = None
        self._deadline = math.inf
        self.command = command
        self.hook_failure = ""
        """Why the postStart hook failed, or "" if it did not."""

    @property
    def pid(self) -> int:
        """The process id of the command."""
        return self._process.pid

    @property
    def input(self) -> ContainerInput:
        """Its input, and the clients that are attached."""
        return self._process.input

    async def wait(self) -> int:
        """Return the exit code. If this is cancelled, the process is terminated quickly."""
        try:
            async with background_task(self._run_hook_and_probes()):
                return await self._process.wait()
        finally:
            if not self._process.has_ended.is_set():
                await self._process.terminate()

    async def stop(self, grace_period_s: float, after: Sequence[Container] = ()) -> None:
        """Run preStop, send the stop signal, and SIGKILL at the end of the grace period.

        The containers in `after` have to end before the signal.
        """
        now = asyncio.get_running_loop().time
        self._deadline = now() + grace_period_s
        await self._until_deadline(self._run_pre_stop())
        for container in after:
            await self._until_deadline(container.wait_until_ended())
        self._deadline = max(self._deadline, now() + MIN_GRACE_PERIOD_S)
        await self._until_deadline(self._process.stop(self.command.stop_signal))
        self._process.signal(signal.SIGKILL)
        await self._process.has_ended.wait()

    def shorten_grace_period(self, grace_period_s: float) -> None:
        """Set an earlier deadline; a later one is ignored."""
        deadline = asyncio.get_running_loop().time() + grace_period_s
        timeout = self._timeout
        if timeout is not None and deadline < self._deadline and not timeout.expired():
            self._deadline = deadline
            timeout.reschedule(deadline)

    def on_started(self) -> None:
        """Called when the startup probe has succeeded, or at once if there is none."""
        self._container.set_status(replace(self._container.status, has_started=True))

    def on_readiness(self, *, ready: bool) -> None:
        """Take the outcome of the readiness probe."""
        self._container.set_status(replace(self._container.status, is_ready=ready))

    def on_failure(self, probe: str, message: str) -> None:
        """Take one failure of a probe."""
        self._container.event("Unhealthy", f"{probe} probe failed: {message}", type="Warning")
        if asks_localhost(self._target.container.get(f"{probe.lower()}Probe", {})):
            self._container.event("LocalhostIsNotThePod", _LOCALHOST, type="Warning")

    async def stop_for_restart(self, probe: str, *, grace_period_s: int | None) -> None:
        """Stop this run; the container starts another."""
        self._report_restart(f"failed {probe} probe")
        await self.stop(self._grace_period_s if grace_period_s is None else grace_period_s)

    async def stop_for_change(self) -> None:
        """Stop this run, because the container has another image."""
        self._report_restart("definition changed")
        await self.stop(self._grace_period_s)

    def _report_restart(self, why: str) -> None:
        name = self._container.name
        self._container.event("Killing", f"Container {name} {why}, will be restarted")

    async def _until_deadline(self, work: Coroutine[Any, Any, object]) -> None:
        """Wait until it is done or the deadline has come, which may become earlier."""
        with suppress(TimeoutError):
            self._timeout = asyncio.timeout_at(self._deadline)
            async with self._timeout:
                await work
        self._timeout = None

    async def _run_hook_and_probes(self) -> None:
        """Run postStart, before which the container does not count as running, and the probes."""
        self.hook_failure = await run_hook("postStart", self._target, self._pod.full_name)
        if self.hook_failure:
            self._container.event("FailedPostStartHook", "PostStartHook failed", type="Warning")
            self._container.event("Killing", "FailedPostStartHook")
            await self.stop(self._grace_period_s)
            return
        self._container.on_post_start(self._status)
        if self._status.kind == "init":
            self.on_started()  # it has no probes, and is ready when it has completed
            return
        await run_probes(self._target.container, self._target, self)

    async def _run_pre_stop(self) -> None:
        if await run_hook("preStop", self._target, self._pod.full_name):
            self._container.event("FailedPreStopHook", "PreStopHook failed", type="Warning")

    async def _run_command(self, argv: list[str]) -> tuple[int, str]:
        own = self.command
        try:
            return await exec_and_wait(own.beside(self.pid, argv))
        except CannotStartError as error:
            return _COMMAND_NOT_FOUND, str(error)


def hosts_file(pod: Object, ip: str) -> str:
    r"""Return /etc/hosts as the kubelet writes it: the pod's name, and its hostAliases.

    >>> pod = {"metadata": {"name": "web-1", "namespace": "lab"}, "spec": {"subdomain": "web"}}
    >>> hosts_file(pod, "10.0.0.7").splitlines()[-1]
    '10.0.0.7\tweb-1.web.lab.svc.cluster.local\tweb-1'
    """
    lines = ["# Kubernetes-managed hosts file.", "127.0.0.1\tlocalhost"]
    lines += ["::1\tlocalhost ip6-localhost ip6-loopback", "fe00::0\tip6-localnet"]
    lines += ["fe00::0\tip6-mcastprefix", "fe00::1\tip6-allnodes", "fe00::2\tip6-allrouters"]
    names = [host_name(pod)]
    if subdomain := pod["spec"].get("subdomain"):
        namespace = pod["metadata"]["namespace"]
        names.insert(0, f"{names[0]}.{subdomain}.{namespace}.svc.cluster.local")
    lines.append("\t".join([ip, *names]))
    if aliases := pod["spec"].get("hostAliases"):
        lines += ["", "# Entries added by HostAliases."]
        lines += ["\t".join([each["ip"], *each.get("hostnames", [])]) for each in aliases]
    return "\n".join(lines) + "\n"


def restart_policy(pod: Object, container: ContainerStatus) -> str:
    """Return the policy of a container: a sidecar's is Always, an init container's never.

    >>> init = ContainerStatus("init", "app:1", kind="init")
    >>> restart_policy({"spec": {"restartPolicy": "Always"}}, init)
    'OnFailure'
    """
    policy = str(pod["spec"].get("restartPolicy", "Always"))
    if container.kind == "init" and policy == "Always":
        return "OnFailure"
    return "Always" if container.kind == "sidecar" else policy


def asks_localhost(probe: Object) -> bool:
    """Whether a probe is a command that is to ask a server on localhost.

    >>> asks_localhost({"exec": {"command": ["curl", "-f", "http://localhost:3000/ready"]}})
    True
    >>> asks_localhost({"exec": {"command": ["node", "ask.js", "localhost:3000"]}})
    False
    """
    words = " ".join(probe.get("exec", {}).get("command", []))
    return bool(_OTHER_CLIENTS.search(words) and _ON_LOCALHOST.search(words))


def should_restart(policy: str, exit_code: int) -> bool:
    """Whether this restartPolicy restarts a container after this exit code.

    >>> should_restart("OnFailure", 0), should_restart("Always", 0)
    (False, True)
    """
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def ports_of(container: Object) -> set[int]:
    """The ports that a container is expected to listen on, by its ports and probes.

    >>> ports_of({"ports": [{"containerPort": 80}], "livenessProbe": {"tcpSocket": {"port": 81}}})
    {80, 81}
    """
    declared = {entry["containerPort"] for entry in container.get("ports") or []}
    probes = [container.get(f"{name}Probe") or {} for name in ("startup", "liveness", "readiness")]
    actions = [probe.get(kind) or {} for probe in probes for kind in ("httpGet", "tcpSocket")]
    return declared | {each["port"] for each in actions if isinstance(each.get("port"), int)}


def go_duration(seconds: float) -> str:
    """Format whole seconds as Go does.

    >>> go_duration(10), go_duration(80), go_duration(300)
    ('10s', '1m20s', '5m0s')
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _waiting_reason(status: ContainerStatus) -> str:
    if not isinstance(status.state, ContainerWaiting):
        return "ContainerCreating"
    is_pull_error = status.state.reason in _PULL_ERRORS
    return "trying and failing to pull image" if is_pull_error else status.state.reason
