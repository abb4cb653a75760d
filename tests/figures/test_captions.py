"""The sentence above a picture is true, whatever was measured."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from canarylab import stats
from canarylab.figures import plot_pods, plot_steps, plot_versions
from canarylab.figures.captions import versions_title
from canarylab.traffic import Sample
from tests.figures.samples import AWKWARD, even_pods, many_pods, sample, versions


@pytest.mark.parametrize(
    ("shown", "title"),
    [
        (versions(30, 10), "Each version answered about as often as its pods suggest"),
        (versions(100, 100), "Version 2.0 answered more often than its pods suggest"),
        (versions(195, 5), "Version 2.0 answered less often than its pods suggest"),
        (versions(2, 1), "The answers fit the pods, but 3 answers are too few to judge"),
        (versions(9, 0), "Version 2.0 did not answer, as may happen among 9 answers"),
        (
            AWKWARD["one kept connection"],
            "The answers fit the pods, but 1 connection is too few to judge",
        ),
        (AWKWARD["one version"], "Version 1.0 answered every request, as its pods suggest"),
        (AWKWARD["nothing sent"], "No request was sent"),
        (AWKWARD["nothing answered"], "None of 16 requests was answered"),
        (AWKWARD["nothing expected"], "Version 2.0 answered 10 of 40 requests"),
        (AWKWARD["expected at the end"], "Version 1.0 answered, though no ready pod runs it"),
        (Sample.from_versions([None, None]), "No answer named its version"),
        (Sample.from_versions(["2.0", "2.0"]), "Version 2.0 answered every request"),
    ],
)
def test_the_finding_about_versions(shown: Sample, title: str) -> None:
    assert plot_versions(shown).title == title


@pytest.mark.parametrize(
    ("shown", "title"),
    [
        (versions(30, 10), "Each version answered about as often as the rules suggest"),
        (versions(100, 100), "Version 2.0 answered more often than the rules suggest"),
        (versions(2, 1), "The answers fit the rules, but 3 answers are too few to judge"),
        (AWKWARD["one version"], "Version 1.0 answered every request, as the rules suggest"),
        (
            AWKWARD["expected at the end"],
            "Version 1.0 answered, though by the rules it should not",
        ),
    ],
)
def test_where_an_ingress_splits_its_rules_suggest(shown: Sample, title: str) -> None:
    assert plot_versions(replace(shown, expected_from="rules")).title == title


@pytest.mark.parametrize("total", [1, 7, 40, 200])
def test_as_often_as_expected_is_said_only_where_every_interval_holds_it(total: int) -> None:
    for canary in range(total + 1):
        shown = versions(total - canary, canary)
        shares = stats.shares(shown)
        fits = all(each.contains_expected for each in shares)
        said = versions_title(shown, shares)
        says_so = re.search("about as often|fit the pods|as may happen", said) is not None
        assert says_so == fits


@pytest.mark.parametrize(
    ("shown", "title"),
    [
        (even_pods(4), "Each of 4 pods answered about as often as expected"),
        (many_pods(19), "19 of 20 pods answered about as often as expected"),
        (AWKWARD["one version"], "The one pod answered about as often as expected"),
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


@pytest.mark.parametrize(
    ("second", "title"),
    [
        (versions(150, 50), "At each step version 2.0 answered about as its pods suggest"),
        (versions(100, 100), "At 1 of 2 steps version 2.0 answered about as its pods suggest"),
        (sample({("2.0", "a"): 9}), "Version 2.0 answered 25 % at first and 100 % at last"),
        (AWKWARD["nothing answered"], "Version 2.0 answered 25 % at first and 25 % at last"),
    ],
)
def test_the_finding_about_steps(second: Sample, title: str) -> None:
    assert plot_steps([("one", versions(30, 10)), ("two", second)]).title == title


def test_steps_that_nobody_answered_have_no_share() -> None:
    nobody = AWKWARD["nothing answered"]
    assert (
        plot_steps([("one", nobody), ("two", nobody)]).title
        == "No request was answered at any step"
    )


def test_steps_by_pods_and_by_rules_are_as_expected() -> None:
    by_pods, by_rules = versions(30, 10), replace(versions(30, 10), expected_from="rules")
    steps = [("replicas", by_pods), ("weight", by_rules)]
    assert plot_steps(steps).title == "At each step version 2.0 answered about as expected"
