"""Checkpoints say what holds; they raise only when they are told to be strict."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from canarylab import checks
from canarylab.checks import CANARY_BACKEND, Verdict, check
from canarylab.errors import ApiRefusedError, CheckpointError, TrafficError
from canarylab.judge import Decision
from canarylab.judge.decision import Limits
from canarylab.release.endpoints import Endpoint
from canarylab.release.ingress import RouteExplanation
from canarylab.release.staged_release import ReleaseResult
from canarylab.traffic import RequestResult, Sample
from canarylab.traffic.http import HttpResponse

ROLLED_OUT = {
    "metadata": {"name": "nodeapp-production", "generation": 1},
    "spec": {"replicas": 3},
    "status": {
        "observedGeneration": 1,
        "updatedReplicas": 3,
        "replicas": 3,
        "availableReplicas": 3,
    },
}
HOOKED = {
    "env": [{"name": "DRAIN_S", "value": "0"}],
    "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
}
"""The container of lesson 05 that cannot drain and has a hook."""


def pod(version: str, name: str = "nodeapp-production-x") -> Endpoint:
    return Endpoint("127.64.0.2:3333", name, version, ready=True)


class SmallLab:
    """The values that the checks read, set by hand."""

    def __init__(
        self,
        endpoints: list[Endpoint] | None = None,
        deployment: Any = ROLLED_OUT,
        canary_takes: Mapping[str, float] | None = None,
        selector: Mapping[str, str] | None = None,
    ) -> None:
        self._endpoints, self._deployment = endpoints or [], deployment
        self.namespace, self.core, self.apps, self._selector = "default", self, self, selector
        self.deployments: list[str] = []
        self._canary_takes = canary_takes or {}

    def ready_endpoints(self) -> list[Endpoint]:
        return self._endpoints

    def read_namespaced_service(self, name: str, namespace: str) -> Any:
        return SimpleNamespace(spec=SimpleNamespace(selector=self._selector))

    def list_namespaced_deployment(self, namespace: str) -> Any:
        named = [SimpleNamespace(metadata=SimpleNamespace(name=each)) for each in self.deployments]
        return SimpleNamespace(items=named)

    def url(self, name: str) -> str:
        return f"http://{name}"

    def get(self, url: str) -> HttpResponse:
        return HttpResponse(200, "OK", {"X-Version": self._endpoints[0].version}, "")

    def deployment(self, name: str) -> Any:
        return self._deployment

    def explain_route(
        self, path: str, *, headers: Mapping[str, str] | None = None
    ) -> RouteExplanation:
        share = self._canary_takes[(headers or {}).get("X-Canary", "")]
        return RouteExplanation({CANARY_BACKEND: share} if share else {}, path, 0, ())

    def sample_ingress(self, *, requests: int, headers: Mapping[str, str] | None = None) -> Sample:
        """Answers in the shares of the rules, times `self.off`."""
        share = self._canary_takes[(headers or {}).get("X-Canary", "")]
        new = round(requests * share * self.off)
        found = sample(old=requests - new, new=new).with_expected({"1.0": 1 - share, "2.0": share})
        return replace(found, expected_from="rules", balanced_per="request")

    off = 1.0

    def replicas(self) -> dict[str, int]:
        canaries = sum(each.version == "2.0" for each in self._endpoints)
        return {"nodeapp-production": 3, "nodeapp-canary": canaries}

    def sample(
        self, service: str = "", *, requests: int = 0, rate: float = 0, seconds: float = 0
    ) -> Sample:
        """Each endpoint answers in turn."""
        versions = [each.version for each in self._endpoints]
        answers = Sample.from_versions(itertools.islice(itertools.cycle(versions), requests))
        shares = {name: versions.count(name) / len(versions) for name in versions}
        return answers.with_expected(shares)

    def local_runs(self) -> dict[str, Any]:
        return {}


def holds(lab: SmallLab, statement: str, *evidence: Sample) -> bool:
    return check(lab, statement, *evidence).holds  # type: ignore[arg-type]


def sample(*, old: int, new: int) -> Sample:
    typed = Sample.from_versions(["1.0"] * old + ["2.0"] * new)
    return replace(typed, expected={"1.0": 0.75, "2.0": 0.25})


def test_production_is_ready_when_it_is_rolled_out_with_three() -> None:
    assert holds(SmallLab(), "production is ready")
    assert not holds(
        SmallLab(deployment={**ROLLED_OUT, "spec": {"replicas": 2}}), "production is ready"
    )


def test_production_is_not_ready_while_an_update_is_stuck() -> None:
    stuck = {**ROLLED_OUT, "status": {**ROLLED_OUT["status"], "updatedReplicas": 1}}  # type: ignore[dict-item]
    assert not holds(SmallLab(deployment=stuck), "production is ready")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spec": {"replicas": 2}}, "has 2 replicas, not 3; the field is spec.replicas"),
        ({"status": {}}, "run the cell again in a moment, or look at `kubectl describe pods`"),
    ],
)
def test_production_that_is_not_ready_says_what_differs(change: dict[str, Any], words: str) -> None:
    assert words in verdict_of(SmallLab(deployment={**ROLLED_OUT, **change}), "production is ready")


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ([], "there is no Deployment nodeapp-production; lab.apply(...) makes it"),
        (["production"], "there is no Deployment nodeapp-production, only production"),
    ],
)
def test_production_that_is_not_there_is_named(there: list[str], words: str) -> None:
    class WithoutProduction(SmallLab):
        def deployment(self, name: str) -> Any:
            raise ApiRefusedError(name, "Error from server (NotFound): not found", "Look.")

    lab = WithoutProduction()
    lab.deployments = there
    assert words in verdict_of(lab, "production is ready")


def verdict_of(lab: SmallLab, statement: str) -> str:
    verdict = check(lab, statement)  # type: ignore[arg-type]
    assert not verdict.holds
    return verdict.reason


def test_the_service_finds_production_when_three_pods_answer() -> None:
    lab = SmallLab([pod("1.0")] * 3, selector={"app": "nodeapp"})
    verdict = check(lab, "the Service finds production")  # type: ignore[arg-type]
    assert verdict.holds
    assert verdict.reason.endswith("version 1.0 answered a request")


@pytest.mark.parametrize(
    ("endpoints", "selector", "words"),
    [
        (0, {"app": "nodeapp", "env": "canary"}, "selects app: nodeapp, env: canary and has 0"),
        (0, {"app": "nodeapp", "env": "None"}, "None, without quotes, removes a label"),
        (0, None, "selects nothing and has 0 ready endpoints of version 1.0; it should select app"),
        (2, {"app": "nodeapp"}, "kubectl get pods --show-labels"),
        (3, {"app": "nodeapp", "env": "prod"}, "it should select app: nodeapp alone"),
    ],
)
def test_a_service_that_does_not_find_production_says_what_it_selects(
    endpoints: int,
    selector: dict[str, str] | None,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "ENDPOINTS_TIMEOUT_S", 0)
    lab = SmallLab([pod("1.0")] * endpoints, selector=selector)
    assert words in verdict_of(lab, "the Service finds production")


@pytest.mark.parametrize(
    ("versions", "both", "even", "finished"),
    [
        (["1.0"] * 3, False, False, False),
        (["1.0"] * 3 + ["2.0"], True, False, False),
        (["1.0"] * 2 + ["2.0"] * 2, True, True, False),
        (["2.0"] * 3, False, False, True),
        ([], False, False, False),
    ],
)
def test_the_endpoints_of_the_service_decide(
    versions: list[str], both: bool, even: bool, finished: bool
) -> None:
    lab = SmallLab([pod(version) for version in versions])
    assert holds(lab, "the Service selects both") is both
    assert holds(lab, "the two versions are even") is even
    assert holds(lab, "the release is finished") is finished


@pytest.mark.parametrize(("old", "new", "fits"), [(3, 3, True), (3, 1, False), (2, 2, False)])
def test_three_pods_of_each_version_are_counted(old: int, new: int, fits: bool) -> None:
    lab = SmallLab([pod("1.0")] * old + [pod("2.0")] * new)
    assert holds(lab, "both versions have three pods") is fits


def test_a_release_with_a_canary_without_pods_is_not_finished() -> None:
    lab = SmallLab([pod("2.0")] * 3)
    lab.deployments = ["nodeapp-production", "nodeapp-canary"]
    assert "nodeapp-canary is still there" in verdict_of(lab, "the release is finished")


@pytest.mark.parametrize("answering", ["1.0", "2.0"])
def test_an_update_that_is_stuck_is_not_finished_and_the_hint_is_its_new_pod(
    answering: str,
) -> None:
    stuck = {**ROLLED_OUT, "status": {**ROLLED_OUT["status"], "updatedReplicas": 1}}  # type: ignore[dict-item]
    lab = SmallLab([pod(answering)] * 3, deployment=stuck)
    lab.deployments = ["nodeapp-production"]
    words = verdict_of(lab, "the release is finished")
    assert "1 of 3 pods are up to date, so a new pod is not ready: `kubectl get pods`" in words


def test_a_release_with_a_canary_left_is_not_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "ENDPOINTS_TIMEOUT_S", 0)
    lab = SmallLab([pod("2.0"), pod("2.0", "nodeapp-canary-x")])
    verdict = check(lab, "the release is finished")  # type: ignore[arg-type]
    assert "nodeapp-canary-x" in verdict.reason


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (3, 0, "holds: ready pods of 1.0: 3, of 2.0: 0; of 200 requests, 0 reached version 2.0"),
        (3, 1, "nodeapp-canary should have 0 replicas, and it has 1"),
        (2, 0, 'there should be 3 of 1.0; lab.scale("nodeapp-production", 3) makes it so'),
    ],
)
def test_a_canary_is_taken_back_when_it_has_no_pod_and_production_has_all(
    old: int, new: int, words: str
) -> None:
    lab = SmallLab([pod("1.0")] * old + [pod("2.0")] * new)
    assert words in repr(check(lab, "the canary is taken back"))  # type: ignore[arg-type]


def released(verdict: str, outcome: str, *, slower_than_s: float | None = 0.1) -> ReleaseResult:
    limits = Limits(0.01, 0.05, slower_than_s)
    return ReleaseResult(outcome, "", Decision(verdict, ("Why.",), (), limits=limits))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (released("roll back", "rolled back"), "holds: ready pods of 1.0: 3"),
        (released("roll back", "rolled back", slower_than_s=None), "no slower_than_s; give Judge"),
        (released("promote", "promoted"), "the release: promoted; a judge counts slow answers"),
        (released("not enough to tell", "rolled back"), "the release: rolled back; a judge"),
        (ReleaseResult("rolled back", "Interrupted."), "the release: rolled back; a judge"),
        (..., "Ellipsis is not a release. Give what `lab.release` returns"),
    ],
)
def test_slow_answers_are_found_by_a_release_that_a_judge_with_a_limit_rolled_back(
    result: Any, words: str
) -> None:
    lab = SmallLab([pod("1.0")] * 3)
    assert words in repr(check(lab, "the judge finds slow answers", result))  # type: ignore[arg-type]


def test_a_release_does_not_hold_while_the_canary_of_it_still_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "ENDPOINTS_TIMEOUT_S", 0)
    lab, result = SmallLab([pod("1.0")] * 3 + [pod("2.0")]), released("roll back", "rolled back")
    assert not check(lab, "the judge finds slow answers", result).holds  # type: ignore[arg-type]


def test_a_canary_that_was_promoted_is_not_taken_back() -> None:
    lab = SmallLab([pod("2.0")] * 3)
    lab.replicas = lambda: {"nodeapp-production": 3, "nodeapp-canary": 0}  # type: ignore[method-assign]
    assert "run this section again from its first cell" in verdict_of(
        lab, "the canary is taken back"
    )


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        (["1.0"] * 3, ""),
        (["1.0"] * 2 + ["2.0"], "2 of version 1.0 and 1 of version 2.0; `kubectl rollout history"),
        (["2.0"] * 3, "3 of version 2.0"),
        ([], "no ready pod"),
    ],
)
def test_production_is_back_when_no_pod_has_another_version(
    versions: list[str], words: str
) -> None:
    lab = SmallLab([pod(version) for version in versions])
    if words:
        assert words in verdict_of(lab, "production is back at version 1.0")
    else:
        assert holds(lab, "production is back at version 1.0")


def test_production_that_is_stuck_is_not_back() -> None:
    stuck = {**ROLLED_OUT, "status": {**ROLLED_OUT["status"], "updatedReplicas": 1}}  # type: ignore[dict-item]
    lab = SmallLab([pod("1.0")] * 3, deployment=stuck)
    assert "template of revision 1" in verdict_of(lab, "production is back at version 1.0")


class UpdatedLab(SmallLab):
    """Updates with these numbers of ready and of starting pods, and these lost requests."""

    def __init__(
        self,
        steps: list[tuple[int, int]],
        lost: Sequence[int] = (0,),
        *,
        carried: float = 200,
        container: Mapping[str, Any] = HOOKED,
    ) -> None:
        template = {"spec": {"containers": [container]}}
        super().__init__(deployment={**ROLLED_OUT, "spec": {"template": template}})
        self._steps, self._lost, self.restarted = steps, lost, 0
        self._carried, self.rates = carried, list[float]()

    def restart(self, name: str) -> None:
        self.restarted += 1

    def wait_ready(self, name: str) -> None:
        pass

    def watch_rollout(self, name: str) -> Any:
        numbers = [{"ready": ready, "not_ready": starting} for ready, starting in self._steps]
        return SimpleNamespace(numbers=numbers)

    def sample(
        self, service: str = "", *, requests: int = 0, rate: float = 0, seconds: float = 0
    ) -> Sample:
        """More requests a second than are carried time out."""
        lost = [RequestResult(0.0, 0.001, failure="timeout")] * (rate > self._carried)
        return replace(sample(old=0, new=0), results=tuple(lost))

    @contextmanager
    def traffic(self, service: str, *, rate: float) -> Iterator[Any]:
        self.rates.append(rate)
        answered = [RequestResult(0.0, 0.001, "1.0")] * 200
        lost = [RequestResult(0.0, 0.001, failure="refused")]
        lost *= self._lost[self.restarted]
        whole = replace(sample(old=0, new=0), results=(*answered, *lost))
        yield SimpleNamespace(sample=whole)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([(3, 0), (3, 3), (3, 0)], ""),
        (
            [(3, 0), (2, 1), (3, 0)],
            "at least 2 pods ready, and at most 3 that were not ending; maxU",
        ),
        ([(3, 0), (3, 1), (3, 0)], "at most 4 that were not ending; maxSurge"),
    ],
)
def test_pods_are_replaced_at_once_with_three_ready_and_three_more(
    steps: list[tuple[int, int]], words: str
) -> None:
    lab = UpdatedLab(steps)
    if words:
        assert words in verdict_of(lab, "all pods are replaced at once")
    else:
        assert holds(lab, "all pods are replaced at once")
    assert lab.restarted == 1


def test_an_update_that_loses_nothing_holds() -> None:
    assert holds(UpdatedLab([]), "an update loses no request")


@pytest.mark.parametrize(
    ("container", "lost", "words"),
    [
        ({**HOOKED, "env": []}, 0, "all 200 requests were answered; DRAIN_S is not set"),
        ({**HOOKED, "env": [{"name": "DRAIN_S", "value": "3"}]}, 0, "; DRAIN_S is 3, and should"),
        (
            {"env": HOOKED["env"]},
            9,
            "9 of 209 requests were lost (refused 9); the container has no",
        ),
        ({**HOOKED, "lifecycle": {"prestop": {}}}, 9, "no preStop hook: lifecycle is a field of"),
    ],
)
def test_a_pod_that_ends_in_another_way_than_the_lesson_asks_for_is_told(
    container: Mapping[str, Any], lost: int, words: str
) -> None:
    lab = UpdatedLab([], lost=[lost, lost], container=container)
    assert words in verdict_of(lab, "an update loses no request")


def test_an_update_that_loses_one_request_says_how_many_and_what_a_pod_has_to_do() -> None:
    reason = verdict_of(UpdatedLab([], lost=[9, 1]), "an update loses no request")
    assert reason.startswith("1 of 201 requests were lost (refused 1); a pod has to answer")


def test_a_request_that_a_busy_machine_lost_is_told_and_does_not_count() -> None:
    verdict = check(UpdatedLab([], lost=[1, 0]), "an update loses no request")  # type: ignore[arg-type]
    assert verdict.holds
    assert verdict.reason.endswith("were answered in an update; the update before lost 1")


def test_an_update_on_a_slow_way_is_checked_at_a_rate_that_it_carries() -> None:
    lab = UpdatedLab([], lost=[90, 0], carried=60)
    assert holds(lab, "an update loses no request")
    assert lab.rates == [200, 50]


def test_where_requests_are_lost_without_an_update_nothing_is_said_about_the_pods() -> None:
    verdict = check(UpdatedLab([], lost=[90], carried=10), "an update loses no request")  # type: ignore[arg-type]
    assert not verdict.can_be_checked
    assert "also while nothing is updated" in verdict.reason


@pytest.mark.parametrize(("new", "fits"), [(100, True), (130, True), (200, False), (0, False)])
def test_a_canary_answers_as_expected_within_luck(new: int, fits: bool) -> None:
    evidence = sample(old=400 - new, new=new)
    assert holds(SmallLab(), "the canary answers as expected", evidence) is fits


def test_a_check_of_a_sample_says_what_its_picture_says() -> None:
    evidence = sample(old=270, new=130)
    verdict = check(SmallLab(), "the canary answers as expected", evidence)  # type: ignore[arg-type]
    assert verdict.reason.casefold() == evidence.plot().title.casefold()


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (sample(old=2, new=1), "too few to judge"),
        (sample(old=200, new=200), "not what the pods suggest"),
        (replace(sample(old=3, new=1), expected=None), "nothing to compare it to"),
        (sample(old=0, new=0), "no request was sent"),
    ],
)
def test_a_sample_that_does_not_fit_yet_says_what_to_try(evidence: Sample, words: str) -> None:
    verdict = check(SmallLab(), "the canary answers as expected", evidence)  # type: ignore[arg-type]
    assert not verdict.holds
    assert verdict.reason.startswith(words) or words in verdict.reason
    assert "; " in verdict.reason


def test_one_old_answer_keeps_a_release_unfinished() -> None:
    assert not holds(SmallLab(), "only the new version answers", sample(old=1, new=399))
    assert holds(SmallLab(), "only the new version answers", sample(old=0, new=400))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25])
def test_the_rules_say_what_the_canary_takes(share: float) -> None:
    lab = SmallLab(canary_takes={"": share})
    assert holds(lab, "a quarter goes to the canary") is (share == 0.25)
    assert holds(lab, "the canary belongs to production") is (share > 0)


@pytest.mark.parametrize(
    "statement", ["a quarter goes to the canary", "the canary belongs to production"]
)
def test_rules_that_the_responses_do_not_follow_are_not_enough(statement: str) -> None:
    lab = SmallLab(canary_takes={"": 0.25})
    lab.off = 2.0
    assert "not what the rules suggest" in verdict_of(lab, statement)


@pytest.mark.parametrize(
    ("yellow", "always", "closed"), [(1.0, 0.1, True), (0.1, 1.0, False), (1.0, 1.0, False)]
)
def test_only_the_header_value_yellow_reaches_the_canary(
    yellow: float, always: float, closed: bool
) -> None:
    lab = SmallLab(canary_takes={"yellow": yellow, "always": always})
    assert holds(lab, "yellow testers reach the canary") is closed


@pytest.mark.parametrize(
    ("always", "words"), [(1.0, "names the word, in the same letters"), (0.1, "stays X-Canary")]
)
def test_the_hint_about_the_header_names_the_annotation_to_look_at(
    always: float, words: str
) -> None:
    lab = SmallLab(canary_takes={"yellow": 0.1, "always": always})
    assert verdict_of(lab, "yellow testers reach the canary").endswith(words)


def test_not_yet_is_shown_and_not_raised() -> None:
    verdict = check(SmallLab(), "both versions answer")  # type: ignore[arg-type]
    assert repr(verdict).startswith("not yet: no answer from version 1.0 and 2.0")
    assert "<strong>not yet</strong>" in verdict._repr_html_()


def test_strict_raises_with_the_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYLAB_STRICT", "1")
    with pytest.raises(CheckpointError, match='"both versions answer" does not hold yet'):
        check(SmallLab(), "both versions answer")  # type: ignore[arg-type]


def test_a_refusal_of_the_cluster_is_a_not_yet() -> None:
    class Broken(SmallLab):
        def ready_endpoints(self) -> list[Endpoint]:
            raise TrafficError("Nobody there. Start it.")

    assert not holds(Broken(), "the Service selects both")


def test_an_unknown_statement_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="There are: both versions"):
        check(SmallLab(), "all is well")  # type: ignore[arg-type]


class PreviewLab:
    """The version that answers each path, set by hand; "503" for none by the rules."""

    def __init__(self, answering: Mapping[str, str]) -> None:
        self._answering = answering

    def explain_route(self, path: str) -> RouteExplanation:
        status = 503 if self._answering[path] == "503" else 0
        return RouteExplanation({}, path, status, ())

    def get(self, path: str) -> HttpResponse:
        version = self._answering[path]
        return HttpResponse(200, "OK", {"X-Version": version} if version else {}, "")


def preview(**answering: str) -> Verdict:
    right = {"/": "1.0", "/canary": "2.0", "/canary/x": "2.0", "/canarybird": "1.0"}
    named = {f"/{path}": version for path, version in answering.items()}
    lab: Any = PreviewLab({**right, **named})
    return check(lab, "the preview keeps to its path")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes any more, so nothing is waited for."""
    monkeypatch.setattr(checks, "RULES_TIMEOUT_S", 0)


def test_a_preview_that_keeps_to_its_path_holds() -> None:
    assert preview().reason == "/, /canary, /canary/x and /canarybird reach the right version"


@pytest.mark.usefixtures("at_once")
def test_a_preview_that_catches_more_is_named() -> None:
    verdict = preview(canarybird="2.0")

    assert not verdict.holds
    assert verdict.reason == (
        "version 2.0 answers /canarybird, and 1.0 should; "
        '`lab.explain_route("/canarybird")` names the rule'
    )


@pytest.mark.usefixtures("at_once")
def test_a_path_that_no_version_answers_is_not_yet_right() -> None:
    assert preview(canary="").reason.startswith("version none answers /canary, and 2.0 should;")


def test_a_path_that_no_pod_can_answer_is_not_waited_for() -> None:
    verdict = preview(canary="503")

    assert not verdict.holds
    assert verdict.reason == (
        "by the rules, /canary gets 503 and no version; "
        '`lab.explain_route("/canary")` names the reason'
    )


@pytest.mark.parametrize(
    ("path", "old", "reason"),
    [
        ("/CANARY", 0, "/CANARY: all 4 answers came from version 2.0"),
        ("/canary/x", 0, "/canary/x has the word canary in small letters; find a path"),
        ("/", 4, "/: of 4 requests, version 1.0 answered 4; `lab.explain_route`"),
    ],
)
def test_another_spelling_is_another_word_that_only_version_2_answers(
    path: str, old: int, reason: str
) -> None:
    measured = replace(sample(old=old, new=4 - old), expected_from="rules")
    evidence = replace(measured, url=f"http://127.0.0.1:8080{path}")
    verdict = check(SmallLab(), "another spelling reaches the canary", evidence)  # type: ignore[arg-type]

    assert verdict.reason.startswith(reason)
    assert verdict.holds is (path == "/CANARY")


@pytest.mark.parametrize(
    ("pods", "measured", "reason"),
    [
        (0.25, (57, 19), "the ready pods suggest 25 % for version 2.0, not 40 %"),
        (0.4, (9, 6), "15 choices of a pod, and 76 are needed"),
        (
            0.4,
            (46, 30),
            "76 choices of a pod show the difference in 80 of 100 samples; as expected:",
        ),
        (
            0.4,
            (54, 22),
            "76 choices of a pod show the difference in 80 of 100 samples, and this is one of the "
            "other 20: 25 % is in its interval, 20 % to 40 %; ",
        ),
        (0.4, (760, 0), "76 choices of a pod show the difference in 80 of 100 samples; not what"),
    ],
)
def test_a_sample_tells_two_shares_apart_if_it_is_large_and_fits_its_pods(
    pods: float, measured: tuple[int, int], reason: str
) -> None:
    old, new = measured
    evidence = sample(old=old, new=new).with_expected({"1.0": 1 - pods, "2.0": pods})
    verdict = check(SmallLab(), "the sample tells 40 % from 25 %", evidence)  # type: ignore[arg-type]

    assert verdict.reason.startswith(reason)
    assert verdict.holds == (reason.startswith("76") and "not what" not in reason)


def test_kept_connections_count_as_so_many_choices() -> None:
    results = tuple(
        RequestResult(0.0, 0.0, "2.0" if n % 4 == 0 else "1.0", connection=n % 4)
        for n in range(1000)
    )
    evidence = replace(sample(old=0, new=0), results=results, keep_alive=4)
    verdict = check(SmallLab(), "the canary gets less than half", evidence)  # type: ignore[arg-type]

    assert not verdict.holds
    assert verdict.reason.startswith("after 4 choices of a pod the confidence sequence is ")


@pytest.mark.parametrize(
    ("old", "new", "is_less"), [(0, 0, False), (5, 0, False), (75, 25, True), (50, 50, False)]
)
def test_less_than_half_is_known_when_the_confidence_sequence_ends_below_it(
    old: int, new: int, *, is_less: bool
) -> None:
    assert holds(SmallLab(), "the canary gets less than half", sample(old=old, new=new)) == is_less


@pytest.mark.parametrize(
    ("source", "hint"), [("pods", "lab.endpoints()"), ("rules", "`lab.explain_route`")]
)
def test_a_sample_of_a_rule_hints_at_the_route_and_one_of_a_service_at_its_endpoints(
    source: Any, hint: str
) -> None:
    evidence = replace(sample(old=1, new=3), expected_from=source)
    verdict = check(SmallLab(), "only the new version answers", evidence)  # type: ignore[arg-type]

    assert verdict.reason.startswith("of 4 requests, version 1.0 answered 1; ")
    assert hint in verdict.reason


class RouteLab:
    """A lab whose HTTPRoute gives a sample set by hand, and whose canary logs copies."""

    namespace = "default"

    def __init__(self, measured: Sample, copies: int = 0) -> None:
        self._measured, self._copies, self._sampled = measured, copies, False
        self.core = self

    def sample_httproute(self, route: str, *, requests: int) -> Sample:
        self._sampled = True
        return self._measured

    def ready_endpoints(self, service: str) -> list[Endpoint]:
        return [pod("2.0", "nodeapp-canary-x")]

    def read_namespaced_pod_log(self, name: str, namespace: str) -> str:
        line = "2026-11-28T08:00:00.000Z GET / 200 version 2.0\n"
        return "Server started.\n" + line * (3 + self._copies * self._sampled)


def by_route(old: int, new: int, share: float) -> Sample:
    found = sample(old=old, new=new).with_expected({"1.0": 1 - share, "2.0": share})
    return replace(found, expected_from="rules", balanced_per="request")


def with_failures(measured: Sample) -> Sample:
    failed = RequestResult(0.0, 0.1, failure="status 500")
    return replace(measured, results=(*measured.results, failed))


@pytest.mark.parametrize(
    ("statement", "measured", "words"),
    [
        ("half goes to the canary", by_route(200, 200, 0.5), ""),
        ("half goes to the canary", by_route(300, 100, 0.25), "version 2.0 gets 25 %, not 50 %"),
        ("half goes to the canary", by_route(300, 100, 0.5), "not what the rules suggest"),
        ("the route finds its Services", by_route(200, 200, 0.5), ""),
        ("the route finds its Services", by_route(400, 0, 0.0), "version 2.0 gets no request"),
        (
            "the route finds its Services",
            with_failures(by_route(200, 0, 0.5)),
            "of 201 requests, 1 failed: 1 with status 500; compare the names",
        ),
    ],
)
def test_a_route_is_checked_by_what_it_answers(
    statement: str, measured: Sample, words: str
) -> None:
    verdict = check(RouteLab(measured), statement)  # type: ignore[arg-type]
    assert verdict.holds is not bool(words)
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("copies", "new", "words"),
    [
        (50, 0, "the canary's log has 50 of them"),
        (0, 0, "the canary's log has 0 of them; look for the mirror"),
        (50, 5, "version 2.0 answered 5 of 50 requests; a mirror is a filter"),
    ],
)
def test_a_mirror_is_checked_by_the_log_of_the_canary(
    copies: int, new: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "COPIES_TIMEOUT_S", 0)
    lab: Any = RouteLab(by_route(50 - new, new, 0.0), copies)
    verdict = check(lab, "the canary gets a copy of each request")
    assert verdict.holds is (copies == 50 and not new)
    assert words in verdict.reason


@pytest.mark.parametrize(
    "statement",
    [
        "half goes to the canary",
        "the route finds its Services",
        "the canary gets a copy of each request",
    ],
)
def test_where_nothing_serves_the_route_nothing_is_checked_and_strict_goes_on(
    statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARYLAB_STRICT", "1")
    unserved = replace(sample(old=0, new=0), notes=("It is not served. No request was sent.",))
    verdict = check(RouteLab(unserved), statement)  # type: ignore[arg-type]
    assert repr(verdict) == "cannot be checked here: It is not served. No request was sent"
    assert not verdict.holds


def test_evidence_that_is_no_sample_is_named() -> None:
    verdict = check(SmallLab(), "the sample tells 40 % from 25 %", 76)  # type: ignore[arg-type]
    assert not verdict.holds
    assert verdict.reason == "76 is not a sample. Give what `lab.sample` returns"
