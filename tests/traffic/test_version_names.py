"""Expected versions are tags of images, observed ones are what answers say."""

from __future__ import annotations

from datetime import UTC, datetime

from canarylab.traffic import Expectation, RequestResult, Sample
from canarylab.traffic.version_names import with_common_names

STARTED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TAGS = {"a": "stable", "b": "stable", "c": "next"}
SHARES = {"next": 1 / 3, "stable": 2 / 3}
PODS = dict.fromkeys("abc", 1 / 3)


def compared(*answers: tuple[str | None, str | None], tags: dict[str, str] = TAGS) -> Sample:
    """Answers that name a version and a pod, beside what the tags of the pods suggest."""
    results = tuple(
        RequestResult(0.1, 0.001, version, pod, 200, connection=number)
        for number, (version, pod) in enumerate(answers)
    )
    shares = SHARES if tags is TAGS else dict.fromkeys(tags.values(), 0.5)
    taken = Sample("http://127.0.0.1/", results, STARTED, 1.0)
    return with_common_names(
        taken.with_expectations([Expectation(0.0, shares, dict.fromkeys(tags, 1 / len(tags)))]),
        tags,
    )


def test_names_that_meet_stay() -> None:
    sample = compared(("stable", "a"), ("next", "c"))
    assert (sample.expected, sample.notes) == (SHARES, ())


def test_one_name_that_meets_is_enough() -> None:
    sample = compared(("stable", "a"), ("nobody", "c"))
    assert (sample.by_version["nobody"], sample.expected) == (1, SHARES)


def test_the_names_of_the_answers_are_learned_from_their_pods() -> None:
    sample = compared(("1.0", "a"), ("1.0", "b"), ("2.0", "c"))
    assert sample.expected == {"2.0": 1 / 3, "1.0": 2 / 3}
    assert sample.expectations[0].versions == sample.expected
    assert sample.notes == (
        "Pods with the image tag stable answer as version 1.0 and next answer as version 2.0; "
        "expected shares have these names.",
    )


def test_answers_without_a_version_count_as_the_tag_of_their_pod() -> None:
    sample = compared((None, "a"), (None, "c"))
    assert sample.by_version == {"next": 1, "stable": 1}
    assert "counts as the image tag of the pod that it names" in sample.notes[0]


def test_answers_that_name_nothing_are_not_compared() -> None:
    sample = compared((None, None), tags={"a": "1.27", "b": "1.28"})
    assert (sample.expected, sample.expected_pods) == (None, None)
    assert sample.notes == (
        "The pods run the image tags 1.27 and 1.28, and no answer names a version or a pod, so the "
        "shares of versions are not compared with the pods.",
    )


def test_such_a_summary_is_a_sentence_and_no_row() -> None:
    assert compared((None, None)).summary().rows == ()


def test_versions_that_belong_to_no_pod_are_not_compared() -> None:
    sample = compared(("1.0", None), ("2.0", None))
    assert sample.expected is None
    assert "the answers name the versions 1.0 and 2.0, so" in sample.notes[0]


def test_one_version_of_two_tags_is_not_compared() -> None:
    sample = compared(("1.0", "a"), ("1.0", "c"))
    assert (sample.expected, sample.expected_pods) == (None, PODS)


def test_without_answers_nothing_is_renamed() -> None:
    assert compared().expected == SHARES
