"""Captions of pictures: titles and descriptions made from the numbers, and the width of text.

Every sentence must be true for every sample. "About as often as its pods suggest" means that the
expected share is within the interval, and nothing more; where the interval is so wide that hardly
anything could be outside it, the sentence says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, get_font

from canarylab.stats import Share
from canarylab.traffic.sample import Sample
from canarylab.traffic.text import OTHER, counted, listed, percent, version_label

_SUGGEST = {"pods": "its pods suggest", "rules": "the rules suggest"}
_WIDE_INTERVAL = 0.5  # an interval wider than this


def versions_title(sample: Sample, shares: Sequence[Share]) -> str:
    """Title of a picture of versions."""
    named = [each for each in shares if each.name != OTHER]
    if not sample.answered:
        return _without_answers(sample)
    if not named:
        return "No answer named its version"
    if sample.expected is None:
        return _without_expectation(sample, named[-1])
    return _with_expectation(sample, named)


def pods_title(sample: Sample, shares: Sequence[Share]) -> str:
    """Title of a picture of pods."""
    named = [each for each in shares if each.name != OTHER]
    if not sample.answered:
        return _without_answers(sample)
    if not named:
        return "No answer named its pod"
    if sample.expected_pods is None:
        return f"{counted(len(named), 'pod')} answered"
    fitting = sum(each.fits is True for each in named)
    if fitting == len(named) and _is_uninformative(named):
        return f"The answers fit the pods, but {_trials_text(sample)} little"
    if fitting == len(named):
        each = f"Each of {len(named)} pods" if len(named) > 1 else "The one pod"
        return f"{each} answered about as often as expected"
    return f"{fitting} of {counted(len(named), 'pod')} answered about as often as expected"


def steps_title(version: str, samples: Sequence[Sample], steps: Sequence[Share]) -> str:
    """Title of a picture of one version over several samples."""
    name = version_label(version).capitalize()
    answered = [each for each in steps if each.total]
    judged = [each for each in steps if each.fits is not None]
    if not answered:
        return "No request was answered at any step"
    if len(judged) < len(steps):
        first, last = percent(answered[0].seen), percent(answered[-1].seen)
        return f"{name} answered {first} at first and {last} at last"
    fitting = sum(each.fits is True for each in judged)
    where = "each step" if fitting == len(steps) else f"{fitting} of {len(steps)} steps"
    whose = {_SUGGEST[sample.suggested_by] for sample in samples}
    as_what = whose.pop() if len(whose) == 1 else "expected"
    return f"At {where} {version_label(version)} answered about as {as_what}"


def describe_row(label: str, share: Share) -> str:
    """One row of a picture as a sentence, for the text alternative."""
    expected = "" if share.expected is None else f", expected {percent(share.expected)}"
    if not share.total:
        return f"{label}: no answer{expected}."
    verdict = ", which is outside" if share.fits is False else ""
    return (
        f"{label}: {share.hits:,} of {share.total:,} answers, {percent(share.seen)}, "
        f"plausible {share.interval}{expected}{verdict}."
    )


def failure_text(sample: Sample) -> str:
    """How many requests failed, by class; empty where none did."""
    if not sample.failed:
        return ""
    kinds = listed(f"{kind} {number:,}" for kind, number in sample.failures.items())
    return f"{sample.failed:,} of {counted(sample.total, 'request')} failed: {kinds}"


def connection_text(sample: Sample) -> str:
    """How connections were used."""
    if sample.chosen_for == "request":
        return "a pod chosen for each request"
    if not sample.keep_alive:
        return "a new connection for each request"
    return f"{counted(sample.connections, 'connection')} for {counted(sample.total, 'request')}"


def _without_answers(sample: Sample) -> str:
    sent = counted(sample.total, "request")
    return f"None of {sent} was answered" if sample.total else "No request was sent"


def _with_expectation(sample: Sample, named: Sequence[Share]) -> str:
    suggest, by_rules = _SUGGEST[sample.suggested_by], sample.suggested_by == "rules"
    unexpected = [each for each in named if each.hits and not each.expected]
    if unexpected:
        why = "by the rules it should not" if by_rules else "no ready pod runs it"
        return f"{_start(unexpected[-1])} answered, though {why}"
    if outside := [each for each in named if not each.fits]:
        return f"{_start(outside[-1])} answered {_compared(outside[-1])} than {suggest}"
    if _is_uninformative(named):
        return f"The answers fit the {sample.suggested_by}, but {_trials_text(sample)} little"
    if silent := [each for each in named if each.expected and not each.hits]:
        among = counted(sample.answered, "answer")
        return f"{_start(silent[-1])} did not answer, as may happen among {among}"
    if complete := [each for each in named if each.hits == sample.answered]:
        return f"{_start(complete[0])} answered every request, as {suggest}"
    return f"Each version answered about as often as {suggest}"


def _without_expectation(sample: Sample, newest: Share) -> str:
    if newest.hits == sample.answered:
        return f"{_start(newest)} answered every request"
    return f"{_start(newest)} answered {newest.hits:,} of {counted(sample.answered, 'request')}"


def _start(share: Share) -> str:
    return version_label(share.name).capitalize()


def _compared(share: Share) -> str:
    return "more often" if share.seen > (share.expected or 0.0) else "less often"


def _is_uninformative(shares: Sequence[Share]) -> bool:
    return any(each.interval.high - each.interval.low > _WIDE_INTERVAL for each in shares)


def _trials_text(sample: Sample) -> str:
    is_kept = sample.keep_alive and sample.chosen_for == "connection"
    thing = "connection" if is_kept else "answer"
    return f"{counted(sample.trials, thing)} {'says' if sample.trials == 1 else 'say'}"


FONT = "DejaVu Sans"  # comes with matplotlib, so a picture is the same everywhere
_POINTS_PER_INCH = 72
_FONT_UNITS_PER_POINT = 64  # the unit of FreeType's metrics
_SCREEN_FACTOR = 1.05  # letters snap to pixels on a screen, so a line is a little longer


@lru_cache(maxsize=2048)
def width_of(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text, in inches.

    >>> width_of("a pod", 10) < width_of("two pods", 10) < width_of("two pods", 10, "bold")
    True
    """
    font = get_font(findfont(FontProperties(family=FONT, weight=weight)))
    font.set_size(size, _POINTS_PER_INCH)
    font.set_text(text)
    return font.get_width_height()[0] / _FONT_UNITS_PER_POINT / _POINTS_PER_INCH * _SCREEN_FACTOR


def wrap(text: str, size: float, width: float) -> list[str]:
    """Split text into lines of at most `width` inches; long words lose their middle."""
    lines = [""]
    for word in text.split():
        fitting = shorten(word, size, width)
        longer = f"{lines[-1]} {fitting}".strip()
        if width_of(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(fitting)
    return [line for line in lines if line]


def shorten(text: str, size: float, width: float, weight: str = "normal") -> str:
    """Text that fits into `width` inches; a longer one loses its middle."""
    if width_of(text, size, weight) <= width:
        return text
    for kept in range(len(text) - 2, 1, -1):
        tail = kept // 2
        candidate = f"{text[: kept - tail]}…{text[len(text) - tail :]}"
        if width_of(candidate, size, weight) <= width:
            return candidate
    return "…"
