"""A release in steps: set the canary's share, send requests, let a judge decide, go on or go back.

The state is kept in the cluster (`release_state.py`), so that a release goes on where it was after
its program ended. Nothing is remembered elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import uuid4

from canarylab.display import OutputAndReport, Table
from canarylab.errors import CanaryLabError, ClusterError
from canarylab.judge import Counts, Decision, StepCounts, count
from canarylab.judge.decision import PROMOTE, ROLL_BACK, AnyJudge
from canarylab.manifests import CANARY, CONTAINER, PRODUCTION
from canarylab.release import release_state, rollout, stages
from canarylab.release.connection import Connection
from canarylab.release.release_state import (
    ReleaseState,
    read_canary,
    read_state,
    state_in,
    write_state,
)
from canarylab.release.traffic_split import Before, Step, TrafficSplit
from canarylab.text import count_noun, percent

REQUESTS_PER_LOOK = 200
Outcome = Literal["promoted", "rolled back", "not enough to tell"]
_PROMOTED = f"Promoted: {PRODUCTION} has the image of the canary."
_ELSEWHERE = (
    "Another program goes on with this release or takes it back, so this one ended and changed "
    "nothing more. Look at the other notebook or terminal."
)
_ATTEMPTS = 3  # at a portion of requests during which pods came or went


@dataclass(frozen=True, repr=False)
class ReleaseResult:
    """How a release ended, and the decision it rests on."""

    outcome: Outcome
    reason: str
    """One sentence or two."""
    decision: Decision | None = None
    """None if it ended before a request was judged."""

    def __repr__(self) -> str:
        return "\n".join([self._sentence, *([repr(self.decision)] if self.decision else [])])

    def _repr_html_(self) -> str:
        decided = self.decision._repr_html_() if self.decision else ""
        return Table(self._sentence)._repr_html_() + decided

    @property
    def _sentence(self) -> str:
        """The reason; also that the verdict below it did not decide, if it did not."""
        is_by_verdict = self.decision is None or self.outcome.startswith(
            {ROLL_BACK: "rolled", PROMOTE: "promoted"}.get(self.decision.verdict, "not")
        )
        return self.reason if is_by_verdict else f"{self.reason} The last verdict was:"


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
                return self._result("not enough to tell", _pause_text(state))
            if self._decision and self._decision.verdict == ROLL_BACK:
                return self._take_back(state, self._decision.sentence)
            state = state.next_step()
            self._save(state)
        return self._promote(state)

    def _begin(self, steps: tuple[Step, ...]) -> ReleaseState:
        state = read_state(self._connection)
        if state is None:
            state = self._new_state(steps)
        else:
            self._check_same(state, steps)
            if state.number == len(steps):
                self._write("Going on with the promotion.")
            elif state.counts:
                self._write(f"Going on at step {state.number + 1} of {len(steps)}.")
        return replace(state, program=self._program)

    def _new_state(self, steps: tuple[Step, ...]) -> ReleaseState:
        image = rollout.image_of(self._connection, CANARY, CONTAINER)
        pods = stages.check_has_pods(self._connection)
        before = Before(pods, rollout.image_of(self._connection, PRODUCTION, CONTAINER))
        if image == before.production_image:
            raise ClusterError(
                f"{CANARY} and {PRODUCTION} have the same image, {image}, so there is nothing to "
                'release. Give the canary a new one, or begin with lab.reset("03-canary").'
            )
        return ReleaseState(
            steps,
            before,
            canary_image=image,
            templates=self._templates(),
            slower_than_s=self._judge.slower_than_s,
            baseline=self._split.baseline,
        )

    def _check_same(self, state: ReleaseState, steps: tuple[Step, ...]) -> None:
        """Raise an error if the counts of the release are not what this call would count."""
        if state.steps != steps:
            raise ValueError(
                f"A release with the steps {list(state.steps)} is under way. Call lab.release with "
                "these steps to go on, or lab.abort_release() to go back."
            )
        if state.baseline != self._split.baseline:
            with_one = "with" if state.baseline else "without"
            raise ValueError(
                f"The release that is under way compares {with_one} a baseline. Call lab.release "
                f"with baseline={bool(state.baseline)} to go on, or lab.abort_release() to go back."
            )
        if state.slower_than_s != self._judge.slower_than_s:
            raise ValueError(
                "The release that is under way counts failures with "
                f"slower_than_s={state.slower_than_s}. Give a judge with the same limit to go on, "
                "or call lab.abort_release() to go back."
            )
        if changed := self._changed_since(state):
            raise ClusterError(f"{changed} Call lab.abort_release() to go back, and begin again.")

    def _templates(self) -> tuple[str, str]:
        canary, production = (
            release_state.template_digest(rollout.read_deployment(self._connection, name))
            for name in (CANARY, PRODUCTION)
        )
        return canary, production

    def _changed_since(self, state: ReleaseState) -> str:
        """A sentence if other pods are compared than those that were counted."""
        is_promoting = state.number == len(state.steps)  # which changes production itself
        for name, before, now in zip(
            (CANARY, PRODUCTION), state.templates, self._templates(), strict=True
        ):
            if before != now and not (is_promoting and name == PRODUCTION):
                return (
                    f"The image, the environment or another field of the pods of {name} has "
                    "changed since they were measured."
                )
        return ""

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
                self._write(f"  After {_requests_at(state)}: {decision.sentence}")
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
                for name in (PRODUCTION, CANARY):
                    rollout.wait_until_rolled_out(self._connection, name)
        raise AssertionError("unreachable")

    def _look(self, state: ReleaseState) -> None:
        looks = self._decision.looks if self._decision else ()
        decision = self._judge.decide(state.counts, baseline=self._split.baseline)
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
            canary = read_canary(self._connection)
            found = state_in(canary)
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
        if read_canary(self._connection) is not None:
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
        found = state_in(canary)
        if found is None or found.program != self._program:
            raise ClusterError("Another program ended this release. Nothing is left to do here.")
        if changed := self._changed_since(state):
            raise ClusterError(f"{changed} Begin again to measure the new ones.")
        write_state(self._connection, state)


def check_requests(requests: int) -> int:
    """How many requests a step may take; ValueError if that cannot be.

    >>> check_requests(6_000)
    6000
    """
    if not isinstance(requests, int) or isinstance(requests, bool) or requests < 1:
        raise ValueError(f"{requests!r} requests cannot be sent. Give a whole number from 1 on.")
    return requests


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
    if not commands:
        return f"{what}: nothing had to be changed."
    return "\n  ".join([f"{what}:", *commands])


def _set_image_command(image: str) -> str:
    return f"kubectl set image deployment {PRODUCTION} {CONTAINER}={image}"


def _requests_at(state: ReleaseState) -> str:
    """How many requests were counted at the current step, those of earlier calls too."""
    step = state.counts[state.number]
    return count_noun(step.requests + step.unattributed, "request")


def _pause_text(state: ReleaseState) -> str:
    return (
        f"Not enough to tell after {_requests_at(state)} at step {state.number + 1}. "
        "The canary keeps its share: the same call sends more requests, and lab.abort_release() "
        "goes back."
    )
