"""Latency, requests of each second, lost requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from canarylab.traffic import RequestResult, Sample
from canarylab.traffic.expectations import LeavingPod
from canarylab.traffic.sample_tables import milliseconds, percentile

STARTED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def sample(*results: RequestResult) -> Sample:
    return Sample("http://127.0.0.1:32089/", results, STARTED, 2.0)


def answer(when_s: float, latency_s: float, version: str | None = "1.0") -> RequestResult:
    return RequestResult(
        when_s, latency_s, version, f"pod-{version}", 200, first_byte_s=latency_s / 2
    )


def failed(when_s: float, kind: str, pod: str | None = None) -> RequestResult:
    return RequestResult(when_s, 0.01, failure=kind, pod=pod)


MIXED = sample(
    *(answer(0.1, 0.001 * number) for number in range(1, 101)),
    answer(1.5, 0.5, "2.0"), failed(1.6, "reset"), failed(1.7, "status 503"),
    failed(3.0, "status 500"), failed(3.1, "status 404"),
)  # fmt: skip
NOTHING = sample()
ALL_FAILED = sample(failed(0.0, "timeout"), failed(0.1, "timeout"))


def test_latencies_are_those_of_each_version() -> None:
    frame = MIXED.latency().to_frame().set_index("version")
    names = ("answers", "median_s", "p90_s", "p99_s", "max_s")
    assert [frame.loc["1.0", name] for name in names] == (
        pytest.approx([100, 0.050, 0.090, 0.099, 0.100])
    )


def test_latencies_are_those_of_each_pod() -> None:
    assert list(MIXED.latency(by="pod").to_frame()["pod"]) == ["pod-1.0", "pod-2.0"]


def test_the_first_byte_has_a_median_of_its_own() -> None:
    frame = MIXED.latency().to_frame().set_index("version")
    assert frame.loc["2.0", "first_byte_median_s"] == pytest.approx(0.25)


def test_a_latency_by_anything_else_is_refused() -> None:
    with pytest.raises(ValueError, match='by "version" or by "pod", not by "colour"'):
        MIXED.latency(by="colour")  # type: ignore[arg-type]


def test_a_failed_request_has_no_latency() -> None:
    assert sum(MIXED.latency().to_frame()["answers"].to_list()) == MIXED.answered


def test_every_second_has_a_row_also_one_without_a_request() -> None:
    frame = MIXED.per_second().to_frame()
    assert frame["requests"].to_list() == [100, 3, 0, 2]
    assert frame["version 2.0"].to_list() == [0, 1, 0, 0]
    assert frame["failed"].to_list() == [0, 2, 0, 2]


def test_lost_requests_are_classed_and_have_their_second() -> None:
    frame = MIXED.lost().to_frame()
    assert list(zip(frame["second"], frame["kind"], frame["requests"], strict=True)) == [
        (1, "5xx", 1), (1, "reset", 1), (3, "4xx", 1), (3, "5xx", 1),
    ]  # fmt: skip


def test_lost_requests_are_counted_in_a_sentence() -> None:
    assert MIXED.lost().sentence == "4 of 105 requests were lost: 5xx 2, reset 1 and 4xx 1."


def test_a_lost_request_names_the_pod_that_was_leaving() -> None:
    watched = replace(MIXED, leaving=(LeavingPod(1.05, "a"), LeavingPod(9.0, "b")))
    assert watched.lost().to_frame()["pods"].to_list() == ["a", "a", "unknown", "a"]


def test_a_lost_request_may_be_of_any_pod_that_was_leaving() -> None:
    watched = replace(ALL_FAILED, leaving=(LeavingPod(-0.5, "b"), LeavingPod(0.0, "a")))
    assert watched.lost().to_frame()["pods"].to_list() == ["a or b"]


def test_a_pod_that_named_itself_is_the_one() -> None:
    lost = sample(failed(0.5, "status 500", pod="b"))
    watched = replace(lost, leaving=(LeavingPod(0.2, "a"), LeavingPod(0.3, "b")))
    assert watched.lost().to_frame()["pods"].to_list() == ["b"]


def test_a_sample_that_lost_nothing_says_so() -> None:
    assert repr(sample(answer(0, 0.1), answer(0, 0.1)).lost()) == (
        "No request was lost: all 2 requests were answered."
    )


@pytest.mark.parametrize("table", ["latency", "per_second", "lost"])
@pytest.mark.parametrize("shown", [NOTHING, ALL_FAILED])
def test_without_answers_there_are_tables_too(shown: Sample, table: str) -> None:
    made = getattr(shown, table)()
    assert made.sentence in made._repr_html_().replace("<p>", "")
    assert len(made.to_frame()) == len(made.rows)


def test_a_sampler_that_was_the_slowest_part_says_so_beside_its_latencies() -> None:
    limited = replace(MIXED, limit="The sampler was the slowest part.")
    assert limited.latency().notes == limited.per_second().notes == [limited.limit]


def test_a_percentile_is_the_nearest_rank() -> None:
    values = [float(number) for number in range(1, 11)]
    assert [percentile(values, share) for share in (0.0, 0.1, 0.11, 0.5, 0.9, 0.91, 1.0)] == [
        1.0, 1.0, 2.0, 5.0, 9.0, 10.0, 10.0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 ms"), (0.00049, "0.5 ms"), (0.00996, "10 ms"), (0.25, "250 ms"), (5.0123, "5.01 s")],
)
def test_a_latency_is_written_as_a_reader_says_it(seconds: float, text: str) -> None:
    assert milliseconds(seconds) == text
