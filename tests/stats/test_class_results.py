from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportions_chisquare

from canarylab import stats
from canarylab.errors import SampleFileError
from canarylab.stats.class_results import LearnersSample, results_of
from canarylab.traffic import RequestResult, Sample
from tests.stats.random_inputs import hits_of_totals, over_random_inputs

QUARTER = {"1.0": 0.75, "2.0": 0.25}


def sample_with(hits: int, total: int = 15, *, start: int = 0) -> Sample:
    """A sample of which so many answers are of version 2.0."""
    versions = ["2.0"] * hits + ["1.0"] * (total - hits)
    return Sample.from_versions(versions, url=f"learner {start}").with_expected(QUARTER)


def learners(hits: Sequence[int], total: int = 15) -> list[LearnersSample]:
    """A learner for each number of hits."""
    return [
        LearnersSample(f"learner {number:03}", sample_with(each, total, start=number))
        for number, each in enumerate(hits)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of three learners."""
    for number, (name, hits) in enumerate({"anna": 4, "ben": 2, "cleo": 6}.items()):
        sample_with(hits, start=number).export(tmp_path / f"{name}.json")
    return tmp_path


def test_every_learner_has_a_share(folder: Path) -> None:
    found = stats.pool(folder)

    assert {each.name: each.hits for each in found.learners} == {"anna": 4, "ben": 2, "cleo": 6}


def test_the_pooled_interval_is_that_of_all_requests(folder: Path) -> None:
    found = stats.pool(folder)

    assert (found.pooled.hits, found.pooled.total, found.pooled.expected) == (12, 45, 0.25)
    assert found.pooled.interval == stats.wilson(12, 45)


def test_the_sentence_names_shares_and_spread(folder: Path) -> None:
    sentence = repr(stats.pool(folder))

    assert sentence.startswith("3 learners, 45 answers: version 2.0 answered 27 % (95 % interval")
    assert "The shares differ as chance makes them differ" in sentence


def test_a_notebook_shows_each_learner_and_all_together(folder: Path) -> None:
    shown = stats.pool(folder)._repr_html_()

    assert all(name in shown for name in ("anna", "ben", "cleo", "all together"))


def test_the_frame_has_a_row_for_each_learner(folder: Path) -> None:
    frame = stats.pool(folder).to_frame()

    assert frame["learner"].to_list() == ["anna", "ben", "cleo"]
    assert frame["share"].to_list() == pytest.approx([4 / 15, 2 / 15, 6 / 15])


def test_another_version_can_be_compared(folder: Path) -> None:
    assert stats.pool(folder, version="1.0").pooled.hits == 33


def test_two_copies_count_once_and_the_page_says_so(folder: Path) -> None:
    (folder / "anna (1).json").write_text((folder / "anna.json").read_text())

    found = stats.pool(folder)

    assert found.pooled.total == 45
    assert found.notes == ("anna (1).json is a copy of anna.json and is counted once.",)
    assert "counted once" in found._repr_html_()


def test_a_copy_under_another_name_counts_once(folder: Path) -> None:
    content = json.loads((folder / "anna.json").read_text())
    (folder / "dora.json").write_text(json.dumps(content | {"name": "dora"}))

    assert len(stats.pool(folder).learners) == 3


def test_learners_of_one_name_are_told_apart_by_their_files(folder: Path) -> None:
    sample_with(5, start=9).export(folder / "other.json", name="anna")

    names = [each.name for each in stats.pool(folder).learners]

    assert names == ["anna (anna.json)", "anna (other.json)", "ben", "cleo"]


def test_other_files_are_not_read(folder: Path) -> None:
    (folder / "notes.txt").write_text("not JSON")
    (folder / "old.json").mkdir()

    assert len(stats.pool(folder).learners) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        "3",
        "{}",
        '{"name": "canarylab", "version": "1.0.0"}',
        '{"results": 3, "started": "2026-01-01"}',
        '{"url": "u", "results": [], "started": "2026-01-01T00:00:00", "seconds": 1}',
        '{"url": "u", "results": ["a"], "started": "2026-01-01T00:00:00", "seconds": 1}',
        '{"url": "u", "started": "yesterday", "seconds": 1}',
    ],
)
def test_a_file_that_is_no_sample_is_named(folder: Path, text: str) -> None:
    (folder / "broken.json").write_text(text)

    with pytest.raises(SampleFileError, match=r"broken\.json holds no sample\. Take it out"):
        stats.pool(folder)


@pytest.mark.parametrize("expected", ["half", [], 3, {"1.0": "half"}, {"1.0": None}, {"1.0": 2}])
def test_an_expectation_that_is_none_is_named(folder: Path, expected: object) -> None:
    content = json.loads((folder / "anna.json").read_text())
    (folder / "anna.json").write_text(json.dumps({**content, "expected": expected}))

    with pytest.raises(SampleFileError, match=r"anna\.json holds no sample"):
        stats.pool(folder)


def test_a_file_of_nothing_but_brackets_is_named(folder: Path) -> None:
    (folder / "broken.json").write_text("[" * 200_000)

    with pytest.raises(SampleFileError, match=r"broken\.json holds no sample"):
        stats.pool(folder)


def test_a_copy_counts_once_whatever_an_editor_added(folder: Path) -> None:
    content = json.loads((folder / "anna.json").read_text())
    text = json.dumps({**content, "comment": "mine"})
    (folder / "anna (1).json").write_text(text, encoding="utf-8-sig")

    pooled = stats.pool(folder)

    assert len(pooled.learners) == 3
    assert "anna (1).json is a copy of anna.json" in pooled._repr_html_()


def test_a_file_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "broken.json").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SampleFileError, match=r"broken\.json holds no sample"):
        stats.pool(folder)


def test_a_version_that_is_no_text_is_named(folder: Path) -> None:
    content = json.loads((folder / "anna.json").read_text())
    content["results"][0]["version"] = 2
    (folder / "anna.json").write_text(json.dumps(content))

    with pytest.raises(SampleFileError, match=r"anna\.json holds no sample"):
        stats.pool(folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SampleFileError, match=r"holds no file \*\.json\. Put a file"):
        stats.pool(tmp_path)


@pytest.mark.parametrize("name", ["anna.json", "missing"])
def test_what_is_no_folder_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(SampleFileError, match=r"is not a folder\. Give the folder"):
        stats.pool(folder / name)


def test_samples_of_different_ratios_are_not_pooled(folder: Path) -> None:
    half = sample_with(7, start=9).with_expected({"1.0": 0.5, "2.0": 0.5})
    half.export(folder / "dora.json")

    with pytest.raises(
        ValueError, match=r"of anna 25 % was expected of version 2\.0, and in that of dora 50 %"
    ):
        stats.pool(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"keep_alive": 3}, "connections were new for each request, and in that of dora"),
        ({"balanced_per": "request"}, "chosen for each connection, and in that of dora"),
        ({"expected": None}, r"25 % was expected of version 2\.0, and in that of dora no share"),
    ],
)
def test_samples_measured_in_different_ways_are_not_pooled(
    folder: Path, change: dict[str, Any], words: str
) -> None:
    replace(sample_with(4, start=9), **change).export(folder / "dora.json")

    with pytest.raises(ValueError, match=words):
        stats.pool(folder)


def test_requests_over_kept_connections_count_as_draws_of_their_connections() -> None:
    results = [RequestResult(0.0, 0.1, version="1.0", connection=each % 2) for each in range(100)]
    kept = Sample("u", tuple(results), datetime.fromtimestamp(0, UTC), 1.0, keep_alive=2)

    found = results_of([LearnersSample("anna", kept), LearnersSample("ben", kept)])

    assert found.pooled.interval == stats.wilson(4, 4)


def test_a_learner_without_an_answer_is_shown_and_not_compared() -> None:
    failed = sample_with(3, start=9)
    failed = Sample(
        failed.url,
        tuple(each._replace(failure="reset") for each in failed.results),
        failed.started,
        1.0,
        expected=QUARTER,
    )

    found = results_of([*learners([4, 3, 5]), LearnersSample("zoe", failed)])

    assert found.pooled.total == 45
    assert found.spread == results_of(learners([4, 3, 5])).spread
    assert "no answer" in found._repr_html_()


def test_a_class_without_learners_is_refused() -> None:
    with pytest.raises(ValueError, match=r"There is no sample to pool\. Give"):
        results_of([])


def test_one_learner_has_no_spread() -> None:
    assert results_of(learners([4])).spread is None


@pytest.mark.parametrize("hits", [0, 15])
def test_a_share_of_zero_or_one_has_no_spread(hits: int) -> None:
    assert results_of(learners([hits, hits])).spread is None


@over_random_inputs
@given(st.lists(hits_of_totals(60), min_size=2, max_size=8))
def test_the_spread_is_judged_as_statsmodels_judges_it(pairs: list[tuple[int, int]]) -> None:
    hits, totals = zip(*pairs, strict=True)
    if 0 < sum(hits) < sum(totals):
        _, theirs, _ = proportions_chisquare(hits, totals)
        found = results_of(
            LearnersSample(str(number), sample_with(*pair)) for number, pair in enumerate(pairs)
        )

        assert found.spread
        assert found.spread.p_value == pytest.approx(theirs, rel=1e-9, abs=1e-300)


def test_random_classes_are_as_spread_as_the_binomial_says() -> None:
    random = Random(10)
    classes = [
        [sum(random.random() < 0.25 for _ in range(40)) for _ in range(25)] for _ in range(100)
    ]
    spreads = [of_hits(each).spread for each in classes]

    assert sum(each.p_value < 0.05 for each in spreads if each) == pytest.approx(5, abs=5)
    assert all(each.is_binomial for each in spreads if each)


def of_hits(hits: Sequence[int]) -> stats.ClassResults:
    """The results of a class with 40 requests each."""
    return results_of(learners(hits, 40))


def test_equal_samples_differ_less_than_chance_explains() -> None:
    assert "differ less than chance explains" in repr(of_hits([10] * 30))


def test_a_class_of_two_clusters_differs_more_than_chance_explains() -> None:
    assert "differ more than chance explains" in repr(of_hits([4, 20] * 10))
