"""The state of a release in steps, which an annotation of the canary's Deployment holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from canarylab.errors import ApiRefusedError, CanaryLabError, ClusterError
from canarylab.judge import Counts, StepCounts
from canarylab.judge.counts import checked
from canarylab.manifests import CANARY, RELEASE_STATE
from canarylab.release import rollout
from canarylab.release.connection import Connection, Object, explain_api_errors
from canarylab.release.traffic_split import Before, Step
from canarylab.traffic.sample_series import check_ratios, ratio_label


@dataclass(frozen=True)
class ReleaseState:
    """How far a release is, and what it has counted.

    >>> state = ReleaseState(((3, 1), (1, 3)), Before(3, "node_app:1.0"))
    >>> ReleaseState.from_json(state.to_json()) == state
    True
    """

    steps: tuple[Step, ...]
    before: Before
    number: int = 0
    """Index of the current step."""
    counts: tuple[StepCounts, ...] = ()
    """One for each step that has been measured."""
    canary_image: str = ""
    """What is promoted."""
    templates: tuple[str, ...] = ()
    """What is measured: a digest of the pods' spec of the canary, and one of production's."""
    slower_than_s: float | None = None
    """The latency beyond which an answer was counted as a failure."""
    program: str = ""
    """The program that goes through the steps; another one that goes on takes its place."""
    baseline: str = ""
    """The Deployment that the canary is compared with; empty for production."""

    def to_json(self) -> str:
        """The text of the annotation."""
        return json.dumps(
            {
                "steps": self.steps,
                "before": self.before,
                "number": self.number,
                "counts": self.counts,
                "canary_image": self.canary_image,
                "templates": self.templates,
                "slower_than_s": self.slower_than_s,
                "program": self.program,
                "baseline": self.baseline,
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> ReleaseState:
        """The state that `to_json` wrote; raises ClusterError for any other text."""
        try:
            plain = json.loads(text)
            pods, image = plain["before"]
            state = cls(
                steps=check_steps(plain["steps"]),
                before=Before(_pods(pods), str(image)),
                number=int(plain["number"]),
                counts=checked(
                    [
                        StepCounts(share, Counts(*canary), Counts(*production), lost)
                        for share, canary, production, lost in plain["counts"]
                    ]
                ),
                canary_image=str(plain["canary_image"]),
                templates=tuple(map(str, plain["templates"])),
                slower_than_s=plain["slower_than_s"],
                program=str(plain["program"]),
                baseline=str(plain["baseline"]),
            )
            if not max(0, len(state.counts) - 1) <= state.number <= len(state.steps):
                raise ValueError(f"there is no step {state.number + 1}")
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise ClusterError(
                f"The annotation {RELEASE_STATE} of {CANARY} is not the state of a release. Remove "
                f"it: kubectl annotate deployment {CANARY} {RELEASE_STATE}-"
            ) from exc
        return state

    def with_counts(self, counts: StepCounts) -> ReleaseState:
        """The same with new counts of the current step."""
        return replace(self, counts=(*self.counts[: self.number], counts))

    def next_step(self) -> ReleaseState:
        """The same at the following step."""
        return replace(self, number=self.number + 1)


def check_steps(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps of a release, all ratios of pods or all weights; ValueError with what is wrong.

    >>> check_steps([5, 25, 50])
    (5, 25, 50)
    >>> check_steps([(3, 1), 50])
    Traceback (most recent call last):
    ValueError: Steps are ratios of pods or weights, not both. Give [(3, 1), (2, 2)] or [5, 25, 50].
    """
    if not isinstance(steps, list | tuple):
        raise ValueError(
            f"{steps!r} are no steps. Give a list in the order of the release: [(3, 1), (2, 2)]."
        )
    _check_is_no_ratio(steps)
    weights = [each for each in steps if isinstance(each, int) and not isinstance(each, bool)]
    if weights and len(weights) < len(steps):
        raise ValueError(
            "Steps are ratios of pods or weights, not both. Give [(3, 1), (2, 2)] or [5, 25, 50]."
        )
    if not weights:
        ratios = check_ratios(steps)
        for production, canary in ratios:
            if not production or not canary:
                raise ValueError(
                    f"At {ratio_label((production, canary))} there is nothing to compare. Give "
                    "production and canary a pod each; the promotion comes after the last step."
                )
        return ratios
    for weight in weights:
        if not 0 < weight < 100:
            raise ValueError(
                f"With a weight of {weight} % there is nothing to compare. Give weights from 1 to "
                "99; the promotion comes after the last step."
            )
    return tuple(weights)


def _check_is_no_ratio(steps: Sequence[object]) -> None:
    is_pair = isinstance(steps, tuple) and len(steps) == 2
    if is_pair and all(isinstance(each, int) for each in steps):
        raise ValueError(
            f"{steps} may be one ratio of pods or two weights. Give [{steps}] or {list(steps)}."
        )


def read_state(connection: Connection) -> ReleaseState | None:
    """The state of the release that is under way; None if there is none."""
    return state_in(rollout.read_deployment(connection, CANARY))


def release_under_way(connection: Connection) -> str:
    """A sentence about the release that another program began; empty if none is to be seen."""
    try:
        state = state_in(read_canary(connection))
    except CanaryLabError:
        return ""  # an old cluster's rest, which `lab.release` and `lab.reset` explain
    if state is None:
        return ""
    step = f"step {min(state.number + 1, len(state.steps))} of {len(state.steps)}"
    return (
        f"A release is under way, at {step}: the same `lab.release` goes on, and "
        "`lab.abort_release()` goes back."
    )


def state_in(canary: Object | None) -> ReleaseState | None:
    annotations = (canary or {"metadata": {}})["metadata"].get("annotations") or {}
    text = annotations.get(RELEASE_STATE)
    return None if text is None else ReleaseState.from_json(text)


def read_canary(connection: Connection) -> Object | None:
    """The canary's Deployment; None if there is none."""
    try:
        return rollout.read_deployment(connection, CANARY)
    except ApiRefusedError as exc:
        if exc.is_not_found:
            return None
        raise


def write_state(connection: Connection, state: ReleaseState | None) -> None:
    """Keep the state in the annotation; None removes it."""
    value = None if state is None else state.to_json()
    body: dict[str, Any] = {"metadata": {"annotations": {RELEASE_STATE: value}}}
    with explain_api_errors(
        f'Deployment "{CANARY}"', remedy="Look with `kubectl get deployments`."
    ):
        connection.apps.patch_namespaced_deployment(CANARY, connection.namespace, body)


def template_digest(deployment: Object) -> str:
    """A digest of what runs in the pods of a Deployment; a restart does not change it.

    >>> template_digest({"spec": {"template": {"metadata": {}, "spec": {"containers": []}}}})
    '75ed80bed3'
    """
    text = json.dumps(deployment["spec"]["template"]["spec"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _pods(number: Any) -> int:
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"{number!r} is no number of pods")
    return number
