"""Captions of pictures: titles and descriptions made from the numbers.

Every sentence must be true for every sample. "About as often as its pods suggest" means that the
expected share is within the interval, and nothing more; if the interval is so wide that hardly
anything could be outside it, the sentence says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from canarylab.stats import Share
from canarylab.text import OTHER, count_noun, join_words, percent, version_label
from canarylab.traffic.sample import Sample

_SUGGEST = {"pods": "its pods suggest", "rules": "the rules suggest"}
_WIDE_INTERVAL = 0.5  # a wider interval contains nearly every expected share


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
        return f"{count_noun(len(named), 'pod')} answered"
    fitting = sum(each.contains_expected is True for each in named)
    if fitting == len(named) and _is_uninformative(named):
        return f"The answers fit the pods, but {_trials_text(sample)}"
    if fitting == len(named):
        each = f"Each of {len(named)} pods" if len(named) > 1 else "The one pod"
        return f"{each} answered about as often as expected"
    return f"{fitting} of {count_noun(len(named), 'pod')} answered about as often as expected"


def steps_title(version: str, samples: Sequence[Sample], steps: Sequence[Share]) -> str:
    """Title of a picture of one version over several samples."""
    name = version_label(version).capitalize()
    answered = [each for each in steps if each.total]
    compared = [each for each in steps if each.contains_expected is not None]
    if not answered:
        return "No request was answered at any step"
    if len(compared) < len(steps):
        first, last = percent(answered[0].observed), percent(answered[-1].observed)
        return f"{name} answered {first} at first and {last} at last"
    fitting = sum(each.contains_expected is True for each in compared)
    places = "each step" if fitting == len(steps) else f"{fitting} of {len(steps)} steps"
    sources = {_SUGGEST[sample.expected_from] for sample in samples}
    as_expected = sources.pop() if len(sources) == 1 else "expected"
    return f"At {places} {version_label(version)} answered about as {as_expected}"


def describe_row(label: str, share: Share) -> str:
    """One row of a picture as a sentence, for the text alternative."""
    expected = "" if share.expected is None else f", expected {percent(share.expected)}"
    if not share.total:
        return f"{label}: no answer{expected}."
    verdict = ", which is outside" if share.contains_expected is False else ""
    return (
        f"{label}: {share.hits:,} of {share.total:,} answers, {percent(share.observed)}, "
        f"plausible {share.interval}{expected}{verdict}."
    )


def failure_text(sample: Sample) -> str:
    """How many requests failed, by kind; empty if none did."""
    if not sample.failed:
        return ""
    kinds = join_words(f"{kind} {number:,}" for kind, number in sample.failures.items())
    return f"{sample.failed:,} of {count_noun(sample.total, 'request')} failed: {kinds}"


def connection_text(sample: Sample) -> str:
    """How connections were used."""
    if sample.balanced_per == "request":
        return "a pod chosen for each request"
    if not sample.keep_alive:
        return "a new connection for each request"
    return (
        f"{count_noun(sample.connections, 'connection')} for {count_noun(sample.total, 'request')}"
    )


def _without_answers(sample: Sample) -> str:
    sent = count_noun(sample.total, "request")
    return f"None of {sent} was answered" if sample.total else "No request was sent"


def _with_expectation(sample: Sample, named: Sequence[Share]) -> str:
    suggest, by_rules = _SUGGEST[sample.expected_from], sample.expected_from == "rules"
    unexpected = [each for each in named if each.hits and not each.expected]
    if unexpected:
        why = "by the rules it should not" if by_rules else "no ready pod runs it"
        return f"{_start(unexpected[-1])} answered, though {why}"
    if outside := [each for each in named if not each.contains_expected]:
        return f"{_start(outside[-1])} answered {_compared(outside[-1])} than {suggest}"
    if _is_uninformative(named):
        return f"The answers fit the {sample.expected_from}, but {_trials_text(sample)}"
    if silent := [each for each in named if each.expected and not each.hits]:
        among = count_noun(sample.answered, "answer")
        return f"{_start(silent[-1])} did not answer, as may happen among {among}"
    if complete := [each for each in named if each.hits == sample.answered]:
        return f"{_start(complete[0])} answered every request, as {suggest}"
    return f"Each version answered about as often as {suggest}"


def _without_expectation(sample: Sample, newest: Share) -> str:
    if newest.hits == sample.answered:
        return f"{_start(newest)} answered every request"
    return f"{_start(newest)} answered {newest.hits:,} of {count_noun(sample.answered, 'request')}"


def _start(share: Share) -> str:
    return version_label(share.name).capitalize()


def _compared(share: Share) -> str:
    return "more often" if share.observed > (share.expected or 0.0) else "less often"


def _is_uninformative(shares: Sequence[Share]) -> bool:
    return any(each.interval.high - each.interval.low > _WIDE_INTERVAL for each in shares)


def _trials_text(sample: Sample) -> str:
    is_kept = sample.keep_alive and sample.balanced_per == "connection"
    thing = "connection" if is_kept else "answer"
    verb = "is" if sample.trials == 1 else "are"
    return f"{count_noun(sample.trials, thing)} {verb} too few to judge"
