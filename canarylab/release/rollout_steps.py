"""Steps of a rollout, pod by pod: which pod starts, is ready, is ending, and is gone.

The numbers of a row are those of one list of pods, as the API server returned it: so the smallest
number of ready pods in the table is one that there was, and no result of the order of the rows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from canarylab.display import Report, no_report
from canarylab.kube_objects import is_ready
from canarylab.release.connection import Connection, Object
from canarylab.release.endpoints import version_of
from canarylab.release.rollout import (
    ROLLED_OUT_TIMEOUT_S,
    pods_of,
    read_deployment,
    wait_until_rolled_out,
)
from canarylab.text import count_noun
from canarylab.traffic.sample_tables import SampleTable

State = Literal["not ready", "ready", "ending", "gone"]

_COLUMNS = ("second", "pod", "version", "is now", "ready", "not ready", "ending")


class PodState(NamedTuple):
    """A pod of a Deployment at one moment."""

    version: str
    state: State


class RolloutStep(NamedTuple):
    """A pod whose state has changed, with the number of pods in each state then."""

    when_s: float
    pod: str
    version: str
    state: State
    ready: int
    not_ready: int
    ending: int


def pod_states(pods: list[Object]) -> dict[str, PodState]:
    """Version and state of each pod, by its name.

    >>> pod_states([{"metadata": {"name": "a"}, "spec": {"containers": [{"image": "app:2.0"}]}}])
    {'a': PodState(version='2.0', state='not ready')}
    """
    return {pod["metadata"]["name"]: PodState(_version(pod), _state(pod)) for pod in pods}


def steps_between(
    before: Mapping[str, PodState], after: Mapping[str, PodState], when_s: float
) -> list[RolloutStep]:
    """A step for each pod that is new, has changed its state, or is gone.

    >>> steps = steps_between({}, {"a": PodState("2.0", "ready")}, 1.5)
    >>> steps[0]
    RolloutStep(when_s=1.5, pod='a', version='2.0', state='ready', ready=1, not_ready=0, ending=0)
    """
    numbers = Counter(each.state for each in after.values())
    counts = (numbers["ready"], numbers["not ready"], numbers["ending"])
    changed = [(name, each) for name, each in after.items() if before.get(name) != each]
    gone = [(name, each.version) for name, each in before.items() if name not in after]
    return [
        *(RolloutStep(when_s, name, each.version, each.state, *counts) for name, each in changed),
        *(RolloutStep(when_s, name, version, "gone", *counts) for name, version in gone),
    ]


def watch_rollout(
    connection: Connection,
    name: str,
    *,
    timeout_s: float = ROLLED_OUT_TIMEOUT_S,
    report: Report = no_report,
    clock: Callable[[], float] = time.monotonic,
) -> SampleTable:
    """Wait until the rollout is done, and return its steps; the first rows are the pods there were.

    Raise the errors of `wait_until_rolled_out`.
    """
    started, seen, steps = clock(), dict[str, PodState](), list[RolloutStep]()

    def look(message: str) -> None:
        nonlocal seen
        now = pod_states(pods_of(connection, read_deployment(connection, name)))
        steps.extend(steps_between(seen, now, clock() - started))
        seen = now
        report(message)

    wait_until_rolled_out(connection, name, timeout_s=timeout_s, report=look)
    return steps_table(name, steps)


def steps_table(name: str, steps: list[RolloutStep]) -> SampleTable:
    """The steps as a table, with the fewest pods that were ready in its sentence.

    >>> steps_table("web", steps_between({}, {"a": PodState("2.0", "ready")}, 0.0))
    web: at least 1 pod was ready all the time, and at most 1 pod was not ending.
    second  pod  version  is now  ready  not ready  ending
    0.0     a    2.0      ready   1      0          0
    """
    fewest = min((each.ready for each in steps), default=0)
    most = max((each.ready + each.not_ready for each in steps), default=0)
    return SampleTable(
        f"{name}: at least {count_noun(fewest, 'pod')} {'was' if fewest == 1 else 'were'} ready "
        f"all the time, and at most {count_noun(most, 'pod')} {'was' if most == 1 else 'were'} "
        "not ending.",
        _COLUMNS,
        [(f"{each.when_s:.1f}", *each[1:]) for each in steps],
        numbers=[each._asdict() for each in steps],
    )


def _version(pod: Object) -> str:
    return version_of(str(pod["spec"]["containers"][0]["image"]))


def _state(pod: Object) -> State:
    if pod["metadata"].get("deletionTimestamp"):
        return "ending"
    return "ready" if is_ready(pod) else "not ready"
