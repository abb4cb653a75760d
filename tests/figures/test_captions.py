"""The sentence above a picture is true, whatever was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canarylab import stats
from canarylab.figures import plot_pods, plot_versions
from canarylab.traffic import Sample
from tests.figures.samples import AWKWARD, Counts, even_pods, many_pods, sample, versions


@pytest.mark.parametrize("name", AWKWARD)
def test_the_title_about_versions_is_the_finding(name: str) -> None:
    assert plot_versions(AWKWARD[name]).title == stats.finding(AWKWARD[name]).sentence


def test_where_an_ingress_splits_its_rules_suggest() -> None:
    by_rules = replace(versions(100, 100), expected_from="rules")
    assert plot_versions(by_rules).title.startswith("Not what the rules suggest: version 2.0")


@pytest.mark.parametrize(
    ("shown", "title"),
    [
        (even_pods(4), "As expected: each of 4 pods answered its share of the requests"),
        (
            many_pods(19),
            "Not what the pods suggest, for 1 of 20 pods",
        ),
        (AWKWARD["one version"], "As expected: the one pod answered its share of the requests"),
        (AWKWARD["nothing expected"], "2 pods answered"),
        (AWKWARD["nothing answered"], "None of 16 requests was answered"),
        (Sample.from_versions(["1.0"]), "No answer named its pod"),
    ],
)
def test_the_finding_about_pods(shown: Sample, title: str) -> None:
    assert plot_pods(shown).title == title


def pods(*hits: int) -> Sample:
    """So many answers of each pod, all of them as likely."""
    names = [f"pod-{number}" for number in range(len(hits))]
    counts: Counts = {("1.0", name): number for name, number in zip(names, hits, strict=True)}
    return sample(counts).with_expected({"1.0": 1.0}, dict.fromkeys(names, 1 / len(hits)))


@pytest.mark.parametrize(
    ("shown", "title"),
    [
        (pods(2, 2), "Too few to judge: 4 answers"),
        (
            pods(100, 100, 100, 75, 99),
            "As expected for 4 of 5 pods; the other is an unlucky draw, about once in 46",
        ),
        (
            pods(100, 100, 99, 75, 124),
            "As expected for 3 of 5 pods; the others are unlucky draws, the rarest about once in "
            "200",
        ),
    ],
)
def test_pods_that_are_not_as_expected_are_counted(shown: Sample, title: str) -> None:
    assert plot_pods(shown).title == title


def test_many_intervals_come_with_a_word_about_luck() -> None:
    shown = " ".join(text.get_text() for text in plot_pods(many_pods(19)).figure.texts)
    assert "By chance alone, about one in twenty" in shown
