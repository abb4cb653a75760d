"""What is known of a container: where it stands, and how its run before ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import parse_timestamp, timestamp

RUNTIME = "process"
_LOST = 255  # the exit code Kubernetes gives a container that vanished with its machine


@dataclass(frozen=True)
class Waiting:
    """Not running, and why."""

    reason: str
    message: str = ""


@dataclass(frozen=True)
class Running:
    """Running since."""

    started: datetime


@dataclass(frozen=True)
class Terminated:
    """How a run ended."""

    exit_code: int
    reason: str
    started: datetime
    finished: datetime
    container_id: str = ""
    message: str = ""

    @property
    def ran_s(self) -> float:
        """How long it ran."""
        return (self.finished - self.started).total_seconds()


CREATING = Waiting("ContainerCreating")


@dataclass(frozen=True)
class Record:
    """One container, as its status tells of it."""

    name: str
    image: str
    state: Waiting | Running | Terminated = CREATING
    last: Terminated | None = None
    restarts: int = 0
    is_ready: bool = False
    has_started: bool = False
    image_id: str = ""
    container_id: str = ""

    def waiting(self, why: Waiting) -> Record:
        """Not running yet, or not again; an end that was the present becomes the past."""
        return replace(self, state=why, last=self._past, is_ready=False, has_started=False)

    def running(self, now: datetime, *, image_id: str, container_id: str) -> Record:
        """A run begins; every one after the first is a restart."""
        return replace(
            self,
            state=Running(now),
            last=self._past,
            restarts=self.restarts + (self._past is not None),
            image_id=image_id,
            container_id=container_id,
        )

    def terminated(self, end: Terminated) -> Record:
        """The run is over."""
        return replace(self, state=end, is_ready=False, has_started=False)

    @property
    def _past(self) -> Terminated | None:
        return self.state if isinstance(self.state, Terminated) else self.last


def recalled(container: Object, status: Object | None, *, now: datetime) -> Record:
    """The record of a container that an earlier daemon may have run.

    Its processes are gone, so what was running has ended, in a way nobody saw.
    """
    fresh = Record(container["name"], container["image"])
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
        since = parse_timestamp(state["running"]["startedAt"])
        return kept.terminated(Terminated(_LOST, "Unknown", since, now, kept.container_id))
    if ended := _terminated(state.get("terminated")):
        return kept.terminated(ended)
    return kept


def as_status(record: Record) -> Object:
    """The entry of `status.containerStatuses`."""
    status: Object = {
        "name": record.name,
        "image": record.image,
        "imageID": record.image_id,
        "lastState": {} if record.last is None else _state(record.last),
        "ready": record.is_ready,
        "restartCount": record.restarts,
        "started": record.has_started,
        "state": _state(record.state),
    }
    if record.container_id:
        status |= {"containerID": record.container_id, "resources": {}}
    return status


def _state(state: Waiting | Running | Terminated) -> Object:
    match state:
        case Waiting():
            return {"waiting": _without_blanks(reason=state.reason, message=state.message)}
        case Running():
            return {"running": {"startedAt": timestamp(state.started)}}
        case Terminated():
            return {
                "terminated": {
                    "exitCode": state.exit_code,
                    "startedAt": timestamp(state.started),
                    "finishedAt": timestamp(state.finished),
                    **_without_blanks(
                        reason=state.reason,
                        message=state.message,
                        containerID=state.container_id,
                    ),
                }
            }


def _terminated(state: Object | None) -> Terminated | None:
    if state is None:
        return None
    return Terminated(
        exit_code=state["exitCode"],
        reason=state.get("reason", ""),
        started=parse_timestamp(state["startedAt"]),
        finished=parse_timestamp(state["finishedAt"]),
        container_id=state.get("containerID", ""),
        message=state.get("message", ""),
    )


def _without_blanks(**fields: str) -> Object:
    return {name: value for name, value in fields.items() if value}
