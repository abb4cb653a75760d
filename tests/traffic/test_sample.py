from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest

from canarylab.errors import TrafficError
from canarylab.traffic import Expectation, LeavingPod, RequestResult, Sample, pool

STARTED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
URL = "http://127.0.0.1:32089/"


def sample(*answers: RequestResult, started: datetime = STARTED, keep_alive: int = 0) -> Sample:
    return Sample(URL, answers, started, 2.0, keep_alive=keep_alive)


def answer(version: str | None, connection: int = 0, pod: str | None = None) -> RequestResult:
    return RequestResult(0.5, 0.001, version, pod, 200, None, connection)


def failed(kind: str) -> RequestResult:
    return RequestResult(0.5, 0.001, failure=kind)


MIXED = sample(
    answer("1.0", 0, "a"), answer("1.0", 1, "b"), answer("2.0", 2, "c"), answer(None, 3),
    failed("reset"), failed("reset"), failed("timeout"),
)  # fmt: skip


def test_answers_are_counted_by_version() -> None:
    assert MIXED.by_version == {"1.0": 2, "2.0": 1, "other": 1}


def test_answers_are_counted_by_pod() -> None:
    assert MIXED.by_pod == {"a": 1, "b": 1, "c": 1, "other": 1}


def test_an_answer_without_a_version_is_other_and_stays_in_the_shares() -> None:
    assert sum(map(MIXED.share, MIXED.by_version)) == 1.0


def test_failures_are_apart_from_answers() -> None:
    assert (MIXED.total, MIXED.answered, MIXED.failed) == (7, 4, 3)


def test_failures_are_counted_by_kind_the_most_frequent_first() -> None:
    assert list(MIXED.failures.items()) == [("reset", 2), ("timeout", 1)]


def test_a_share_is_a_share_of_the_answered_requests() -> None:
    assert MIXED.share("2.0") == 1 / 4


def test_without_answers_every_share_is_0() -> None:
    assert sample(failed("reset")).share("1.0") == 0.0


def test_a_version_that_was_expected_and_never_answered_has_no_hits() -> None:
    assert sample(answer("1.0")).with_expected({"1.0": 0.75, "2.0": 0.25}).by_version == {
        "1.0": 1,
        "2.0": 0,
    }


def test_a_pod_that_was_expected_and_never_answered_has_no_hits() -> None:
    expected = sample(answer("1.0", pod="a")).with_expected(None, {"a": 0.5, "b": 0.5})
    assert expected.by_pod == {"a": 1, "b": 0}


def test_answers_over_one_connection_are_one_choice_of_a_pod() -> None:
    kept = sample(*[answer("1.0", 7)] * 5, keep_alive=1)
    assert (kept.connections, kept.trials) == (1, 1)


def test_where_a_pod_is_chosen_for_each_request_every_answer_is_a_choice() -> None:
    kept = sample(*[answer("1.0", 7)] * 5, failed("reset"), keep_alive=1)
    assert replace(kept, balanced_per="request").trials == 5


def test_a_failed_request_says_nothing_about_the_choice_of_a_pod() -> None:
    assert MIXED.connections == 4


def test_the_table_has_a_row_for_each_request() -> None:
    assert len(MIXED.to_frame()) == 7


def test_the_table_has_units_in_its_columns() -> None:
    assert list(MIXED.to_frame().columns) == [
        "when (s)", "latency (s)", "version", "pod", "status", "failure", "connection",
        "first byte (s)", "late (s)",
    ]  # fmt: skip


def test_an_empty_sample_has_a_table_too() -> None:
    assert sample().to_frame().empty


def test_a_sample_survives_json() -> None:
    told = MIXED.with_expected({"1.0": 1.0}, {"a": 1.0}, cluster="playground")
    assert Sample.from_dict(json.loads(json.dumps(told.to_dict()))) == told


def test_its_one_line_says_who_answered_and_what_failed() -> None:
    assert repr(MIXED) == (
        f"7 requests to {URL}: version 1.0 answered 2 of 4 (50 %), version 2.0 answered 1 of 4 "
        "(25 %) and other answered 1 of 4 (25 %); 3 requests failed: reset 2 and timeout 1"
    )


def test_its_one_line_says_when_nobody_answered() -> None:
    assert repr(sample(failed("timeout"))) == (
        f"1 request to {URL}: no request was answered; 1 request failed: timeout 1"
    )


def test_its_one_line_says_when_all_answers_were_errors() -> None:
    assert repr(sample(failed("status 404"), failed("refused"))) == (
        f"2 requests to {URL}: no request was answered without an error; 2 requests failed: "
        "status 404 1 and refused 1"
    )


def test_its_one_line_says_if_the_sampler_was_the_slowest_part() -> None:
    late = replace(Sample.from_versions(["1.0"]), limit="The sampler was the slowest part: why.")
    assert repr(late).endswith("(100 %). The sampler was the slowest part: why.")
    assert "The sampler was the slowest part: why." in late._repr_html_()


@pytest.mark.parametrize(
    "shown", [MIXED, sample(failed("timeout")), sample(failed("status 404")), sample()]
)
def test_the_table_in_a_notebook_says_the_same(shown: Sample) -> None:
    text = unescape(re.sub("<[^>]*>", " ", shown._repr_html_()))
    words = set(re.findall(r"[^\s(),:;]+", repr(shown))) - {"and"}
    assert words <= set(re.findall(r"[^\s(),:;]+", text))


def test_html_in_a_version_stays_text() -> None:
    assert "<script>" not in sample(answer("<script>"))._repr_html_()


def test_pooled_samples_count_every_answer() -> None:
    assert (MIXED + MIXED).by_version == {"1.0": 4, "2.0": 2, "other": 2}


def test_pooled_samples_keep_their_connections_apart() -> None:
    assert (MIXED + MIXED).connections == 8


def test_what_is_no_sample_is_not_added() -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        MIXED + 20  # type: ignore[operator]


def test_a_pooled_sample_lasts_from_the_first_start_to_the_last_end() -> None:
    later = sample(answer("2.0"), started=STARTED + timedelta(seconds=10))
    both = later + sample(answer("1.0"))
    assert (both.started, both.seconds) == (STARTED, 12.0)


def test_a_pooled_answer_was_sent_when_it_was_sent() -> None:
    later = sample(answer("2.0"), started=STARTED + timedelta(seconds=10))
    assert [each.when_s for each in (later + sample(answer("1.0"))).results] == [10.5, 0.5]


def test_samples_that_expected_different_shares_expect_nothing_together() -> None:
    one, two = (MIXED.with_expected({"1.0": share}) for share in (0.75, 0.6))
    assert (one + two).expected is None


def test_samples_of_several_clusters_say_so() -> None:
    one, two = (MIXED.with_expected(None, cluster=name) for name in ("kind", "playground"))
    assert (one + two).cluster == "several clusters"


def test_kept_and_new_connections_are_not_pooled() -> None:
    with pytest.raises(ValueError, match="measured in the same way"):
        MIXED + sample(answer("1.0"), keep_alive=1)


def test_choices_for_connections_and_for_requests_are_not_pooled() -> None:
    with pytest.raises(ValueError, match="for each connection, for the other for each request"):
        MIXED + replace(MIXED, balanced_per="request")


def test_no_samples_make_no_pool() -> None:
    with pytest.raises(ValueError, match="Give at least one"):
        pool([])


def test_a_sample_is_plotted_by_version_or_by_pod() -> None:
    by_pod = replace(MIXED, expected_pods={"a": 0.5, "b": 0.5}).plot(by="pod")
    assert MIXED.plot().alt != by_pod.alt
    with pytest.raises(ValueError, match='by "version" or by "pod", not by "colour"'):
        MIXED.plot(by="colour")  # type: ignore[arg-type]


def test_the_summary_has_a_row_for_each_version() -> None:
    assert [row[0] for row in MIXED.summary().rows] == list(MIXED.by_version)


def test_a_share_that_changed_under_way_is_the_mean_over_the_requests() -> None:
    before, after = {"1.0": 1.0}, {"1.0": 0.5, "2.0": 0.5}
    steps = [Expectation(0.0, before, {"a": 1.0}), Expectation(1.0, after, {"a": 0.5, "b": 0.5})]
    results = (answer("1.0", number)._replace(when_s=number / 2) for number in range(8))
    changed = sample(*results).with_expectations(steps)
    assert changed.expected == {"1.0": 0.625, "2.0": 0.375}
    assert "the pods changed 1 time under way" in repr(changed)
    assert (
        "expected of version 2.0 was between 0 % and 50 %; what is expected of all is the mean"
        in changed.summary().notes[0]
    )


def test_a_kept_connection_counts_with_the_pods_of_its_beginning() -> None:
    steps = [Expectation(0.0, {"1.0": 1.0}, {}), Expectation(1.0, {"2.0": 1.0}, {})]
    results = (answer("1.0", 7)._replace(when_s=float(number)) for number in range(8))
    assert sample(*results, keep_alive=1).with_expectations(steps).expected == {
        "1.0": 1.0,
        "2.0": 0.0,
    }


def test_pods_that_were_replaced_by_others_of_their_version_leave_the_share() -> None:
    steps = [Expectation(0.0, {"1.0": 1.0}, {pod: 1.0}) for pod in "ab"]
    steps[1] = steps[1]._replace(when_s=0.2)
    assert MIXED.with_expectations(steps).change == (
        "The ready pods changed 1 time under way; the share expected of version 1.0 stayed 100 %."
    )


def test_pods_that_stayed_are_not_mentioned() -> None:
    stayed = MIXED.with_expectations([Expectation(0.0, {"1.0": 1.0}, {})])
    assert (stayed.change, stayed.expected) == ("", {"1.0": 1.0})


def test_nobody_who_watched_expects_nothing() -> None:
    assert MIXED.with_expectations([]) == MIXED


@pytest.mark.parametrize("expected", [{"1.0": 0.0, "3.0": 1.0}, {"1.0": 1.0}])
def test_a_version_nobody_expected_has_a_row(expected: dict[str, float]) -> None:
    shown = sample(answer("2.0", 0), answer("1.0", 1)).with_expected(expected)
    assert {"1.0", "2.0"} <= {row[0] for row in shown.summary().rows}


def test_answers_without_a_version_are_told_in_a_sentence() -> None:
    silent = replace(sample(answer(None, 0), answer(None, 1)), version_source="in the header X")
    sentence = "None of 2 answers names a version. It was looked for in the header X."
    assert repr(silent.summary()) == sentence
    assert "other" not in repr(silent)


def test_a_sample_under_changing_pods_survives_json() -> None:
    told = replace(
        MIXED.with_expectations([Expectation(0.0, {"1.0": 1.0}, {"a": 1.0})]),
        leaving=(LeavingPod(1.0, "a"),),
        notes=("Two names.",),
        rate=20.0,
    )
    assert Sample.from_dict(json.loads(json.dumps(told.to_dict()))) == told


def test_a_file_of_an_earlier_version_can_be_read() -> None:
    plain = json.loads(json.dumps(MIXED.to_dict()))
    new = ("rate", "expectations", "leaving", "limit", "notes", "version_source")
    old = {name: value for name, value in plain.items() if name not in new}
    for each in old["results"]:
        del each["first_byte_s"], each["late_s"]
    assert Sample.from_dict(old) == MIXED


def test_a_file_of_a_later_version_can_be_read() -> None:
    assert Sample.from_dict({**MIXED.to_dict(), "colour": "blue"}) == MIXED


def test_an_exported_sample_says_whose_it_is(tmp_path: Path) -> None:
    file = MIXED.export(tmp_path / "x.json", name="Anna")
    plain = json.loads(file.read_text())
    assert (plain["name"], Sample.from_dict(plain)) == ("Anna", MIXED)


def test_without_a_name_it_is_that_of_the_file(tmp_path: Path) -> None:
    file = MIXED.export(tmp_path / "anna.json")
    assert json.loads(file.read_text())["name"] == "anna"


def test_a_cell_that_runs_again_replaces_its_file(tmp_path: Path) -> None:
    MIXED.export(tmp_path / "anna.json")
    file = sample(answer("1.0")).export(tmp_path / "anna.json")
    assert Sample.from_dict(json.loads(file.read_text())).total == 1


def test_the_sample_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    MIXED.export(tmp_path / "x.json", name="Anna")
    with pytest.raises(TrafficError, match="holds the sample of Anna, so it is kept"):
        MIXED.export(tmp_path / "x.json", name="Ben")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"name": "x", "cells": []}'])
def test_another_file_is_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(TrafficError, match="is not an exported sample, so it is kept"):
        MIXED.export(tmp_path / "x.json")


def test_pooled_samples_keep_the_times_of_leaving_pods() -> None:
    watched = replace(MIXED, leaving=(LeavingPod(1.0, "a"),))
    later = replace(watched, started=STARTED + timedelta(seconds=10))
    assert [each.when_s for each in (watched + later).leaving] == [1.0, 11.0]


@pytest.mark.parametrize("place", ["folder", "missing/x.json"])
def test_an_export_to_where_no_file_can_be_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(TrafficError, match=r"is not a file|cannot be written: No such file"):
        MIXED.export(tmp_path / place)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this machine has no /dev/zero")
def test_an_export_to_a_device_does_not_read_it() -> None:
    with pytest.raises(TrafficError, match="/dev/zero is not a file"):
        MIXED.export("/dev/zero")
