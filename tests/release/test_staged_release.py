"""A release in steps goes on, goes back, waits, and survives the end of its program."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from canarylab import resources
from canarylab.display import OutputAndReport, no_report
from canarylab.errors import ClusterError
from canarylab.judge import Counts, Judge, StepCounts, ThresholdJudge
from canarylab.judge.decision import check_judge
from canarylab.manifests import CANARY, PRODUCTION, RELEASE_STATE, load
from canarylab.release import rollout, stages
from canarylab.release.apply import apply
from canarylab.release.baseline import BASELINE
from canarylab.release.connection import Connection, Object
from canarylab.release.endpoints import ready_endpoints
from canarylab.release.ingress import IngressClient
from canarylab.release.release_state import (
    ReleaseState,
    check_steps,
    read_state,
    release_under_way,
    write_state,
)
from canarylab.release.staged_release import StagedRelease, check_requests
from canarylab.release.stages import reset_to
from canarylab.release.traffic_split import Before, ReplicaSplit, Step, WeightSplit, split_for
from canarylab.traffic import RequestResult, Sample
from canarylab.traffic.expectations import Expectation
from tests.judge.releases import answers, release
from tests.needs import needs

pytestmark = needs("linux")
STEPS: tuple[Step, ...] = ((3, 1), (2, 2))
QUICK = ThresholdJudge(promote_after=200)


class EndedError(BaseException):
    """Stands for the sudden end of the program."""


@dataclass
class FakeSplit:
    """Answers every portion with the same failures; raises `error` at its call number `at`."""

    failed: int = 0
    error: BaseException | None = None
    at: int = 0
    calls: list[str] = field(default_factory=list)
    baseline: str = ""

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self.error is not None and len(self.calls) == self.at:
            raise self.error

    def set_share(self, step: Step) -> None:
        """Note it."""
        self._note(f"set {step}")

    def commands(self, step: Step) -> list[str]:
        """Something to print."""
        return [f"kubectl set {step}"]

    def label(self, step: Step) -> str:
        """As a real one."""
        return str(step)

    def sample(self, requests: int) -> Sample:
        """A fourth of the requests went to the canary."""
        self._note(f"sample {requests}")
        canary = requests // 4
        return release(answers("1.0", requests - canary), answers("2.0", canary, self.failed))

    def take_back(self, before: Before) -> list[str]:
        """Note what production had."""
        self.calls.append(f"back to {before.production_pods}")
        return ["kubectl back"]


@pytest.fixture
def cluster(connection: Connection) -> Connection:
    """Production with one pod, and a canary without, which the fake split does not need."""
    for name, pods in (("02-production/production", 1), ("03-canary/canary", 0)):
        (manifest,) = load(resources.folder("manifests") / f"{name}.yaml")
        manifest["spec"]["replicas"] = pods
        apply(connection, [manifest])
    return connection


@pytest.fixture
def cluster_with_pods(connection: Connection) -> Connection:
    """Three pods of production and one of the canary."""
    reset_to(connection, "03-canary", resources.folder("manifests"))
    return connection


@pytest.fixture
def printed() -> list[str]:
    """What a release prints."""
    return []


@pytest.fixture
def start(cluster: Connection, printed: list[str]) -> Callable[..., StagedRelease]:
    """Make a release on that cluster."""

    def begin(split: Any, judge: Any = QUICK) -> StagedRelease:
        output = OutputAndReport(lambda text: printed.append(str(text)), no_report)
        return StagedRelease(cluster, split, judge, output)

    return begin


def production(connection: Connection) -> Object:
    """What production is asked to be."""
    spec: Object = rollout.read_deployment(connection, PRODUCTION)["spec"]
    return spec


Start = Callable[..., StagedRelease]


def test_a_good_canary_is_promoted_after_the_last_step(cluster: Connection, start: Start) -> None:
    split = FakeSplit()
    result = start(split).run(STEPS, 1000)
    assert result.outcome == "promoted"
    assert split.calls == ["set (3, 1)", "sample 200", "set (2, 2)", "sample 200", "back to 1"]
    assert production(cluster)["template"]["spec"]["containers"][0]["image"] == "node_app:2.0"
    assert CANARY not in rollout.replicas_of(cluster)


def test_each_step_is_printed_with_the_command_that_does_the_same(
    start: Start, printed: list[str]
) -> None:
    start(FakeSplit()).run(STEPS, 1000)
    assert printed[0] == "Step 1 of 2, (3, 1):\n  kubectl set (3, 1)"
    assert printed[1].startswith("  After 200 requests: Promote: the canary fails in 0 % of")
    assert printed[-1] == (
        "Promoted:\n"
        "  kubectl set image deployment nodeapp-production nodeapp=node_app:2.0\n"
        "  kubectl back\n"
        "  kubectl delete deployment nodeapp-canary"
    )


def test_a_bad_canary_is_rolled_back_and_production_untouched(
    cluster: Connection, start: Start
) -> None:
    before = production(cluster)
    split = FakeSplit(failed=20)
    result = start(split, Judge()).run(STEPS, 1000)
    assert result.outcome == "rolled back"
    assert "the canary has 20 of 20 failures and 25 % of the traffic" in repr(result)
    assert split.calls == ["set (3, 1)", "sample 200", "back to 1"]
    assert production(cluster) == before
    assert read_state(cluster) is None


def test_where_nobody_can_tell_the_release_waits(cluster: Connection, start: Start) -> None:
    split = FakeSplit()
    result = start(split, Judge()).run(STEPS, 500)
    assert result.outcome == "not enough to tell"
    assert split.calls == ["set (3, 1)", "sample 200", "sample 200", "sample 100"]
    state = read_state(cluster)
    assert state is not None
    assert state.counts == (StepCounts(0.25, Counts(125, 0), Counts(375, 0)),)


def test_the_same_call_sends_more_requests_and_counts_all(start: Start) -> None:
    assert start(FakeSplit(), Judge()).run(STEPS, 1000).outcome == "not enough to tell"
    result = start(FakeSplit(), Judge()).run(STEPS, 1500)
    assert result.outcome == "promoted"
    assert result.decision is not None
    assert result.decision.canary.requests + result.decision.production.requests > 2000


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_an_interruption_at_any_point_goes_back(cluster: Connection, start: Start, at: int) -> None:
    before = production(cluster)
    split = FakeSplit(error=KeyboardInterrupt(), at=at)
    result = start(split).run(STEPS, 1000)
    assert (result.outcome, result.reason) == ("rolled back", "Interrupted.")
    assert split.calls[-1] == "back to 1"
    assert production(cluster) == before
    assert read_state(cluster) is None


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_program_that_ended_at_any_point_is_continued(start: Start, at: int) -> None:
    with pytest.raises(EndedError):
        start(FakeSplit(error=EndedError(), at=at)).run(STEPS, 1000)
    split = FakeSplit()
    assert start(split).run(STEPS, 1000).outcome == "promoted"
    first = STEPS[0] if at <= 2 else STEPS[1]
    assert split.calls[0] == f"set {first}"


def test_a_program_that_ended_before_the_promotion_promotes(
    cluster: Connection, start: Start, printed: list[str]
) -> None:
    start(FakeSplit(), Judge()).run(STEPS, 200)
    state = read_state(cluster)
    assert state is not None
    write_state(cluster, replace(state, before=Before(3, "node_app:1.0"), number=2, counts=()))
    rollout.set_image(cluster, PRODUCTION, container="nodeapp", image="node_app:2.0")
    split = FakeSplit()
    assert start(split).run(STEPS, 1000).outcome == "promoted"
    assert split.calls == ["back to 3"]
    assert "Going on with the promotion." in printed


def test_an_interrupted_promotion_goes_back_to_the_old_image(
    cluster: Connection, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = rollout.wait_until_rolled_out
    waits: list[str] = []

    def interrupted_once(*args: Any, **options: Any) -> Any:
        waits.append(args[1])
        if len(waits) == 1:
            raise KeyboardInterrupt
        return wait(*args, **options)

    monkeypatch.setattr(rollout, "wait_until_rolled_out", interrupted_once)
    assert start(FakeSplit()).run(STEPS, 1000).outcome == "rolled back"
    assert rollout.image_of(cluster, PRODUCTION, "nodeapp") == "node_app:1.0"


def test_other_steps_than_those_under_way_are_refused(start: Start) -> None:
    start(FakeSplit(), Judge()).run(STEPS, 200)
    with pytest.raises(ValueError, match=r"with the steps \[\(3, 1\), \(2, 2\)\] is under way"):
        start(FakeSplit(), Judge()).run(((1, 1),), 200)


@pytest.mark.parametrize(("under_way", "other"), [("", BASELINE), (BASELINE, "")])
def test_another_baseline_than_that_under_way_is_refused_and_changes_nothing(
    cluster: Connection, start: Start, under_way: str, other: str
) -> None:
    before = Before(3, "node_app:1.0")
    state = ReleaseState(STEPS, before, canary_image="node_app:2.0", baseline=under_way)
    write_state(cluster, state)
    split = FakeSplit(baseline=other)

    with pytest.raises(ValueError, match=f"with baseline={bool(under_way)} to go on"):
        start(split).run(STEPS, 200)

    assert split.calls == []
    assert read_state(cluster) == state


def test_a_judge_that_counts_other_failures_does_not_go_on(start: Start) -> None:
    start(FakeSplit(), Judge()).run(STEPS, 200)
    split = FakeSplit()
    with pytest.raises(ValueError, match="counts failures with slower_than_s=None"):
        start(split, Judge(slower_than_s=0.5)).run(STEPS, 200)
    assert split.calls == []


def test_without_pods_of_production_nothing_is_begun(cluster: Connection, start: Start) -> None:
    rollout.scale(cluster, PRODUCTION, 0)
    split = FakeSplit()
    with pytest.raises(ClusterError, match="nodeapp-production has no pods"):
        start(split).run(STEPS, 200)
    assert split.calls == []
    assert read_state(cluster) is None


def test_a_canary_with_the_image_of_production_is_refused(
    cluster: Connection, start: Start
) -> None:
    set_canary_image(cluster, "node_app:1.0")
    with pytest.raises(ClusterError, match="have the same image, node_app"):
        start(FakeSplit()).run(STEPS, 200)


def test_a_release_under_way_is_seen_by_another_program(cluster: Connection, start: Start) -> None:
    assert release_under_way(cluster) == ""
    start(FakeSplit(), Judge()).run(STEPS, 200)
    assert release_under_way(cluster).startswith("A release is under way, at step 1 of 2: ")


def test_a_pause_counts_the_requests_of_earlier_calls(start: Start) -> None:
    start(FakeSplit(), Judge()).run(STEPS, 200)
    reason = start(FakeSplit(), Judge()).run(STEPS, 200).reason
    assert reason.startswith("Not enough to tell after 400 requests at step 1. ")


def test_a_verdict_that_did_not_decide_is_not_shown_as_if_it_had(start: Start) -> None:
    split = FakeSplit(error=KeyboardInterrupt(), at=4)
    assert "Interrupted. The last verdict was:\nPromote: " in repr(start(split).run(STEPS, 1000))


@pytest.mark.parametrize("times", [1, 3])
def test_going_back_ends_whatever_interrupts_it(
    cluster: Connection, start: Start, printed: list[str], times: int
) -> None:
    class Interrupted(FakeSplit):
        def take_back(self, before: Before) -> list[str]:
            """Ctrl-C comes again and again."""
            commands = super().take_back(before)
            if self.calls.count("back to 1") <= times:
                raise KeyboardInterrupt
            return commands

    split = Interrupted(error=KeyboardInterrupt(), at=2)
    result = start(split).run(STEPS, 1000)

    assert (result.outcome, result.reason) == ("rolled back", "Interrupted.")
    assert printed.count("Going back is under way, and ends by itself.") == times
    assert read_state(cluster) is None


def test_a_release_under_way_can_be_aborted(cluster: Connection, start: Start) -> None:
    start(FakeSplit(), Judge()).run(STEPS, 200)
    split = FakeSplit()
    assert start(split).abort().outcome == "rolled back"
    assert split.calls == ["back to 1"]
    assert read_state(cluster) is None


def test_without_a_release_there_is_nothing_to_abort(start: Start) -> None:
    with pytest.raises(ClusterError, match="No release is under way here"):
        start(FakeSplit()).abort()


def test_a_cluster_error_goes_back_with_its_words(start: Start) -> None:
    split = FakeSplit(error=ClusterError("A pod cannot start: ErrImagePull. Build it."), at=1)
    result = start(split).run(STEPS, 1000)
    assert result.outcome == "rolled back"
    assert result.reason.startswith("A pod cannot start: ErrImagePull")


def test_requests_during_which_pods_came_or_went_are_sent_again(start: Start) -> None:
    class Changing(FakeSplit):
        def sample(self, requests: int) -> Sample:
            """The first two times, with pods that changed."""
            sample = super().sample(requests)
            steps = [Expectation(0.0, {"1.0": 1.0}, {}), Expectation(1.0, {"2.0": 1.0}, {})]
            return sample.with_expectations(steps) if len(self.calls) <= 3 else sample

    split = Changing()
    assert start(split).run(STEPS, 1000).outcome == "promoted"
    assert split.calls.count("sample 200") == 4


def test_a_canary_without_a_ready_pod_goes_back(start: Start) -> None:
    class Gone(FakeSplit):
        def sample(self, requests: int) -> Sample:
            """Nothing is expected of the canary."""
            return replace(super().sample(requests), expected={"1.0": 1.0})

    result = start(Gone()).run(STEPS, 1000)
    assert result.outcome == "rolled back"
    assert "Only version 1.0 gets traffic" in result.reason


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"steps":1}', "nonsense"])
def test_an_annotation_that_is_no_state_is_named(
    cluster: Connection, start: Start, text: str
) -> None:
    body = {"metadata": {"annotations": {RELEASE_STATE: text}}}
    cluster.apps.patch_namespaced_deployment(CANARY, cluster.namespace, body)
    with pytest.raises(ClusterError, match=f"{RELEASE_STATE} of {CANARY} is not the state"):
        start(FakeSplit()).run(STEPS, 1000)


def test_pods_are_scaled_up_before_others_are_scaled_down(
    cluster: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaled: list[tuple[str, int]] = []
    asked = {PRODUCTION: 3, CANARY: 1}
    monkeypatch.setattr(rollout, "replicas_of", lambda _: asked)

    def scale(_: Connection, name: str, number: int) -> None:
        scaled.append((name, number))
        asked[name] = number

    monkeypatch.setattr(rollout, "scale", scale)
    monkeypatch.setattr(rollout, "wait_until_rolled_out", lambda *_: None)
    split = ReplicaSplit(cluster, lambda _: release())

    split.set_share((1, 3))
    assert split.take_back(Before(5, "node_app:1.0"))[0].endswith("--replicas=5")

    assert scaled == [(CANARY, 3), (PRODUCTION, 1), (PRODUCTION, 5), (CANARY, 0)]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "0 ratios cannot be measured"),
        ([(3, 0)], "At 3 : 0 there is nothing to compare"),
        ([(0, 3)], "At 0 : 3 there is nothing to compare"),
        ([(3, 1), 50], "not both"),
        ((3, 1), r"one ratio of pods or two weights. Give \[\(3, 1\)\] or \[3, 1\]"),
        ([0], "With a weight of 0 % there is nothing to compare"),
        ([100], "With a weight of 100 % there is nothing to compare"),
    ],
)
def test_steps_that_compare_nothing_are_refused(steps: list[Step], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_steps(steps)


@pytest.mark.parametrize("requests", [0, -5, 1.5, "200", True])
def test_a_number_of_requests_that_cannot_be_sent_is_refused(requests: Any) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        check_requests(requests)


def sent_to(connection: Connection) -> Sample:
    """A sample with an answer of each ready pod of the Service."""
    pods = ready_endpoints(connection, "nodeapp-svc")
    results = tuple(
        RequestResult(float(n), 0.004, each.version, each.pod, 200, None, n)
        for n, each in enumerate(pods * 50)
    )
    shares = dict.fromkeys((each.pod for each in pods), 1 / len(pods))
    canaries = sum(each.version == "2.0" for each in pods) / len(pods)
    return replace(release(), results=results).with_expected(
        {"1.0": 1 - canaries, "2.0": canaries}, shares
    )


def test_a_baseline_is_as_large_as_the_canary_and_goes_with_the_release(
    cluster_with_pods: Connection, printed: list[str]
) -> None:
    seen: list[dict[str, int]] = []
    cluster, output = cluster_with_pods, OutputAndReport(printed.append, no_report)  # type: ignore[arg-type]

    def measure(_: int) -> Sample:
        seen.append(rollout.replicas_of(cluster))
        return sent_to(cluster)

    split = ReplicaSplit(cluster, measure, BASELINE)
    judge = ThresholdJudge(min_requests=1, promote_after=100)
    result = StagedRelease(cluster, split, judge, output).run(((2, 1),), 200)

    assert seen[0] == {PRODUCTION: 2, CANARY: 1, BASELINE: 1}
    assert result.decision is not None
    assert result.decision.steps == (StepCounts(0.5, Counts(50, 0), Counts(50, 0)),)
    assert rollout.replicas_of(cluster) == {PRODUCTION: 3}


def test_weights_have_no_baseline(cluster: Connection) -> None:
    with pytest.raises(ValueError, match="these steps are weights"):
        split_for([5, 50], cluster, lambda _: release(), None, BASELINE)  # type: ignore[arg-type]


@pytest.mark.parametrize("is_aborted", [True, False])
def test_a_release_that_another_program_takes_over_changes_nothing_more(
    cluster: Connection, start: Start, is_aborted: bool
) -> None:
    class TakenOver(FakeSplit):
        def sample(self, requests: int) -> Sample:
            """Another program comes before the answers do."""
            other = start(FakeSplit(), Judge())
            if is_aborted:
                other.abort()
            else:
                other.run(STEPS, 200)
            return super().sample(requests)

    split = TakenOver()
    if is_aborted:
        result = start(split).run(STEPS, 1000)
        assert result.reason.startswith("Another program ended this release.")
        assert read_state(cluster) is None
    else:
        with pytest.raises(ClusterError, match="Another program goes on with this release"):
            start(split).run(STEPS, 1000)
        assert "back to 1" not in split.calls
        assert read_state(cluster) is not None
    assert rollout.image_of(cluster, PRODUCTION, "nodeapp") == "node_app:1.0"


def test_a_fault_of_the_judge_goes_back_and_is_shown(cluster: Connection, start: Start) -> None:
    class Broken(ThresholdJudge):
        def decide(self, *_: Any, **__: Any) -> Any:
            """As a judge with a mistake does."""
            raise ZeroDivisionError

    split = FakeSplit()
    with pytest.raises(ZeroDivisionError):
        start(split, Broken()).run(STEPS, 1000)
    assert split.calls[-1] == "back to 1"
    assert read_state(cluster) is None


@pytest.mark.parametrize("judge", ["Judge", Judge, 0, lambda _: "promote"])
def test_what_cannot_judge_is_refused_before_anything_is_changed(judge: Any) -> None:
    with pytest.raises(ValueError, match="is no judge"):
        check_judge(judge)


@pytest.mark.parametrize("steps", [None, 3, "31", {(3, 1)}, iter([(3, 1)])])
def test_steps_without_an_order_are_refused(steps: Any) -> None:
    with pytest.raises(ValueError, match="are no steps"):
        check_steps(steps)


def test_a_share_that_somebody_changed_ends_the_step(start: Start) -> None:
    class Scaled(FakeSplit):
        def sample(self, requests: int) -> Sample:
            """From the second on, another share."""
            shares = {"1.0": 0.75, "2.0": 0.25} if len(self.calls) < 2 else {"1.0": 0.5, "2.0": 0.5}
            return super().sample(requests).with_expected(shares)

    result = start(Scaled(), Judge()).run(STEPS, 1000)
    assert result.outcome == "rolled back"
    assert "share of the traffic was 25 % and is 50 % now" in result.reason


def set_canary_image(connection: Connection, image: str) -> None:
    """As somebody does at a terminal."""
    rollout.set_image(connection, CANARY, container="nodeapp", image=image)


def test_a_canary_with_another_image_is_not_promoted(cluster: Connection, start: Start) -> None:
    class Edited(FakeSplit):
        def sample(self, requests: int) -> Sample:
            """The canary gets another image meanwhile."""
            set_canary_image(cluster, "node_app:3.0")
            return super().sample(requests)

    result = start(Edited()).run(STEPS, 1000)
    assert result.outcome == "rolled back"
    assert "field of the pods of nodeapp-canary has changed since" in result.reason
    assert rollout.image_of(cluster, PRODUCTION, "nodeapp") == "node_app:1.0"


@pytest.mark.parametrize("name", [CANARY, PRODUCTION])
def test_a_release_does_not_go_on_with_other_pods(
    cluster: Connection, start: Start, name: str
) -> None:
    start(FakeSplit(), Judge()).run(STEPS, 200)
    faulty = {"name": "nodeapp", "env": [{"name": "ERROR_RATE", "value": "0.3"}]}
    change = {"spec": {"template": {"spec": {"containers": [faulty]}}}}
    cluster.apps.patch_namespaced_deployment(name, cluster.namespace, change)
    with pytest.raises(ClusterError, match=f"field of the pods of {name} has changed since"):
        start(FakeSplit()).run(STEPS, 1000)
    assert start(FakeSplit()).abort().outcome == "rolled back"


def test_a_canary_that_was_deleted_leaves_nothing_behind(
    cluster_with_pods: Connection, printed: list[str]
) -> None:
    cluster, output = cluster_with_pods, OutputAndReport(printed.append, no_report)  # type: ignore[arg-type]

    def measure(_: int) -> Sample:
        sample = sent_to(cluster)
        cluster.apps.delete_namespaced_deployment(CANARY, cluster.namespace)
        return sample

    split = ReplicaSplit(cluster, measure, BASELINE)
    result = StagedRelease(cluster, split, Judge(), output).run(((2, 1),), 400)
    assert result.outcome == "rolled back"
    assert 'deployments.apps "nodeapp-canary" not found' in result.reason
    assert rollout.replicas_of(cluster) == {PRODUCTION: 3}


def test_a_promotion_interrupted_after_its_last_command_is_one(
    cluster: Connection, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = stages.delete_deployment

    def interrupted(*args: Any, **options: Any) -> None:
        delete(*args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "delete_deployment", interrupted)
    assert start(FakeSplit()).run(STEPS, 1000).outcome == "promoted"
    assert rollout.image_of(cluster, PRODUCTION, "nodeapp") == "node_app:2.0"


def test_the_old_image_is_back_before_pods_are_waited_for(
    cluster: Connection, start: Start
) -> None:
    seen: list[str] = []

    class Waiting(FakeSplit):
        def sample(self, requests: int) -> Sample:
            """Production gets the new image meanwhile."""
            rollout.set_image(cluster, PRODUCTION, container="nodeapp", image="node_app:2.0")
            return super().sample(requests)

        def take_back(self, before: Before) -> list[str]:
            """Would wait for the pods of production."""
            seen.append(rollout.image_of(cluster, PRODUCTION, "nodeapp"))
            return super().take_back(before)

    split = Waiting(error=ClusterError("A pod cannot start. Look."), at=2)
    assert start(split).run(STEPS, 1000).outcome == "rolled back"
    assert seen == ["node_app:1.0"]


def test_going_back_that_fails_says_how_to_try_again(cluster: Connection, start: Start) -> None:
    class Stuck(FakeSplit):
        def take_back(self, before: Before) -> list[str]:
            """Fails."""
            raise ClusterError(f"There is no {before.production_image}.")

    with pytest.raises(ClusterError, match=r"^Interrupted\. Going back failed too: There is no"):
        start(Stuck(error=KeyboardInterrupt(), at=2)).run(STEPS, 1000)
    assert start(FakeSplit()).abort().outcome == "rolled back"
    assert read_state(cluster) is None


def test_without_its_ingress_a_canary_has_no_weight_to_take_back(connection: Connection) -> None:
    split = WeightSplit(IngressClient(None, connection))  # type: ignore[arg-type]
    assert split.take_back(Before(3, "node_app:1.0")) == []


def test_the_start_of_a_lesson_ends_a_release(cluster_with_pods: Connection) -> None:
    state = ReleaseState(STEPS, Before(3, "node_app:1.0"))
    write_state(cluster_with_pods, state)
    reset_to(cluster_with_pods, "03-canary", resources.folder("manifests"))
    assert read_state(cluster_with_pods) is None


@pytest.mark.parametrize(
    "change",
    [{"number": 9}, {"number": -1}, {"steps": [[0, 1]]}, {"before": [-3, "x"]}, {"templates": 1}],
)
def test_a_state_that_cannot_be_promotes_nothing(change: dict[str, Any]) -> None:
    plain = json.loads(ReleaseState(STEPS, Before(3, "node_app:1.0")).to_json()) | change
    with pytest.raises(ClusterError, match="is not the state of a release"):
        ReleaseState.from_json(json.dumps(plain))
