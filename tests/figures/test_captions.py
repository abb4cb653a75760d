"""The sentence above a picture is true, whatever was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canarylab import stats
from canarylab.figures import plot_pods, plot_versions
from canarylab.traffic import Sample
from tests.figures.samples import AWKWARD, even_pods, many_pods, versions


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
            "Not what the pods suggest, at 1 of 20 pods",
        ),
        (AWKWARD["one version"], "As expected: the one pod answered its share of the requests"),
        (AWKWARD["nothing expected"], "2 pods answered"),
        (AWKWARD["nothing answered"], "None of 16 requests was answered"),
        (Sample.from_versions(["1.0"]), "No answer named its pod"),
    ],
)
def test_the_finding_about_pods(shown: Sample, title: str) -> None:
    assert plot_pods(shown).title == title


def test_many_intervals_come_with_a_word_about_luck() -> None:
    shown = " ".join(text.get_text() for text in plot_pods(many_pods(19)).figure.texts)
    assert "By chance alone, about one in twenty" in shown
