"""Pictures over time, over the number of requests and over latency, each with its description."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from canarylab import stats
from canarylab.figures import INK, MUTED, VersionStyle, version_styles
from canarylab.figures.drawing import DEFAULT_WIDTH, Axis
from canarylab.figures.line_chart import Band, Bars, Line, LineChart, Marks
from canarylab.figures.pictures import Picture, notes, share_axis, share_axis_end
from canarylab.stats import ClassResults, Interval, Share
from canarylab.text import (
    OTHER,
    count_noun,
    percent,
    percentage_points,
    sort_naturally,
    version_label,
)
from canarylab.traffic.sample import Sample
from canarylab.traffic.sample_series import Samples, newest_version
from canarylab.traffic.sample_tables import milliseconds, percentile

_RARE = 0.05
"""Samples: where the binomial distribution suggests fewer, a bar is drawn only if there is one."""
_MANY = 50  # samples, for narrow bars
_FEW = 15
"""Requests: as many as people send by hand."""
_MOST_POINTS = 400  # of a line
_MOST_LOOKS = 5_000
_DASHES = ("-", "--", "-.", ":")
"""By version: lines of one colour, as on a grey projector, differ in their dashes."""
_DECADE = (1, 2, 5)
_WINDOWS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
_MOST_WINDOWS, _ANSWERS_PER_WINDOW = 60, 30


def plot_convergence(
    sample: Sample, *, with_sequence: bool = False, width: float = DEFAULT_WIDTH
) -> Picture:
    """The share of the newest version after each answer, with its 95 % interval at that number.

    `with_sequence` adds the confidence sequence, which holds at all of these numbers together.

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
    sequence = [stats.confidence_sequence(hits[n - 1], n) for n in points if with_sequence]
    title = _convergence_title(hits, len(drawn))
    if sequence and expected is not None:
        title = _looks_title(expected, hits)
    chart = LineChart(
        title=title,
        parts=[
            _band(points, intervals, "95 % interval", style),
            *_sequence_lines(points, sequence),
            Line(shares, label, style.colour),
            Line(mark, f"expected {percent(expected or 0.0)}", dashes="--"),
        ],
        x_axis=count_axis(f"{_drawn_things(sample)} so far", float(last)),
        y_axis=share_axis("share of answers", end),
        notes=notes(sample, "Band"),
        width=width,
    )
    rows = [
        f"After {n:,}: {hits[n - 1]:,} of {n:,}, {percent(hits[n - 1] / n)}, "
        f"interval {stats.wilson(hits[n - 1], n)}"
        + (f", sequence {stats.confidence_sequence(hits[n - 1], n)}." if with_sequence else ".")
        for n in _milestones(len(drawn))
    ]
    return line_picture("Line plot with a band", chart, rows)


def plot_over_time(sample: Sample, *, width: float = DEFAULT_WIDTH) -> Picture:
    """The share of the newest version as time passes, the expected share as steps, lost requests.

    >>> plot_over_time(Sample.from_versions(["1.0", "2.0"] * 50)).title
    'Version 2.0 answered 50 % of 100 requests; none was lost'
    """
    version, end = newest_version([sample]), max(sample.seconds, _last_sent(sample), 0.1)
    windows = _windows(sample, version, end)
    middles = [window.middle_s for window in windows]
    steps = _expected_steps(sample, version, end)
    intervals = [stats.wilson(window.hits, window.answers) for window in windows]
    style = version_styles([version])[version]
    lost = sorted({round(each.when_s, 2) for each in sample.results if each.failure})
    chart = LineChart(
        title=_title_over_time(sample, version, steps),
        parts=[
            _band(middles, intervals, "95 % interval", style),
            Line(
                [(each.middle_s, each.hits / each.answers) for each in windows],
                f"share of {version_label(version)}",
                style.colour,
            ),
            Line(steps, "expected from ready pods", dashes="--", is_stepped=True),
            Marks([(each, 0.0) for each in lost], "lost requests"),
        ],
        x_axis=count_axis("seconds since the start", end),
        y_axis=share_axis("share of answers", 1.0),
        notes=[f"Each point is {_window_text(sample, end)}", *notes(sample, "Band")],
        width=width,
    )
    rows = [
        f"At {each.middle_s:.3g} s: {each.hits:,} of {each.answers:,}, "
        f"{percent(each.hits / each.answers)}."
        for each in windows
    ]
    return line_picture("Line plot over time", chart, rows)


def plot_latency(sample: Sample, *, width: float = DEFAULT_WIDTH) -> Picture:
    """The share of the answers of each version that took at most so long.

    It is the empirical distribution function: no bins, and the slowest answers are seen.

    >>> plot_latency(Sample.from_versions([])).title
    'No request was answered'
    """
    times = latencies_s(sample)
    every = [1000 * time for found in times.values() for time in found]
    styles = version_styles(times)
    x_axis = _log_axis("time until the whole answer had arrived", every)
    lines = [
        Line(
            _distribution([1000 * time for time in found], x_axis),
            version_label(name),
            styles[name].colour,
            _DASHES[place % len(_DASHES)],
            is_stepped=True,
        )
        for place, (name, found) in enumerate(times.items())
    ]
    who = [f"{version_label(name)} within {_within(each, 0.99)}" for name, each in times.items()]
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
        f"{_within(each, 0.5)}, 95 % within {_within(each, 0.95)}, 99 % within "
        f"{_within(each, 0.99)}, the slowest {milliseconds(each[-1])}."
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
        title=f"To come within {percentage_points(middle)} of a share of {percent(share)}, a "
        f"sample needs {count_noun(number, 'request')}",
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
        notes=["; ".join(f"{percentage_points(each)}: {n:,}" for each, n in needed)],
        width=width,
    )
    rows = [f"Within {percentage_points(each)}: {n:,} requests." for each, n in needed]
    return line_picture("Line plot", chart, rows)


def plot_histogram(samples: Samples, *, width: float = DEFAULT_WIDTH) -> Picture:
    """How many samples found which share of the newest version, beside the binomial distribution.

    >>> from canarylab.traffic import Samples
    >>> one = Sample.from_versions(["1.0", "2.0"] * 20).with_expected({"1.0": 0.5, "2.0": 0.5})
    >>> plot_histogram(Samples((one, one))).title
    'In 2 samples of 40 requests version 2.0 answered 50 %, expected 50 %'
    """
    shares, draws = samples.shares(), [each.trials for each in samples.samples]
    expected = {each.expected for each in shares}
    found = _Histogram.of(shares, draws, expected.pop() if len(expected) == 1 else None)
    sizes = sorted({each.total for each in samples.samples})
    size = "to ".join(f"{each:,} " for each in {sizes[0]: 0, sizes[-1]: 0}) if sizes else ""
    of = f"{size}request{'s' * (sizes != [1])}"
    who = version_label(samples.version)
    title = "No request was answered"
    if found.shares:
        many = count_noun(len(found.shares), "sample")
        mark = "" if found.expected is None else f", expected {percent(found.expected)}"
        title = f"In {many} of {of} {who} answered {found.range}{mark}"
    small_print = [*_likely(found), _unanswered(shares, "sample"), samples.interruption]
    return _histogram_picture(found, ("sample", title, samples.version), small_print, width)


def plot_class_results(results: ClassResults, *, width: float = DEFAULT_WIDTH) -> Picture:
    """How many learners found which share, beside what the binomial distribution suggests.

    >>> from canarylab.stats.class_results import LearnersSample, results_of
    >>> sample = Sample.from_versions(["1.0", "2.0"] * 20)
    >>> plot_class_results(results_of([LearnersSample("anna", sample)])).title
    '1 learner found 50 %'
    """
    pooled = results.pooled
    found = _Histogram.of(results.learners, results.draws, pooled.expected)
    title = "No request was answered"
    if found.shares:
        title = f"{count_noun(len(found.shares), 'learner')} found {found.range}"
    if len(found.shares) > 1:
        title += f"; together {percent(pooled.observed)}, interval {pooled.interval}"
    small_print = [
        *_likely(found),
        str(results.spread or ""),
        _unanswered(results.learners, "learner"),
        *results.notes,
    ]
    return _histogram_picture(found, ("learner", title, results.version), small_print, width)


def line_picture(kind: str, chart: LineChart, rows: Sequence[str]) -> Picture:
    """Describe a plot over two axes from the numbers that are drawn."""
    axes = " and ".join(
        f"the {where} axis is the {axis.title}, marked from {start} to {end}"
        for where, axis in (("horizontal", chart.x_axis), ("vertical", chart.y_axis))
        for start, *_, end in [list(axis.ticks.values())]
    )
    small_print = " ".join(f"{note.rstrip('.')}." for note in chart.notes if note)
    return Picture(chart, f"{kind}; {axes}. {chart.title}. {' '.join(rows)} {small_print}")


def latencies_s(sample: Sample) -> dict[str, list[float]]:
    """The latencies of the answers of each version, sorted; failed requests are in none."""
    found: dict[str, list[float]] = {}
    for each in sample.results:
        if each.failure is None:
            found.setdefault(each.version or OTHER, []).append(each.latency_s)
    return {name: sorted(found[name]) for name in sort_naturally(found)}


class _Histogram(NamedTuple):
    """How often each share was found, and how often the binomial distribution suggests it."""

    shares: list[float]
    draws: list[int]
    """How many independent draws are behind each share."""
    expected: float | None
    counts: Mapping[int, int]
    """By number of the bar."""
    suggested: Mapping[int, float]
    hits_per_bar: int
    drawn: int
    """The draws that a bar stands for: those of the smallest sample."""

    @classmethod
    def of(cls, found: Sequence[Share], draws: Sequence[int], expected: float | None) -> _Histogram:
        """Count shares in bars that are half a standard deviation wide; for few shares, a whole."""
        pairs = [(each.observed, n) for each, n in zip(found, draws, strict=True) if each.total]
        if not pairs:
            return cls([], [], expected, {}, {}, 1, 1)
        drawn = min(n for _, n in pairs)
        hits, total = (sum(each) for each in zip(*((x * n, n) for x, n in pairs), strict=True))
        true = hits / total if expected is None else expected
        deviation = math.sqrt(drawn * true * (1 - true))
        per_bar = max(1, round(deviation * (0.5 if len(pairs) >= _MANY else 1.0)))

        def bar(share: float) -> int:
            return math.floor((share * drawn + 0.5 + 1e-9) / per_bar)

        counts = Counter(bar(share) for share, _ in pairs)
        suggested: defaultdict[int, float] = defaultdict(float)
        for n, number in Counter(n for _, n in pairs).items():
            for k, chance in enumerate(stats.draw_probabilities(true, n)):
                suggested[bar(k / n)] += number * chance
        shares, each_drawn = [share for share, _ in pairs], [n for _, n in pairs]
        return cls(shares, each_drawn, expected, counts, suggested, per_bar, drawn)

    @property
    def bars(self) -> range:
        """The numbers of the bars that are drawn: those without a gap around what is there."""
        likely = [n for n, each in self.suggested.items() if each >= _RARE]
        return range(min([*self.counts, *likely]), max([*self.counts, *likely]) + 1)

    def centre(self, bar: int) -> float:
        """The share in the middle of a bar."""
        return (bar * self.hits_per_bar + (self.hits_per_bar - 1) / 2) / self.drawn

    def label(self, bar: int) -> str:
        """The shares that a bar counts."""
        first = bar * self.hits_per_bar
        last = first + self.hits_per_bar - 1
        ends = [percent(min(max(each / self.drawn, 0.0), 1.0)) for each in (first, last)]
        return " to ".join(dict.fromkeys(ends))

    @property
    def bar_width(self) -> float:
        """As a share."""
        return self.hits_per_bar / self.drawn

    @property
    def range(self) -> str:
        """The smallest and the largest share that was found."""
        low, high = (percent(each) for each in (min(self.shares), max(self.shares)))
        return low if low == high else f"{low} to {high}"


def _histogram_picture(
    found: _Histogram, names: tuple[str, str, str], small_print: Sequence[str], width: float
) -> Picture:
    """The bars, a mark for what the binomial distribution suggests, and the expected share."""
    thing, title, version = names
    bars = found.bars if found.shares else range(0)
    counts = [(found.centre(bar), float(found.counts.get(bar, 0))) for bar in bars]
    filled = [(x, number) for x, number in counts if number]
    suggested = [(found.centre(bar), found.suggested.get(bar, 0.0)) for bar in bars]
    highest = max([4.0, *(1.05 * y for _, y in (*counts, *suggested))])
    half, mark = found.bar_width / 2, found.expected
    end = share_axis_end(min(x + half, 1.0) for x, _ in counts)
    axis = share_axis(f"share of {version_label(version)}", end)
    line = [] if mark is None or not counts else [(mark, 0.0), (mark, highest)]
    chart = LineChart(
        title=title,
        parts=[
            Bars(filled, f"{thing}s", version_styles([version])[version], 0.9 * found.bar_width),
            Line(line, f"expected {percent(mark or 0.0)}", dashes="--"),
            Marks(suggested, "binomial distribution", INK, "o", 6.0),
        ],
        x_axis=axis._replace(start=-half, end=end + half),
        y_axis=count_axis(f"number of {thing}s", highest),
        notes=[each for each in small_print if each],
        width=width,
    )
    rows = [
        f"{found.label(bar)}: {count_noun(int(number), thing)}, {likely:.1f} suggested."
        for bar, (_, number), (_, likely) in zip(bars, counts, suggested, strict=True)
    ]
    return line_picture("Histogram", chart, rows)


def _likely(found: _Histogram) -> list[str]:
    """The usual numbers of hits, if all samples are of one size."""
    if found.expected is None or len(set(found.draws)) != 1:
        return []
    likely = stats.likely_hits(found.expected, found.draws[0])
    return [f"At {percent(found.expected)}, at least 95 of 100 get {likely}"]


def _unanswered(shares: Sequence[Share], thing: str) -> str:
    without = sum(not each.total for each in shares)
    return f"{count_noun(without, thing)} without an answer: left out" if without else ""


def _within(times: Sequence[float], share: float) -> str:
    return milliseconds(percentile(times, share))


class _Window(NamedTuple):
    """The answers to the requests that were sent in one part of the time."""

    middle_s: float
    hits: int
    answers: int


def _windows(sample: Sample, version: str, end: float) -> list[_Window]:
    length = _window_s(sample, end)
    hits: Counter[int] = Counter()
    answers: Counter[int] = Counter()
    for each in sample.results:
        if each.failure is None:
            number = int(each.when_s / length)
            answers[number] += 1
            hits[number] += (each.version or OTHER) == version
    return [_Window((n + 0.5) * length, hits[n], answers[n]) for n in sorted(answers)]


def _window_s(sample: Sample, end: float) -> float:
    """The shortest usual length with enough answers for a share, and few enough points to see."""
    enough = max(end / _MOST_WINDOWS, _ANSWERS_PER_WINDOW * end / max(sample.answered, 1))
    return next((length for length in _WINDOWS_S if length >= enough), _WINDOWS_S[-1])


def _window_text(sample: Sample, end: float) -> str:
    return f"the share within {_window_s(sample, end):g} s"


def _last_sent(sample: Sample) -> float:
    return max((each.when_s for each in sample.results), default=0.0)


def _expected_steps(sample: Sample, version: str, end: float) -> list[tuple[float, float]]:
    """The corners of the expected share over time; constant if the pods did not change."""
    if sample.expectations:
        steps = [(each.when_s, each.versions.get(version, 0.0)) for each in sample.expectations]
    elif sample.expected is not None:
        steps = [(0.0, sample.expected.get(version, 0.0))]
    else:
        return []
    return [*steps, (end, steps[-1][1])]


def _title_over_time(sample: Sample, version: str, steps: Sequence[tuple[float, float]]) -> str:
    if not sample.total:
        return "No request was sent"
    verb = "was" if sample.failed == 1 else "were"
    lost = f"{sample.failed:,} {verb} lost" if sample.failed else "none was lost"
    first, last = (steps[0][1], steps[-1][1]) if steps else (None, None)
    who, requests = version_label(version), count_noun(sample.total, "request")
    if first is not None and last is not None and first != last:
        change = f"The expected share of {who} went from {percent(first)} to {percent(last)}"
        return f"{change}; of {requests} {lost}"
    share = sample.share(version)
    return f"{who.capitalize()} answered {percent(share)} of {requests}; {lost}"


def _convergence_title(hits: Sequence[int], total: int) -> str:
    if not total:
        return "No request was answered"
    now = stats.wilson(hits[-1], total)
    if total <= _FEW:
        return f"After {count_noun(total, 'request')} the interval is {now}"
    before = stats.wilson(hits[_FEW - 1], _FEW)
    return f"After {_FEW} requests the interval was {before}, after {total:,} it is {now}"


def _looks_title(expected: float, hits: Sequence[int]) -> str:
    """How often the expected share was outside, if one looked after each request."""
    looks = [(hits[n - 1], n) for n in _looked_at(len(hits))]
    missed = sum(expected not in stats.wilson(*each) for each in looks)
    excluded = sum(expected not in stats.confidence_sequence(*each) for each in looks)
    interval, sequence = (f"{each:,}" if each else "none" for each in (missed, excluded))
    return (
        f"The expected {percent(expected)} was outside the interval at {interval} of "
        f"{count_noun(len(looks), 'look')}, and outside the confidence sequence at {sequence}"
    )


def _looked_at(total: int) -> Sequence[int]:
    return range(1, total + 1) if total <= _MOST_LOOKS else _spread(total)


def _sequence_lines(at: Sequence[int], sequence: Sequence[Interval]) -> list[Line]:
    ends = zip(*sequence, strict=True)
    labels = ("confidence sequence", "")
    return [
        Line([(float(n), end) for n, end in zip(at, each, strict=True)], label, MUTED, ":")
        for each, label in zip(ends, labels, strict=False)
    ]


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
    at: Sequence[float], intervals: Sequence[Interval], label: str, style: VersionStyle
) -> Band:
    lower = [(float(x), each.low) for x, each in zip(at, intervals, strict=True)]
    upper = [(float(x), each.high) for x, each in zip(at, intervals, strict=True)]
    return Band(lower, upper, label, style)


def count_axis(title: str, end: float) -> Axis:
    """An axis from 0 to the end, with about five round ticks."""
    steps = (factor * 10.0**power for power in range(-2, 16) for factor in _DECADE)
    step = next(step for step in steps if end <= 6 * step)
    ticks = [number * step for number in range(int(end / step + 1e-9) + 1)]
    return Axis(title, 0.0, end, {tick: f"{round(tick, 2):,.12g}" for tick in ticks})


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
