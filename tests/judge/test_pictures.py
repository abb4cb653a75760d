"""Pictures of a decision say what it says, and a report is one page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from canarylab.errors import SetupError
from canarylab.figures.line_chart import LineChart
from canarylab.figures.line_pictures import count_axis
from canarylab.judge import Counts, Decision, Judge, StepCounts, ThresholdJudge
from canarylab.judge.decision import Look
from canarylab.judge.pictures import save_report
from tests.judge.releases import answers, release

WORSE = StepCounts(0.25, canary=Counts(40, 8), production=Counts(120, 2))


def decided() -> Decision:
    return Judge().decide(release(answers("1.0", 300, failed=3), answers("2.0", 100, failed=15)))


def test_the_picture_is_that_of_a_split_of_the_failures() -> None:
    picture = Judge().decide(WORSE).plot()
    assert picture.title == "Roll back: the canary has 8 of 10 failures and 25 % of the traffic"
    assert "Canary's share of the failures: 8 of 10, 80 %, interval 35 % to 99 %" in picture.alt


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("canary_failures", range(7, 31))
def test_the_bar_misses_the_mark_when_and_only_when_the_judge_rolls_back(
    canary_failures: int, alpha: float
) -> None:
    step = StepCounts(0.25, Counts(90, canary_failures), Counts(270, 30 - canary_failures))
    decision = Judge(alpha=alpha).decide(step)
    _, failures = decision.plot().chart.rows  # type: ignore[union-attr]
    assert failures.share.misses == (decision.verdict == "roll back")


def test_each_step_has_its_own_bar_and_mark() -> None:
    steps = [
        StepCounts(0.05, Counts(20, 2), Counts(380, 3)),
        StepCounts(0.5, Counts(200, 12), Counts(200, 2)),
    ]
    picture = Judge().decide(steps).plot()
    assert "Failures in step 1: 2 of 5, 40 %" in picture.alt
    assert "share of the traffic 5 %" in picture.alt
    assert "Failures in step 2: 12 of 14, 86 %" in picture.alt
    assert "The evidence of the steps is multiplied." in picture.alt


def test_the_caption_says_how_sure_the_bars_are() -> None:
    assert "however often one looks (99 %)" in Judge(alpha=0.01).decide(WORSE).plot().alt


def test_the_evidence_is_drawn_beside_what_is_enough() -> None:
    picture = decided().plot_evidence()
    assert "and 20 is enough to roll back" in picture.title
    dashed = [line for line in picture.figure.axes[0].lines if line.get_linestyle() == "--"]
    assert len(dashed) == 2  # the limit, and its sample in the key


def test_nothing_is_drawn_before_the_first_look() -> None:
    """A release that goes on begins with the counts of earlier calls."""
    looks = (Look(1200, 1.1, 0.05), Look(1400, 1.3, 0.04))
    going_on = replace(decided(), looks=looks)
    for picture in (going_on.plot_evidence(), going_on.plot_difference()):
        chart = picture.chart
        assert isinstance(chart, LineChart)
        assert [x for x, _ in chart.parts[0].values()] == [1200, 1400]


def test_the_difference_is_drawn_beside_what_is_tolerated() -> None:
    assert decided().plot_difference().title.endswith("2 points are tolerated")


@pytest.mark.parametrize("step", [StepCounts(0.25, Counts(0, 0), Counts(0, 0)), WORSE])
def test_even_a_decision_on_nothing_can_be_drawn(step: StepCounts) -> None:
    decision = Judge().decide(step)
    for picture in (decision.plot(), decision.plot_evidence(), decision.plot_difference()):
        assert picture.png.startswith(b"\x89PNG")


def test_a_judge_without_evidence_has_no_picture_of_it() -> None:
    with pytest.raises(ValueError, match="weighs no evidence"):
        ThresholdJudge().decide(WORSE).plot_evidence()


class _Page(HTMLParser):
    """What a page loads, and its pictures' text alternatives."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.alternatives: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the pictures; fail for anything that is loaded otherwise."""
        given = dict(attrs)
        assert tag not in {"script", "link", "iframe"}
        if tag == "img":
            self.sources.append(given["src"] or "")
            self.alternatives.append(given["alt"] or "")


def test_a_report_is_one_page_with_its_pictures_in_it(tmp_path: Path) -> None:
    text = decided().save(tmp_path / "report.html").read_text()
    page = _Page(text)
    assert len(page.sources) == 3
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert all(page.alternatives)
    assert "roll back" in text
    assert "arXiv 2205.14762" in text


def test_a_report_says_when_it_was_saved_and_what_a_failure_was(tmp_path: Path) -> None:
    decision = Judge(slower_than_s=0.2).decide(WORSE)
    at = datetime(2026, 11, 29, 3, 15, tzinfo=UTC)
    text = save_report(decision, tmp_path / "report.html", at=at).read_text()
    assert "Saved on 29 November 2026 at 03:15 UTC." in text
    assert "a status of 500 or more, or after more than 0.2 s." in text


def test_a_report_of_a_threshold_has_one_picture(tmp_path: Path) -> None:
    text = ThresholdJudge().decide(WORSE).save(tmp_path / "report.html").read_text()
    assert len(_Page(text).sources) == 1


def test_a_report_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be written: Is a directory"):
        decided().save(tmp_path)


def test_the_axis_of_any_number_of_requests_has_a_few_ticks() -> None:
    assert 2 <= len(count_axis("requests", 4e9).ticks) <= 7
