"""A release in steps: set the canary's share, send requests, let a judge decide, go on or go back.

The state is kept in an annotation of the canary's Deployment, so that a release goes on where it
was after its program ended. Nothing is remembered elsewhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import uuid4

from canarylab.display import OutputAndReport, Table
from canarylab.errors import ApiRefusedError, CanaryLabError, ClusterError
from canarylab.judge import Counts, Decision, Judge, StepCounts, count
from canarylab.judge.counts import checked
from canarylab.judge.decision import PROMOTE, ROLL_BACK, AnyJudge
from canarylab.manifests import CANARY, CONTAINER, PRODUCTION, RELEASE_STATE
from canarylab.release import rollout, stages
from canarylab.release.connection import Connection, Object, explain_api_errors
from canarylab.release.traffic_split import Before, Step, TrafficSplit
from canarylab.text import count_noun, percent
from canarylab.traffic.sample_series import check_ratios, ratio_label

REQUESTS_PER_LOOK = 200
Outcome = Literal["promoted", "rolled back", "not enough to tell"]
_PROMOTED = f"Promoted: {PRODUCTION} has the image of the canary."
_ELSEWHERE = (
    "Another program goes on with this release, so this one ended and changed nothing more. Look "
    "at the other notebook or terminal."
)
_ATTEMPTS = 3  # at a portion of requests during which pods came or went


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
    """What is measured, and is promoted."""
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
                before=Before(int(pods), str(image)),
                number=int(plain["number"]),
                counts=checked(
                    [
                        StepCounts(share, Counts(*canary), Counts(*production), lost)
                        for share, canary, production, lost in plain["counts"]
                    ]
                ),
                canary_image=str(plain["canary_image"]),
                program=str(plain["program"]),
                baseline=str(plain.get("baseline", "")),
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


@dataclass(frozen=True, repr=False)
class ReleaseResult:
    """How a release ended, and the decision it rests on."""

    outcome: Outcome
    reason: str
    """One sentence or two."""
    decision: Decision | None = None
    """None if it ended before a request was judged."""

    def __repr__(self) -> str:
        return "\n".join([self.reason, *([repr(self.decision)] if self.decision else [])])

    def _repr_html_(self) -> str:
        decided = self.decision._repr_html_() if self.decision else ""
        return Table(self.reason)._repr_html_() + decided


class StagedRelease:
    """One release: its steps, its judge, and where it is written."""

    def __init__(
        self,
        connection: Connection,
        split: TrafficSplit,
        judge: AnyJudge,
        output: OutputAndReport,
    ) -> None:
        self._connection, self._split, self._judge = connection, split, judge
        self._write, self._report = output
        self._decision: Decision | None = None
        self._program = uuid4().hex

    def run(self, steps: Sequence[Step], requests: int) -> ReleaseResult:
        """Go through the steps, or go on with a release of the same steps.

        Any error of the cluster or of the judge, and Ctrl-C, take the release back.
        """
        state = self._begin(tuple(steps))
        try:
            write_state(self._connection, state)
            return self._run_from(state, requests)
        except KeyboardInterrupt:
            return self._take_back(state, "Interrupted.")
        except CanaryLabError as exc:
            return self._take_back(state, str(exc))
        except Exception as exc:
            self._take_back(state, f"{type(exc).__name__}: {exc}")
            raise

    def abort(self) -> ReleaseResult:
        """Take a release back that another program began."""
        state = read_state(self._connection)
        if state is None:
            raise ClusterError(
                "No release is under way here. `lab.release([(3, 1), (2, 2)])` begins one."
            )
        state = replace(state, program=self._program)
        write_state(self._connection, state)
        return self._take_back(state, "Aborted.")

    def _run_from(self, state: ReleaseState, requests: int) -> ReleaseResult:
        """Go through the steps that are left, and promote."""
        while state.number < len(state.steps):
            state, is_decided = self._run_step(state, requests)
            if not is_decided:
                return self._result("not enough to tell", _pause_text(state, requests))
            if self._decision and self._decision.verdict == ROLL_BACK:
                return self._take_back(state, self._decision.sentence)
            state = state.next_step()
            self._save(state)
        return self._promote(state)

    def _begin(self, steps: tuple[Step, ...]) -> ReleaseState:
        state = read_state(self._connection)
        image = rollout.image_of(self._connection, CANARY, CONTAINER)
        if state is None:
            before = Before(
                rollout.read_deployment(self._connection, PRODUCTION)["spec"]["replicas"],
                rollout.image_of(self._connection, PRODUCTION, CONTAINER),
            )
            baseline = self._split.baseline
            state = ReleaseState(steps, before, canary_image=image, baseline=baseline)
        elif state.steps != steps:
            raise ValueError(
                f"A release with the steps {list(state.steps)} is under way. Call lab.release with "
                "these steps to go on, or lab.abort_release() to go back."
            )
        elif state.baseline != self._split.baseline:
            with_one = "with" if state.baseline else "without"
            raise ValueError(
                f"The release that is under way compares {with_one} a baseline. Call lab.release "
                f"with baseline={bool(state.baseline)} to go on, or lab.abort_release() to go back."
            )
        elif state.canary_image != image:
            raise ClusterError(
                f"{_other_image(image, state.canary_image)} Call lab.abort_release() to go back, "
                "and begin again."
            )
        elif state.number == len(steps):
            self._write("Going on with the promotion.")
        elif state.counts:
            self._write(f"Going on at step {state.number + 1} of {len(steps)}.")
        return replace(state, program=self._program)

    def _run_step(self, state: ReleaseState, requests: int) -> tuple[ReleaseState, bool]:
        """Measure one step until the judge decides, or the requests are used up."""
        step = state.steps[state.number]
        what = f"Step {state.number + 1} of {len(state.steps)}, {self._split.label(step)}"
        self._write(_listed(what, self._split.commands(step)))
        self._split.set_share(step)
        sent = 0
        while sent < requests:
            portion = min(REQUESTS_PER_LOOK, requests - sent)
            state = state.with_counts(_added(state, self._measured(portion)))
            self._save(state)
            sent += portion
            self._look(state)
            decision = self._decision
            if decision is not None and decision.verdict in {ROLL_BACK, PROMOTE}:
                self._write(f"  After {count_noun(sent, 'request')}: {decision.sentence}")
                return state, True
            self._report(f"{what}: {sent:,} of {requests:,} requests")
        return state, False

    def _measured(self, portion: int) -> StepCounts:
        """The counts of one portion; pods that come or go meanwhile make it worthless."""
        for attempt in range(1, _ATTEMPTS + 1):
            sample = self._split.sample(portion)
            try:
                limit, baseline = self._judge.slower_than_s, self._split.baseline
                return count(sample, slower_than_s=limit, baseline=baseline)
            except ValueError as exc:
                if attempt == _ATTEMPTS:
                    raise ClusterError(str(exc)) from exc
        raise AssertionError("unreachable")

    def _look(self, state: ReleaseState) -> None:
        looks = self._decision.looks if self._decision else ()
        decision = self._judge.decide(state.counts)
        self._decision = replace(decision, looks=(*looks, *decision.looks))

    def _promote(self, state: ReleaseState) -> ReleaseResult:
        image = state.canary_image
        rollout.set_image(self._connection, PRODUCTION, container=CONTAINER, image=image)
        rollout.wait_until_rolled_out(self._connection, PRODUCTION, report=self._report)
        commands = self._split.take_back(state.before)
        stages.delete_deployment(self._connection, CANARY, env="canary")
        commands = [_set_image_command(image), *commands, f"kubectl delete deployment {CANARY}"]
        self._write(_listed("Promoted", commands))
        return self._result("promoted", _PROMOTED)

    def _take_back(self, state: ReleaseState, reason: str) -> ReleaseResult:
        """Go back, unless another program goes on with this release or has promoted it.

        A further Ctrl-C begins again with going back, which does each thing once and has time
        limits: otherwise the canary would keep traffic that nobody watches.
        """
        while True:
            try:
                return self._take_back_once(state, reason)
            except KeyboardInterrupt:
                self._write("Going back is under way, and ends by itself.")

    def _take_back_once(self, state: ReleaseState, reason: str) -> ReleaseResult:
        try:
            canary = _canary(self._connection)
            found = _state_in(canary)
            if found is None or found.program == self._program:
                commands = self._production_back(state, is_promoted=canary is None)
        except CanaryLabError as exc:
            raise ClusterError(
                f"{reason.rstrip('.')}. Going back failed too: {exc} Call lab.abort_release() to "
                "go back, once this is mended."
            ) from exc
        if found is not None and found.program != self._program:
            raise ClusterError(_ELSEWHERE)
        if commands is None:
            return self._result("promoted", _PROMOTED)
        self._write(_listed("Rolled back", commands))
        return self._result("rolled back", reason)

    def _production_back(self, state: ReleaseState, *, is_promoted: bool) -> list[str] | None:
        """Image, pods, share and annotation; None if the canary was deleted by its promotion.

        The image is first: pods that cannot start with the new one do not end before.
        """
        commands, image = [], state.before.production_image
        now = rollout.image_of(self._connection, PRODUCTION, CONTAINER)
        is_promoted = is_promoted and now == state.canary_image != image
        if now != image and not is_promoted:
            rollout.set_image(self._connection, PRODUCTION, container=CONTAINER, image=image)
            commands.append(_set_image_command(image))
        commands += self._split.take_back(state.before)
        rollout.wait_until_rolled_out(self._connection, PRODUCTION, report=self._report)
        if _canary(self._connection) is not None:
            write_state(self._connection, None)
        return None if is_promoted else commands

    def _result(self, outcome: Outcome, reason: str) -> ReleaseResult:
        decision = self._decision
        if decision is not None and reason == decision.sentence:
            reason = f"{outcome.capitalize()}."
        return ReleaseResult(outcome, reason, decision)

    def _save(self, state: ReleaseState) -> None:
        """Write it, unless somebody ended the release or changed the canary meanwhile."""
        canary = rollout.read_deployment(self._connection, CANARY)
        found = _state_in(canary)
        if found is None or found.program != self._program:
            raise ClusterError("Another program ended this release. Nothing is left to do here.")
        image = rollout.image_of(self._connection, CANARY, CONTAINER)
        if image != state.canary_image:
            raise ClusterError(
                f"{_other_image(image, state.canary_image)} Begin again to measure the new one."
            )
        write_state(self._connection, state)


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


def check_judge(judge: AnyJudge | None) -> AnyJudge:
    """The judge, or the usual one for None; ValueError for what cannot judge.

    >>> check_judge(None)
    Judge(tolerance=0.02, alpha=0.05, slower_than_s=None)
    """
    if judge is None:
        return Judge()
    is_judge = callable(getattr(judge, "decide", None)) and hasattr(judge, "slower_than_s")
    if isinstance(judge, type) or not is_judge:
        raise ValueError(f"{judge!r} is no judge. Give Judge() or ThresholdJudge().")
    return judge


def check_requests(requests: int) -> int:
    """How many requests a step may take; ValueError if that cannot be.

    >>> check_requests(6_000)
    6000
    """
    if not isinstance(requests, int) or isinstance(requests, bool) or requests < 1:
        raise ValueError(f"{requests!r} requests cannot be sent. Give a whole number from 1 on.")
    return requests


def read_state(connection: Connection) -> ReleaseState | None:
    """The state of the release that is under way; None if there is none."""
    return _state_in(rollout.read_deployment(connection, CANARY))


def _state_in(canary: Object | None) -> ReleaseState | None:
    annotations = (canary or {"metadata": {}})["metadata"].get("annotations") or {}
    text = annotations.get(RELEASE_STATE)
    return None if text is None else ReleaseState.from_json(text)


def _canary(connection: Connection) -> Object | None:
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


def _added(state: ReleaseState, new: StepCounts) -> StepCounts:
    """The counts of the current step with those of a further portion."""
    if len(state.counts) <= state.number:
        return new
    old = state.counts[state.number]
    if not math.isclose(new.share, old.share, abs_tol=1e-9):
        raise ClusterError(
            f"The canary's share of the traffic was {percent(old.share)} and is "
            f"{percent(new.share)} now, so the counts of this step cannot be added. Leave pods and "
            "weights alone while a release is under way."
        )
    return StepCounts(
        new.share,
        Counts(*(a + b for a, b in zip(old.canary, new.canary, strict=True))),
        Counts(*(a + b for a, b in zip(old.production, new.production, strict=True))),
        old.unattributed + new.unattributed,
    )


def _listed(what: str, commands: Sequence[str]) -> str:
    """What happens, and the commands that do the same, a line each."""
    return "\n  ".join([f"{what}:", *commands])


def _other_image(now: str, before: str) -> str:
    return f"The image of the canary is {now}, and the release measured {before}."


def _set_image_command(image: str) -> str:
    return f"kubectl set image deployment {PRODUCTION} {CONTAINER}={image}"


def _pause_text(state: ReleaseState, requests: int) -> str:
    return (
        f"Not enough to tell after {count_noun(requests, 'request')} at step {state.number + 1}. "
        "The canary keeps its share: the same call sends more requests, and lab.abort_release() "
        "goes back."
    )
