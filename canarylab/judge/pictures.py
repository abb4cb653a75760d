"""Pictures of a decision, and the decision as one page of HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from canarylab.display import write_file
from canarylab.figures import INK, Picture, version_styles
from canarylab.figures.chart import Chart, Row
from canarylab.figures.drawing import Axis
from canarylab.figures.line_chart import Line, LineChart, Marks, Part
from canarylab.figures.line_pictures import count_axis, line_picture
from canarylab.judge.counts import Counts, StepCounts
from canarylab.stats import Share
from canarylab.stats.sequential import DEFAULT_ALPHA, confidence_sequence, evidence_text
from canarylab.text import percent, percentage_points, tolerated

if TYPE_CHECKING:
    from canarylab.judge.decision import Decision, Limits

_LEAST, _MOST = 1e-3, 1e6  # evidence on the axis
_STYLE = (
    "body{font-family:sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1d2733}"
    "table{border-collapse:collapse}td,th{padding:.3rem .8rem;border-bottom:1px solid #dfe4e8}"
    "img{max-width:100%;height:auto}"
)
_HOW = (
    "If the canary is no worse, its share of the failures is its share of the traffic, and the "
    "evidence is a fair bet against that claim: with a canary that is no worse it ever reaches "
    "{enough:g} in one release of {enough:g} at most. The canary is promoted when the highest rate "
    "that its failures do not contradict, less the lowest rate of production, is below "
    "{tolerance}. Both hold however often one looks (Ville's inequality; Robbins 1970; Lindon, "
    "Sanden and Shirikian 2022, arXiv 2205.14762)."
)


def plot_decision(decision: Decision) -> Picture:
    """The canary's share of the failures beside its share of the traffic, a row for each step.

    The bars are the shares that the counts do not contradict, however often one looks. With one
    step, the judge rolls back when and only when the bar of the failures is to the right of the
    mark; the evidence of several steps is multiplied.
    """
    alpha = decision.limits.alpha if decision.limits else DEFAULT_ALPHA
    style = version_styles(["2.0"])["2.0"]
    rows = [
        Row(label, _share(counts, step.share, alpha), style)
        for number, step in enumerate(decision.steps, 1)
        for label, counts in _rows_of(step, number, len(decision.steps))
    ]
    several = ["The evidence of the steps is multiplied"] if len(decision.steps) > 1 else []
    bars = (
        f"Bars: what the counts do not contradict, however often one looks ({percent(1 - alpha)})"
    )
    chart = Chart(
        decision.sentence.rstrip("."), rows, [bars, *several], mark="share of the traffic"
    )
    said = " ".join(
        f"{row.label}: {row.share.hits:,} of {row.share.total:,}, {percent(row.share.observed)}, "
        f"interval {row.share.interval}, share of the traffic {percent(row.share.expected or 0)}."
        for row in rows
    )
    alt = (
        "Dot plot with intervals; the axis is a share, from 0 % to 100 %. "
        f"{decision.sentence} {said} {' '.join(f'{note}.' for note in chart.notes)}"
    )
    return Picture(chart, alt)


def plot_evidence(decision: Decision) -> Picture:
    """The evidence that the canary fails more often, as it grew with the requests."""
    judge = _limits(decision)
    last = decision.looks[-1]
    grown = [
        (float(each.requests), min(max(math.exp(min(each.evidence, 50)), _LEAST), _MOST))
        for each in decision.looks
    ]
    axis = Axis(
        "evidence (logarithmic)",
        _LEAST,
        _MOST,
        {10.0**power: f"{10.0**power:,.{max(-power, 0)}f}" for power in range(-3, 7)},
        is_log=True,
    )
    title = (
        f"After {last.requests:,} requests the evidence is {evidence_text(last.evidence)}, and "
        f"{judge.enough:g} is enough to roll back"
    )
    labels = "evidence that the canary fails more often", f"enough to roll back: {judge.enough:g}"
    return _plot_looks(decision, _lines(grown, judge.enough, labels), title, axis)


def plot_difference(decision: Decision) -> Picture:
    """By how much the canary may fail more often than production, as it shrank."""
    judge = _limits(decision)
    last = decision.looks[-1]
    end = 0.2 if last.difference < 0.2 else 1.0
    axis = Axis(
        "difference of the failure rates, in percentage points",
        0.0,
        end,
        {end * step / 4: f"{25 * end * step:g}" for step in range(5)},
    )
    title = (
        f"After {last.requests:,} requests the canary may fail "
        f"{percentage_points(last.difference)} more often, and {tolerated(judge.tolerance)}"
    )
    grown = [(float(each.requests), min(each.difference, end)) for each in decision.looks]
    labels = "how much more often it may fail", f"tolerated: {percentage_points(judge.tolerance)}"
    return _plot_looks(decision, _lines(grown, judge.tolerance, labels), title, axis)


def save_report(decision: Decision, path: str | Path, *, at: datetime | None = None) -> Path:
    """Write the decision as a page that needs no other file, with the time, which is now."""
    place = Path(path)
    pictures = [plot_decision(decision)]
    how = ""
    if decision.looks:
        judge = _limits(decision)
        pictures += [plot_evidence(decision), plot_difference(decision)]
        how = _HOW.format(enough=judge.enough, tolerance=percentage_points(judge.tolerance))
    title = escape(f"Canary: {decision.verdict}")
    at = at or datetime.now(UTC)
    saved = f"Saved on {at:%d %B %Y at %H:%M} UTC. {_failure_words(decision.limits)}"
    shown = "".join(f"<p>{picture._repr_html_()}</p>" for picture in pictures)
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1><p>{escape(saved)}</p>"
        f"{decision.table()._repr_html_()}{shown}<p>{escape(how)}</p></body></html>\n"
    )
    return write_file(place, page)


def _failure_words(limits: Limits | None) -> str:
    slow = limits and limits.slower_than_s
    return "A failure is a request that was lost, or answered with a status of 500 or more" + (
        f", or after more than {slow:.3g} s." if slow else "."
    )


def _lines(
    grown: Sequence[tuple[float, float]], limit: float, labels: tuple[str, str]
) -> list[Part]:
    """What grew or shrank from the first look on, and the limit that it may cross."""
    last, (label, meaning), style = grown[-1][0], labels, version_styles(["2.0"])["2.0"]
    return [
        Line(grown, label, style.colour)
        if len(grown) > 1
        else Marks(grown, label, style.colour, style.marker),
        Line([(0.0, limit), (last, limit)], meaning, INK, "--"),
    ]


def _plot_looks(decision: Decision, lines: Sequence[Part], title: str, y_axis: Axis) -> Picture:
    last = decision.looks[-1].requests
    chart = LineChart(title, lines, count_axis("requests to both versions", max(last, 1)), y_axis)
    several = decision.looks[:: max(1, len(decision.looks) // 5)]
    rows = [
        f"After {each.requests:,} requests: evidence {evidence_text(each.evidence)}, "
        f"{percentage_points(each.difference)}."
        for each in several
    ]
    return line_picture("Line plot", chart, rows)


def _rows_of(step: StepCounts, number: int, steps: int) -> list[tuple[str, Counts]]:
    """The canary's part of the failures; with one step, of the requests too."""
    failures = Counts(step.failures, step.canary.failures)
    if steps > 1:
        return [(f"Failures in step {number}", failures)]
    requests = Counts(step.requests, step.canary.requests)
    return [
        ("Canary's share of the requests", requests),
        ("Canary's share of the failures", failures),
    ]


def _share(counts: Counts, expected: float, alpha: float) -> Share:
    interval = confidence_sequence(counts.failures, counts.requests, alpha=alpha)
    return Share("canary", counts.failures, counts.requests, interval, expected)


def _limits(decision: Decision) -> Limits:
    if decision.limits is None or not decision.looks:
        raise ValueError(
            "This judge compares the canary with a fixed limit and weighs no evidence. Draw the "
            "decision of a `Judge`."
        )
    return decision.limits
