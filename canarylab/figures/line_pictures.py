"""Pictures over time, over the number of requests and over latency, each with its description."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from canarylab import stats
from canarylab.figures import INK, VersionStyle, version_styles
from canarylab.figures.drawing import DEFAULT_WIDTH, Axis
from canarylab.figures.line_chart import Band, Line, LineChart, Marks
from canarylab.figures.pictures import Picture, notes, share_axis, share_axis_end
from canarylab.stats import Interval
from canarylab.text import OTHER, count_noun, percent, sort_naturally, version_label
from canarylab.traffic.sample import Sample
from canarylab.traffic.sample_series import newest_version

_FEW = 15
"""Requests: as many as people send by hand."""
_MOST_POINTS = 400  # of a line
_DASHES = ("-", "--", "-.", ":")
"""By version: lines of one colour, as on a grey projector, differ in their dashes."""
_DECADE = (1, 2, 5)


def plot_convergence(sample: Sample, *, width: float = DEFAULT_WIDTH) -> Picture:
    """The share of the newest version after each answer, with its 95 % interval at that number.

    >>> plot_convergence(Sample.from_versions(["1.0", "1.0", "2.0", "1.0"] * 100)).title
    'After 15 requests the interval was 11 % to 52 %, after 400 it is 21 % to 29 %'
    """
    version = newest_version([sample])
    drawn = sample.versions_in_order()
    hits = _running_hits(drawn, version)
    points = _spread(len(drawn))
    intervals = [stats.wilson(hits[n - 1], n) for n in points]
    expected = (sample.expected or {}).get(version)
    last = max(len(drawn), 1)
    style = version_styles([version])[version]
    label = f"share of {version_label(version)}"
    shares = [(float(n), hits[n - 1] / n) for n in points]
    mark = [] if expected is None else [(0.0, expected), (float(last), expected)]
    end = share_axis_end([*(each.high for each in intervals[len(points) // 20 :]), expected or 0.0])
    chart = LineChart(
        title=_convergence_title(hits, len(drawn)),
        parts=[
            _band(points, intervals, "95 % interval", style),
            Line(shares, label, style.colour),
            Line(mark, f"expected {percent(expected or 0.0)}", dashes="--"),
        ],
        x_axis=_count_axis(f"{_drawn_things(sample)} so far", last),
        y_axis=share_axis("share of answers", end),
        notes=notes(sample, "Band"),
        width=width,
    )
    rows = [
        f"After {n:,}: {hits[n - 1]:,} of {n:,}, {percent(hits[n - 1] / n)}, "
        f"interval {stats.wilson(hits[n - 1], n)}."
        for n in _milestones(len(drawn))
    ]
    return line_picture("Line plot with a band", chart, rows)


def plot_latency(sample: Sample, *, width: float = DEFAULT_WIDTH) -> Picture:
    """The share of the answers of each version that took at most so long.

    It is the empirical distribution function: no bins, and the slowest answers are seen.

    >>> plot_latency(Sample.from_versions([])).title
    'No request was answered'
    """
    times = latencies_ms(sample)
    every = [time for found in times.values() for time in found]
    styles = version_styles(times)
    x_axis = _log_axis("time until the whole answer had arrived", every)
    lines = [
        Line(
            _distribution(found, x_axis),
            version_label(name),
            styles[name].colour,
            _DASHES[place % len(_DASHES)],
            is_stepped=True,
        )
        for place, (name, found) in enumerate(times.items())
    ]
    who = [
        f"{version_label(name)} within {ms(quantile(each, 0.99))}" for name, each in times.items()
    ]
    chart = LineChart(
        title=f"99 % of the answers: {', '.join(who)}" if times else "No request was answered",
        parts=lines,
        x_axis=x_axis,
        y_axis=share_axis("share of answers that took no longer", 1.0),
        notes=notes(sample)[1:] + _latency_notes(sample),
        width=width,
    )
    rows = [
        f"{version_label(name).capitalize()}, {count_noun(len(each), 'answer')}: half within "
        f"{ms(quantile(each, 0.5))}, 95 % within {ms(quantile(each, 0.95))}, 99 % within "
        f"{ms(quantile(each, 0.99))}, the slowest {ms(each[-1])}."
        for name, each in times.items()
    ]
    return line_picture("Line plot of the distribution of latency", chart, rows)


def plot_sample_sizes(
    share: float, margins: Sequence[float] = (0.1, 0.05, 0.02), *, width: float = DEFAULT_WIDTH
) -> Picture:
    """How many requests a sample needs to come so near to the true share, 19 times of 20.

    >>> plot_sample_sizes(0.25).title
    'To come within 5 points of a share of 25 %, a sample needs 289 requests'
    """
    needed = [(margin, stats.requests_needed(share, margin)) for margin in sorted(margins)[::-1]]
    largest, smallest = min(2 * needed[0][0], 0.5), needed[-1][0] / 2
    steps = [largest * (smallest / largest) ** (step / 60) for step in range(61)]
    curve = [(float(stats.requests_needed(share, each)), each) for each in steps]
    middle, number = needed[len(needed) // 2]
    end = share_axis_end(each for _, each in curve)
    chart = LineChart(
        title=f"To come within {points(middle)} of a share of {percent(share)}, a sample needs "
        f"{count_noun(number, 'request')}",
        parts=[
            Line(curve, "19 samples of 20 are nearer", version_styles(["2.0"])["2.0"].colour),
            Marks([(n, margin) for margin, n in needed], "as many as are needed", INK, "o"),
        ],
        x_axis=_log_axis("requests, each over a connection of its own", [n for n, _ in curve], ""),
        y_axis=Axis(
            "distance from the true share, in percentage points",
            0.0,
            end,
            {end * step / 4: f"{25 * end * step:g}" for step in range(5)},
        ),
        notes=["; ".join(f"{points(each)}: {n:,}" for each, n in needed)],
        width=width,
    )
    rows = [f"Within {points(each)}: {n:,} requests." for each, n in needed]
    return line_picture("Line plot", chart, rows)


def line_picture(kind: str, chart: LineChart, rows: Sequence[str]) -> Picture:
    """Describe a plot over two axes from the numbers that are drawn."""
    axes = " and ".join(
        f"the {where} axis is the {axis.title}, from {start} to {end}"
        for where, axis in (("horizontal", chart.x_axis), ("vertical", chart.y_axis))
        for start, *_, end in [list(axis.ticks.values())]
    )
    small_print = " ".join(f"{note.rstrip('.')}." for note in chart.notes if note)
    return Picture(chart, f"{kind}; {axes}. {chart.title}. {' '.join(rows)} {small_print}")


def latencies_ms(sample: Sample) -> dict[str, list[float]]:
    """The times of the answers of each version in ms, sorted; failed requests are in none."""
    found: dict[str, list[float]] = {}
    for each in sample.results:
        if each.failure is None:
            found.setdefault(each.version or OTHER, []).append(1000 * each.latency_s)
    return {name: sorted(found[name]) for name in sort_naturally(found)}


def quantile(times: Sequence[float], share: float) -> float:
    """The smallest of the sorted times that so large a share of them does not exceed.

    >>> quantile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    return times[max(math.ceil(share * len(times)), 1) - 1]


def ms(time: float) -> str:
    """A time in milliseconds, with a decimal below 10.

    >>> ms(3.21), ms(214.0)
    ('3.2 ms', '214 ms')
    """
    return f"{time:,.1f} ms" if time < 10 else f"{time:,.0f} ms"


def points(margin: float) -> str:
    """A difference of shares in percentage points.

    >>> points(0.05), points(0.01)
    ('5 points', '1 point')
    """
    number = f"{100 * margin:.2g}"
    return f"{number} point{'' if number == '1' else 's'}"


def _convergence_title(hits: Sequence[int], total: int) -> str:
    if not total:
        return "No request was answered"
    now = stats.wilson(hits[-1], total)
    if total <= _FEW:
        return f"After {count_noun(total, 'request')} the interval is {now}"
    before = stats.wilson(hits[_FEW - 1], _FEW)
    return f"After {_FEW} requests the interval was {before}, after {total:,} it is {now}"


def _drawn_things(sample: Sample) -> str:
    return "requests" if sample.trials == sample.answered else "connections"


def _running_hits(drawn: Sequence[str], version: str) -> list[int]:
    hits, so_far = [], 0
    for name in drawn:
        so_far += name == version
        hits.append(so_far)
    return hits


def _spread(total: int) -> list[int]:
    """Numbers from 1 to the total: each of the first, then ever fewer."""
    if total <= _MOST_POINTS:
        return list(range(1, total + 1))
    steps = [round(total ** (step / (_MOST_POINTS - 1))) for step in range(_MOST_POINTS)]
    even = [round(total * step / _MOST_POINTS) for step in range(1, _MOST_POINTS + 1)]
    return sorted({*steps, *even} - {0})


def _milestones(total: int) -> list[int]:
    wanted = (5, _FEW, 50, 100, 200, 500, 1_000, 5_000, 20_000, 100_000)
    return [*(number for number in wanted if number < total), *([total] if total else [])]


def _band(
    numbers: Sequence[int], intervals: Sequence[Interval], label: str, style: VersionStyle
) -> Band:
    lower = [(float(n), each.low) for n, each in zip(numbers, intervals, strict=True)]
    upper = [(float(n), each.high) for n, each in zip(numbers, intervals, strict=True)]
    return Band(lower, upper, label, style)


def _count_axis(title: str, end: int) -> Axis:
    steps = (factor * 10**power for power in range(9) for factor in _DECADE)
    step = next(step for step in steps if end <= 6 * step)
    return Axis(title, 0.0, float(end), {float(n): f"{n:,}" for n in range(0, end + 1, step)})


def _log_axis(title: str, values: Iterable[float], unit: str = " ms") -> Axis:
    """A logarithmic axis whose ends are the powers of ten around the values."""
    found = [value for value in values if value > 0] or [1.0]
    first = math.floor(math.log10(min(found)))
    last = max(math.ceil(math.log10(max(found))), first + 1)
    ticks = {
        10.0**power: f"{10.0**power:,.{max(-power, 0)}f}{unit}" for power in range(first, last + 1)
    }
    return Axis(title, 10.0**first, 10.0**last, ticks, is_log=True)


def _distribution(times: Sequence[float], axis: Axis) -> list[tuple[float, float]]:
    """The corners of the distribution function, at most so many as can be seen."""
    total = len(times)
    kept = range(total) if total <= _MOST_POINTS else _tail_indexes(total)
    inside = [(max(times[place], axis.start), (place + 1) / total) for place in kept]
    return [(axis.start, 0.0), *inside, (axis.end, 1.0)]


def _tail_indexes(total: int) -> list[int]:
    """Places in a sorted list: evenly spread, and each of the slowest."""
    even = {total * step // _MOST_POINTS for step in range(_MOST_POINTS)}
    return sorted({*even, *range(total - _MOST_POINTS // 4, total)})


def _latency_notes(sample: Sample) -> list[str]:
    return ["The axis of times is logarithmic", *([sample.cluster] if sample.cluster else [])]
