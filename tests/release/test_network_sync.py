"""Waiting until the network has taken in a change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

import pytest

from canarylab import resources, traffic
from canarylab.errors import ClusterError, TimedOutError
from canarylab.manifests import SERVICE, load
from canarylab.release import network_sync
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.network_sync import (
    ANSWERS_PER_POD,
    answering_pod,
    wait_for_pods,
    wait_for_service,
)
from canarylab.text import OTHER
from canarylab.traffic import RequestResult, Sample
from tests.needs import needs
from tests.release.conntrack_node import FIRST_EPHEMERAL, conntrack_node


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_sync, "CHECK_PAUSE_S", 0.01)


class Answers:
    """Who answers at each look; the last answer is repeated."""

    def __init__(self, *answers: Iterable[str]) -> None:
        self._answers = [set(each) for each in answers]
        self.counts: list[int] = []

    def __call__(self, count: int) -> Collection[str]:
        self.counts.append(count)
        return self._answers[min(len(self.counts), len(self._answers)) - 1]


def named() -> str:
    return "a"


def in_turn(*probed: str | None) -> Callable[[], str | None]:
    left = list(probed)
    return lambda: left.pop(0)


def test_it_waits_until_the_ready_pods_and_no_others_answer() -> None:
    answers = Answers({"a", "gone"}, {"a"}, {"a", "b"})
    wait_for_pods(named, answers, lambda: ["a", "b"])
    assert answers.counts == [2 * ANSWERS_PER_POD] * 3


def test_many_requests_are_sent_only_after_one_was_answered() -> None:
    answers = Answers({"a"})
    wait_for_pods(in_turn(None, None, "a"), answers, lambda: ["a"])
    assert answers.counts == [ANSWERS_PER_POD]


def test_requests_that_all_fail_are_not_taken_for_pods_without_a_name() -> None:
    answers = Answers((), {"a"})
    wait_for_pods(named, answers, lambda: ["a"])
    assert len(answers.counts) == 2


def test_an_app_that_does_not_say_its_pod_is_not_waited_for() -> None:
    answers = Answers({OTHER})
    wait_for_pods(lambda: OTHER, answers, lambda: ["a", "b"])
    assert len(answers.counts) == 1


def test_it_gives_up_with_the_names_of_both_sides() -> None:
    with pytest.raises(
        TimedOutError, match=r"answer \(a, gone\) are not the pods that are ready \(a\)\. "
    ):
        wait_for_pods(named, Answers({"a", "gone"}), lambda: ["a"], timeout_s=0)


def test_it_gives_up_where_nobody_answers() -> None:
    with pytest.raises(
        TimedOutError, match=r"answer \(none\) are not the pods that are ready \(a\)\. "
    ):
        wait_for_pods(lambda: None, Answers(()), lambda: ["a"], timeout_s=0)


def test_what_was_refused_while_waiting_breaks_no_later_connection() -> None:
    with conntrack_node(known_after_s=0.5) as node:
        wait_for_pods(lambda: answering_pod(node.url), pods_at(node.url), lambda: ["a"])

        sample = traffic.measure(node.url, traffic.SamplingPlan(count=400))

    assert sample.failures == {}
    assert node.untranslated
    assert max(node.untranslated) < FIRST_EPHEMERAL


def pods_at(url: str) -> Callable[[int], Collection[str]]:
    return lambda count: traffic.measure(url, traffic.SamplingPlan(count=count)).by_pod


def test_a_request_names_the_pod_that_answered() -> None:
    with conntrack_node(known_after_s=0) as node:
        assert answering_pod(node.url) == "a"


def test_a_port_without_a_listener_gives_no_pod() -> None:
    assert answering_pod("http://127.0.0.1:1") is None


@needs("linux")
def test_a_service_without_pods_is_explained(connection: Connection) -> None:
    apply(connection, load(resources.folder("manifests") / "02-production" / "service.yaml"))
    with pytest.raises(ClusterError, match="has no ready endpoint"):
        wait_for_service(connection, SERVICE, "http://127.0.0.1:32089")


@pytest.mark.parametrize(
    ("lost", "answering"),
    [
        (RequestResult(0.0, 0.1, failure="refused"), {"a", "no pod for 1 request"}),
        (RequestResult(0.0, 0.1, status=502, failure="status 502"), {"a", "no pod for 1 request"}),
        (RequestResult(0.0, 0.1, "1.0", "b", 500, "status 500"), {"a", "b"}),
    ],
)
def test_a_request_that_no_pod_answered_shows_that_a_change_is_not_applied_yet(
    lost: RequestResult, answering: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = RequestResult(0.0, 0.1, "1.0", "a", 200)
    sample = replace(Sample.from_versions([]), results=(answered, lost))
    monkeypatch.setattr(traffic, "measure", lambda *_: sample)

    assert network_sync._answering_pods("http://127.0.0.1:1", 2) == answering


def test_errors_of_an_app_that_does_not_say_its_pod_are_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [RequestResult(0.0, 0.1, status=500, failure="status 500"), RequestResult(0.0, 0.1)]
    sample = replace(Sample.from_versions([]), results=tuple(found))
    monkeypatch.setattr(traffic, "measure", lambda *_: sample)

    assert network_sync._answering_pods("http://127.0.0.1:1", 2) == {OTHER}
