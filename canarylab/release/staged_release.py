"""A release in steps: set the canary's share, send requests, let a judge decide, go on or go back.

The state is kept in an annotation of the canary's Deployment, so that a release goes on where it
was after its program ended. Nothing is remembered elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Protocol

from canarylab.display import OutputAndReport, Table
from canarylab.errors import CanaryLabError, ClusterError
from canarylab.judge import Counts, Decision, StepCounts, count
from canarylab.judge.decision import PROMOTE, ROLL_BACK, AnyJudge
from canarylab.manifests import CANARY, CANARY_INGRESS, CONTAINER, PRODUCTION
from canarylab.release import rollout, stages
from canarylab.release.baseline import delete_baseline, set_baseline
from canarylab.release.connection import Connection, explain_api_errors
from canarylab.release.ingress import CANARY_WEIGHT, IngressClient
from canarylab.text import count_noun
from canarylab.traffic.sample import Sample
from canarylab.traffic.sample_series import Ratio, check_ratios, ratio_label

STATE = "canarylab.dev/release"
"""The annotation with the state of a release."""
REQUESTS_PER_LOOK = 200
Step = Ratio | int
"""Pods of production and of the canary, or the weight of the canary Ingress in percent."""
Outcome = Literal["promoted", "rolled back", "not enough to tell"]
_ATTEMPTS = 3  # at a portion of requests during which pods came or went


class Before(NamedTuple):
    """What a release goes back to."""

    production_pods: int
    production_image: str


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

    def to_json(self) -> str:
        """The text of the annotation."""
        return json.dumps(
            {
                "steps": self.steps,
                "before": self.before,
                "number": self.number,
                "counts": self.counts,
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> ReleaseState:
        """The state that `to_json` wrote; raises ClusterError for any other text."""
        try:
            plain = json.loads(text)
            return cls(
                steps=tuple(
                    tuple(each) if isinstance(each, list) else each for each in plain["steps"]
                ),
                before=Before(*plain["before"]),
                number=int(plain["number"]),
                counts=tuple(
                    StepCounts(share, Counts(*canary), Counts(*production), lost)
                    for share, canary, production, lost in plain["counts"]
                ),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise ClusterError(
                f"The annotation {STATE} of {CANARY} is not the state of a release. Remove it: "
                f"kubectl annotate deployment {CANARY} {STATE}-"
            ) from exc

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


class TrafficSplit(Protocol):
    """A way to give the canary a share of the traffic."""

    @property
    def baseline(self) -> str:
        """The Deployment that the canary is compared with; empty for production."""

    def set_share(self, step: Step) -> None:
        """Give the canary the share of this step, and wait until it has it."""

    def commands(self, step: Step) -> list[str]:
        """What sets the share in a terminal."""

    def label(self, step: Step) -> str:
        """The step in words."""

    def sample(self, requests: int) -> Sample:
        """Send so many requests, and count the answers."""

    def take_back(self, before: Before) -> list[str]:
        """Give production all of the traffic; return what does the same in a terminal."""


@dataclass(frozen=True)
class ReplicaSplit:
    """A share by the number of pods."""

    connection: Connection
    measure: Callable[[int], Sample]
    baseline: str = ""

    def set_share(self, step: Step) -> None:
        """Scale the Deployments; more pods are ready before others end."""
        production, canary = _ratio(step)
        now = rollout.replicas_of(self.connection)
        wanted = {PRODUCTION: production, CANARY: canary}
        for name in sorted(wanted, key=lambda each: wanted[each] < now.get(each, 0)):
            rollout.scale(self.connection, name, wanted[name])
            rollout.wait_until_rolled_out(self.connection, name)
        if self.baseline and canary:
            set_baseline(self.connection, canary)

    def commands(self, step: Step) -> list[str]:
        """A `kubectl scale` for each; the baseline is made from production's manifest."""
        production, canary = _ratio(step)
        wanted = {PRODUCTION: production, CANARY: canary}
        if self.baseline and canary:
            wanted[self.baseline] = canary
        return [f"kubectl scale deployment {name} --replicas={wanted[name]}" for name in wanted]

    def label(self, step: Step) -> str:
        """The ratio of pods."""
        return f"pods {ratio_label(_ratio(step))}"

    def sample(self, requests: int) -> Sample:
        """Requests to the Service."""
        return self.measure(requests)

    def take_back(self, before: Before) -> list[str]:
        """Production gets its pods again before the canary loses its own."""
        ratio = before.production_pods, 0
        self.set_share(ratio)
        delete_baseline(self.connection)
        return self.commands(ratio)


@dataclass(frozen=True)
class WeightSplit:
    """A share by the weight of the canary Ingress."""

    ingress: IngressClient
    baseline: str = ""

    def set_share(self, step: Step) -> None:
        """Set the weight."""
        self.ingress.set_weight(_weight(step), CANARY_INGRESS)

    def commands(self, step: Step) -> list[str]:
        """The weight is an annotation."""
        weight = f"{CANARY_WEIGHT}={_weight(step)}"
        return [f"kubectl annotate --overwrite ingress {CANARY_INGRESS} {weight}"]

    def label(self, step: Step) -> str:
        """The weight in percent."""
        return f"weight {_weight(step)} %"

    def sample(self, requests: int) -> Sample:
        """Requests for `/` to the Ingress."""
        return self.ingress.sample("/", requests=requests)

    def take_back(self, before: Before) -> list[str]:
        """The weight is 0 again; production never changed its pods."""
        del before
        self.set_share(0)
        return self.commands(0)


def split_for(
    steps: Sequence[Step],
    connection: Connection,
    measure: Callable[[int], Sample],
    ingress: IngressClient,
    baseline: str = "",
) -> TrafficSplit:
    """The way to split that the steps name: by weight if they are numbers, else by pods."""
    if not steps or not isinstance(steps[0], int):
        return ReplicaSplit(connection, measure, baseline)
    if baseline:
        raise ValueError(
            "A baseline gets its traffic as the canary does, by pods, and these steps are weights. "
            "Give ratios of pods, or leave the baseline out."
        )
    return WeightSplit(ingress)


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

    def run(self, steps: Sequence[Step], requests: int) -> ReleaseResult:
        """Go through the steps, or go on with a release of the same steps.

        Any error of the cluster, and Ctrl-C, take the release back.
        """
        state = self._begin(tuple(steps))
        try:
            while state.number < len(state.steps):
                state, is_decided = self._run_step(state, requests)
                if not is_decided:
                    return self._result("not enough to tell", _pause_text(state, requests))
                if self._decision and self._decision.verdict == ROLL_BACK:
                    return self._take_back(state, self._decision.sentence)
                state = state.next_step()
                self._save(state)
            return self._promote(state)
        except KeyboardInterrupt:
            return self._take_back(state, "Interrupted.")
        except CanaryLabError as exc:
            return self._take_back(state, str(exc))

    def abort(self) -> ReleaseResult:
        """Take a release back that another program began."""
        state = read_state(self._connection)
        if state is None:
            raise ClusterError(
                "No release is under way here. `lab.release([(3, 1), (2, 2)])` begins one."
            )
        return self._take_back(state, "Aborted.")

    def _begin(self, steps: tuple[Step, ...]) -> ReleaseState:
        state = read_state(self._connection)
        if state is None:
            before = Before(
                rollout.read_deployment(self._connection, PRODUCTION)["spec"]["replicas"],
                rollout.image_of(self._connection, PRODUCTION, CONTAINER),
            )
            state = ReleaseState(steps, before)
            self._save(state)
        elif state.steps != steps:
            raise ValueError(
                f"A release with the steps {list(state.steps)} is under way. Call lab.release with "
                "these steps to go on, or lab.abort_release() to go back."
            )
        elif state.number == len(steps):
            self._write("Going on with the promotion.")
        elif state.counts:
            self._write(f"Going on at step {state.number + 1} of {len(steps)}.")
        return state

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
        image = rollout.image_of(self._connection, CANARY, CONTAINER)
        self._set_image(image)
        commands = self._split.take_back(state.before)
        stages.delete_deployment(self._connection, CANARY, env="canary")
        commands = [_set_image_command(image), *commands, f"kubectl delete deployment {CANARY}"]
        self._write(_listed("Promoted", commands))
        return self._result("promoted", f"Promoted: {PRODUCTION} has the image of the canary.")

    def _set_image(self, image: str) -> None:
        rollout.set_image(self._connection, PRODUCTION, container=CONTAINER, image=image)
        rollout.wait_until_rolled_out(self._connection, PRODUCTION, report=self._report)

    def _take_back(self, state: ReleaseState, reason: str) -> ReleaseResult:
        commands = self._split.take_back(state.before)
        image = state.before.production_image
        if rollout.image_of(self._connection, PRODUCTION, CONTAINER) != image:
            self._set_image(image)
            commands.append(_set_image_command(image))
        write_state(self._connection, None)
        self._write(_listed("Rolled back", commands))
        return self._result("rolled back", reason)

    def _result(self, outcome: Outcome, reason: str) -> ReleaseResult:
        decision = self._decision
        if decision is not None and reason == decision.sentence:
            reason = f"{outcome.capitalize()}."
        return ReleaseResult(outcome, reason, decision)

    def _save(self, state: ReleaseState) -> None:
        write_state(self._connection, state)


def check_steps(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps of a release, all ratios of pods or all weights; ValueError with what is wrong.

    >>> check_steps([5, 25, 50])
    (5, 25, 50)
    >>> check_steps([(3, 1), 50])
    Traceback (most recent call last):
    ValueError: Steps are ratios of pods or weights, not both. Give [(3, 1), (2, 2)] or [5, 25, 50].
    """
    weights = [each for each in steps if isinstance(each, int) and not isinstance(each, bool)]
    if weights and len(weights) < len(steps):
        raise ValueError(
            "Steps are ratios of pods or weights, not both. Give [(3, 1), (2, 2)] or [5, 25, 50]."
        )
    if not weights:
        ratios = check_ratios([each for each in steps if not isinstance(each, int)])
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
    annotations = rollout.read_deployment(connection, CANARY)["metadata"].get("annotations") or {}
    return ReleaseState.from_json(annotations[STATE]) if STATE in annotations else None


def write_state(connection: Connection, state: ReleaseState | None) -> None:
    """Keep the state in the annotation; None removes it."""
    value = None if state is None else state.to_json()
    body: dict[str, Any] = {"metadata": {"annotations": {STATE: value}}}
    with explain_api_errors(
        f'Deployment "{CANARY}"', remedy="Look with `kubectl get deployments`."
    ):
        connection.apps.patch_namespaced_deployment(CANARY, connection.namespace, body)


def _added(state: ReleaseState, new: StepCounts) -> StepCounts:
    """The counts of the current step with those of a further portion."""
    if len(state.counts) <= state.number:
        return new
    old = state.counts[state.number]
    return StepCounts(
        new.share,
        Counts(*(a + b for a, b in zip(old.canary, new.canary, strict=True))),
        Counts(*(a + b for a, b in zip(old.production, new.production, strict=True))),
        old.unattributed + new.unattributed,
    )


def _listed(what: str, commands: Sequence[str]) -> str:
    """What happens, and the commands that do the same, a line each."""
    return "\n  ".join([f"{what}:", *commands])


def _set_image_command(image: str) -> str:
    return f"kubectl set image deployment {PRODUCTION} {CONTAINER}={image}"


def _pause_text(state: ReleaseState, requests: int) -> str:
    return (
        f"Not enough to tell after {count_noun(requests, 'request')} at step {state.number + 1}. "
        "The canary keeps its share: the same call sends more requests, and lab.abort_release() "
        "goes back."
    )


def _ratio(step: Step) -> Ratio:
    if isinstance(step, int):
        raise TypeError(f"{step} is a weight and not a ratio of pods")
    return step


def _weight(step: Step) -> int:
    if not isinstance(step, int):
        raise TypeError(f"{step} is a ratio of pods and not a weight")
    return step
