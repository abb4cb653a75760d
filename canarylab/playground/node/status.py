"""The status of a pod and of its containers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple

from canarylab.kube_objects import (
    Object,
    is_finished,
    is_sidecar,
    last_transition_time,
    parse_timestamp,
    timestamp,
)

RUNTIME = "process"
_LOST = 255  # the exit code Kubernetes gives a container that disappeared with its machine


@dataclass(frozen=True)
class ContainerWaiting:
    """The state Waiting."""

    reason: str
    message: str = ""


@dataclass(frozen=True)
class ContainerRunning:
    """The state Running."""

    started: datetime


@dataclass(frozen=True)
class ContainerTerminated:
    """The state Terminated."""

    exit_code: int
    reason: str
    started: datetime
    finished: datetime
    container_id: str = ""
    message: str = ""

    @property
    def ran_s(self) -> float:
        """How long it ran, in seconds."""
        return (self.finished - self.started).total_seconds()


ContainerState = ContainerWaiting | ContainerRunning | ContainerTerminated

CREATING = ContainerWaiting("ContainerCreating")
INITIALIZING = ContainerWaiting("PodInitializing")
"""Of every container that has not started, in a pod with init containers."""

ContainerKind = Literal["container", "init", "sidecar"]
"""A sidecar is an init container that is restarted always: it goes on beside the containers."""


@dataclass(frozen=True)
class ContainerStatus:
    """An entry of `status.containerStatuses`; `last` is its lastState."""

    name: str
    image: str
    state: ContainerState = CREATING
    last: ContainerTerminated | None = None
    restarts: int = 0
    is_ready: bool = False
    has_started: bool = False
    image_id: str = ""
    container_id: str = ""
    kind: ContainerKind = "container"

    @property
    def is_initialized(self) -> bool:
        """Whether the next container may start, which waits for init containers only."""
        if self.kind == "init":
            return isinstance(self.state, ContainerTerminated) and self.state.exit_code == 0
        return self.kind == "container" or self.has_started

    @property
    def has_ever_run(self) -> bool:
        """Whether it runs or has run."""
        return not isinstance(self.state, ContainerWaiting) or self.last is not None

    def waiting(self, state: ContainerWaiting) -> ContainerStatus:
        """Return the status of a container that waits; a terminated state becomes the last."""
        last = self._last_terminated
        return replace(self, state=state, last=last, is_ready=False, has_started=False)

    def running(self, now: datetime, *, image_id: str, container_id: str) -> ContainerStatus:
        """Return the status of a new run; every one after the first is a restart."""
        last = self._last_terminated
        return replace(
            self,
            state=ContainerRunning(now),
            last=last,
            restarts=self.restarts + (last is not None),
            image_id=image_id,
            container_id=container_id,
        )

    def terminated(self, state: ContainerTerminated) -> ContainerStatus:
        """Return the status after a run."""
        return replace(self, state=state, is_ready=False, has_started=False)

    def as_object(self, resources: Object) -> Object:
        """Return the entry of `status.containerStatuses`.

        `resources` are those of its spec: what it asks for, it has.
        """
        status: Object = {
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            "lastState": {} if self.last is None else _state_object(self.last),
            "ready": self.is_ready or (self.kind == "init" and self.is_initialized),
            "restartCount": self.restarts,
            "started": self.has_started,
            "state": _state_object(self.state),
        }
        if self.container_id:
            status |= {"containerID": self.container_id, "resources": resources}
            if requests := resources.get("requests"):
                status["allocatedResources"] = requests
        return status

    @property
    def _last_terminated(self) -> ContainerTerminated | None:
        return self.state if isinstance(self.state, ContainerTerminated) else self.last


def container_specs(pod: Object) -> list[Object]:
    """Return the containers of a pod, the init containers first."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def restored_statuses(pod: Object, *, now: datetime) -> list[ContainerStatus]:
    """Return the statuses of the containers of a pod that an earlier daemon may have run.

    Those of the init containers are the first ones.
    """
    spec, status = pod["spec"], pod.get("status", {})
    entries = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    before = {entry["name"]: entry for entry in entries}
    init = spec.get("initContainers", [])
    state = INITIALIZING if init else CREATING
    fresh = [
        *(_fresh_status(each, state, "sidecar" if is_sidecar(each) else "init") for each in init),
        *(_fresh_status(each, state, "container") for each in spec["containers"]),
    ]
    return [restored_status(each, before.get(each.name), now=now) for each in fresh]


def _fresh_status(
    container: Object, state: ContainerWaiting, kind: ContainerKind
) -> ContainerStatus:
    return ContainerStatus(container["name"], container["image"], state, kind=kind)


def restored_status(
    fresh: ContainerStatus, status: Object | None, *, now: datetime
) -> ContainerStatus:
    """Return the status of a container that an earlier daemon may have run.

    Its processes are gone, so a running one has terminated with an unknown result.
    """
    if not status:
        return fresh
    kept = replace(
        fresh,
        restarts=status.get("restartCount", 0),
        last=_terminated(status.get("lastState", {}).get("terminated")),
        image_id=status.get("imageID", ""),
        container_id=status.get("containerID", ""),
    )
    state = status.get("state", {})
    if "running" in state:
        started = parse_timestamp(state["running"]["startedAt"])
        lost = ContainerTerminated(_LOST, "Unknown", started, now, kept.container_id)
        return kept.terminated(lost)
    if terminated := _terminated(state.get("terminated")):
        return kept.terminated(terminated)
    return kept


class PodFailure(NamedTuple):
    """Why a pod has failed, whatever its containers ended with."""

    reason: str
    message: str


@dataclass(frozen=True)
class PodState:
    """State of a pod, from which its status is computed."""

    containers: Sequence[ContainerStatus]
    """Of all kinds."""
    ip: str | None
    """None until the pod has an address."""
    host_ip: str
    """The address of the node."""
    is_finished: bool = False
    """Nothing runs, and nothing will be started."""
    failure: PodFailure | None = None
    """Why the kubelet has stopped it, or None if it has not."""


def pod_status(pod: Object, state: PodState, now: datetime) -> Object:
    """Compute the status; what others wrote into it stays."""
    before = pod.get("status", {})
    generation = pod["metadata"].get("generation")
    address = {"podIP": state.ip, "podIPs": [{"ip": state.ip}]} if state.ip else {}
    failure = state.failure._asdict() if state.failure and state.is_finished else {}
    resources = {each["name"]: each.get("resources", {}) for each in container_specs(pod)}
    entries = [(each.kind, each.as_object(resources[each.name])) for each in state.containers]
    init = [entry for kind, entry in entries if kind != "container"]
    return {
        **before,
        **({} if generation is None else {"observedGeneration": generation}),
        **failure,
        "phase": _pod_phase(pod, state),
        "conditions": _conditions(pod, state, now),
        "hostIP": state.host_ip,
        "hostIPs": [{"ip": state.host_ip}],
        **address,
        "startTime": before.get("startTime") or timestamp(now),
        **({"initContainerStatuses": init} if init else {}),
        "containerStatuses": [entry for kind, entry in entries if kind == "container"],
        "resources": {},
    }


def phase(containers: Sequence[ContainerStatus], restart_policy: str, *, is_finished: bool) -> str:
    """Compute the phase.

    >>> phase([ContainerStatus("web", "node_app:1.0")], "Always", is_finished=False)
    'Pending'
    """
    main = [status for status in containers if status.kind == "container"]
    ends = [_end(status) for status in main]
    is_active = any(not isinstance(status.state, ContainerTerminated) for status in main) or any(
        isinstance(status.state, ContainerRunning) for status in containers
    )
    if restart_policy == "Never" and any(map(_has_failed_to_initialize, containers)):
        return "Failed"
    if not is_finished and not all(status.has_ever_run for status in main):
        return "Pending"
    if not is_finished and (is_active or restart_policy == "Always"):
        return "Running"
    if all(end is not None and end.exit_code == 0 for end in ends):
        return "Succeeded"
    return "Failed" if is_finished or restart_policy == "Never" else "Running"


def _pod_phase(pod: Object, state: PodState) -> str:
    """The phase of a pod; one that has ended keeps its phase."""
    if is_finished(pod):
        return str(pod["status"]["phase"])
    if state.failure and state.is_finished:
        return "Failed"
    policy = pod["spec"].get("restartPolicy", "Always")
    return phase(state.containers, policy, is_finished=state.is_finished)


def _has_failed_to_initialize(status: ContainerStatus) -> bool:
    end = _end(status)
    return status.kind == "init" and end is not None and end.exit_code != 0


class _ConditionStatus(NamedTuple):
    is_true: bool
    reason: str = ""
    message: str = ""


def _end(status: ContainerStatus) -> ContainerTerminated | None:
    return status.state if isinstance(status.state, ContainerTerminated) else status.last


def _conditions(pod: Object, state: PodState, now: datetime) -> list[Object]:
    before = {entry["type"]: entry for entry in pod.get("status", {}).get("conditions", [])}
    generation = pod["metadata"].get("generation")
    current = [
        _condition(name, status, before.get(name), now) | _observed(generation, status)
        for name, status in _condition_statuses(pod, state).items()
    ]
    own = {entry["type"] for entry in current}
    return [*current, *(entry for name, entry in before.items() if name not in own)]


def _condition_statuses(pod: Object, state: PodState) -> dict[str, _ConditionStatus]:
    ready = _readiness(pod, state)
    return {
        "PodReadyToStartContainers": _ConditionStatus(
            state.ip is not None and not state.is_finished
        ),
        "Initialized": _initialization(pod, state),
        "Ready": ready,
        "ContainersReady": ready,
        "PodScheduled": _ConditionStatus(True),
    }


def _initialization(pod: Object, state: PodState) -> _ConditionStatus:
    if state.is_finished and _pod_phase(pod, state) == "Succeeded":
        return _ConditionStatus(True, "PodCompleted")
    incomplete = [status.name for status in state.containers if not status.is_initialized]
    has_begun = any(each.has_ever_run for each in state.containers if each.kind == "container")
    if has_begun or not incomplete:  # a sidecar may start again
        return _ConditionStatus(True)
    message = f"containers with incomplete status: [{' '.join(incomplete)}]"
    return _ConditionStatus(False, "ContainersNotInitialized", message)


def _readiness(pod: Object, state: PodState) -> _ConditionStatus:
    phase = _pod_phase(pod, state)
    if state.is_finished or state.failure or phase == "Failed":
        return _ConditionStatus(False, "PodCompleted" if phase == "Succeeded" else "PodFailed")
    unready = [
        status.name for status in state.containers if status.kind != "init" and not status.is_ready
    ]
    if not unready:
        return _ConditionStatus(True)
    message = f"containers with unready status: [{' '.join(unready)}]"
    return _ConditionStatus(False, "ContainersNotReady", message)


def _condition(
    name: str, condition: _ConditionStatus, before: Object | None, now: datetime
) -> Object:
    status = "True" if condition.is_true else "False"
    return {
        "type": name,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": last_transition_time(before, status, now),
    }


def _observed(generation: int | None, condition: _ConditionStatus) -> Object:
    fields = {
        "observedGeneration": generation,
        "reason": condition.reason,
        "message": condition.message,
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _state_object(state: ContainerState) -> Object:
    match state:
        case ContainerWaiting():
            return {"waiting": _without_empty(reason=state.reason, message=state.message)}
        case ContainerRunning():
            return {"running": {"startedAt": timestamp(state.started)}}
        case ContainerTerminated():
            return {
                "terminated": {
                    "exitCode": state.exit_code,
                    "startedAt": timestamp(state.started),
                    "finishedAt": timestamp(state.finished),
                    **_without_empty(
                        reason=state.reason,
                        message=state.message,
                        containerID=state.container_id,
                    ),
                }
            }


def _terminated(state: Object | None) -> ContainerTerminated | None:
    if state is None:
        return None
    return ContainerTerminated(
        exit_code=state["exitCode"],
        reason=state.get("reason", ""),
        started=parse_timestamp(state["startedAt"]),
        finished=parse_timestamp(state["finishedAt"]),
        container_id=state.get("containerID", ""),
        message=state.get("message", ""),
    )


def _without_empty(**fields: str) -> Object:
    return {name: value for name, value in fields.items() if value}
