"""What do the numbers of a picture say, in words?

Every sentence here has to be true whatever the sample says. "About as often as its pods suggest"
means that the expected share is within the interval, and nothing more; where the interval is so
wide that hardly anything could be outside it, the sentence says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from canarylab.stats import Share
from canarylab.traffic.sample import Sample
from canarylab.traffic.words import OTHER, called, counted, listed, percent

_SUGGEST = {"pods": "its pods suggest", "rules": "the rules suggest"}
_SAYS_LITTLE = 0.5  # an interval wider than this


def of_versions(sample: Sample, shares: Sequence[Share]) -> str:
    """The finding about the versions of one sample."""
    named = [each for each in shares if each.name != OTHER]
    if not sample.answered:
        return _nobody(sample)
    if not named:
        return "No answer named its version"
    if sample.expected is None:
        return _without_expectation(sample, named[-1])
    return _of_judged(sample, named)


def of_pods(sample: Sample, shares: Sequence[Share]) -> str:
    """The finding about the pods of one sample."""
    named = [each for each in shares if each.name != OTHER]
    if not sample.answered:
        return _nobody(sample)
    if not named:
        return "No answer named its pod"
    if sample.expected_pods is None:
        return f"{counted(len(named), 'pod')} answered"
    fitting = sum(each.fits is True for each in named)
    if fitting == len(named) and _says_little(named):
        return f"The answers fit the pods, but {_choices(sample)} little"
    if fitting == len(named):
        each = f"Each of {len(named)} pods" if len(named) > 1 else "The one pod"
        return f"{each} answered about as often as expected"
    return f"{fitting} of {counted(len(named), 'pod')} answered about as often as expected"


def of_steps(version: str, samples: Sequence[Sample], steps: Sequence[Share]) -> str:
    """The finding about one version over several samples."""
    name = called(version).capitalize()
    answered = [each for each in steps if each.total]
    judged = [each for each in steps if each.fits is not None]
    if not answered:
        return "Nobody answered at any step"
    if len(judged) < len(steps):
        first, last = percent(answered[0].seen), percent(answered[-1].seen)
        return f"{name} answered {first} at first and {last} at last"
    fitting = sum(each.fits is True for each in judged)
    where = "each step" if fitting == len(steps) else f"{fitting} of {len(steps)} steps"
    whose = {_SUGGEST[sample.suggested_by] for sample in samples}
    as_what = whose.pop() if len(whose) == 1 else "expected"
    return f"At {where} {called(version)} answered about as {as_what}"


def told(label: str, share: Share) -> str:
    """One row of a picture as a sentence, for those who do not see it."""
    expected = "" if share.expected is None else f", expected {percent(share.expected)}"
    if not share.total:
        return f"{label}: no answer{expected}."
    verdict = ", which is outside" if share.fits is False else ""
    return (
        f"{label}: {share.hits:,} of {share.total:,} answers, {percent(share.seen)}, "
        f"plausible {share.interval}{expected}{verdict}."
    )


def failures(sample: Sample) -> str:
    """How many requests failed, and how; empty where none did."""
    if not sample.failed:
        return ""
    kinds = listed(f"{kind} {number:,}" for kind, number in sample.failures.items())
    return f"{sample.failed:,} of {counted(sample.total, 'request')} failed: {kinds}"


def connections(sample: Sample) -> str:
    """How the requests travelled."""
    if sample.chosen_for == "request":
        return "a pod chosen for each request"
    if not sample.keep_alive:
        return "a new connection for each request"
    return f"{counted(sample.connections, 'connection')} for {counted(sample.total, 'request')}"


def _nobody(sample: Sample) -> str:
    sent = counted(sample.total, "request")
    return f"None of {sent} was answered" if sample.total else "No request was sent"


def _of_judged(sample: Sample, named: Sequence[Share]) -> str:
    suggest, by_rules = _SUGGEST[sample.suggested_by], sample.suggested_by == "rules"
    uninvited = [each for each in named if each.hits and not each.expected]
    if uninvited:
        why = "by the rules it should not" if by_rules else "no ready pod runs it"
        return f"{_start(uninvited[-1])} answered, though {why}"
    if outside := [each for each in named if not each.fits]:
        return f"{_start(outside[-1])} answered {_compared(outside[-1])} than {suggest}"
    if _says_little(named):
        return f"The answers fit the {sample.suggested_by}, but {_choices(sample)} little"
    if silent := [each for each in named if each.expected and not each.hits]:
        among = counted(sample.answered, "answer")
        return f"{_start(silent[-1])} did not answer, as may happen among {among}"
    if all_of_it := [each for each in named if each.hits == sample.answered]:
        return f"{_start(all_of_it[0])} answered every request, as {suggest}"
    return f"Each version answered about as often as {suggest}"


def _without_expectation(sample: Sample, newest: Share) -> str:
    if newest.hits == sample.answered:
        return f"{_start(newest)} answered every request"
    return f"{_start(newest)} answered {newest.hits:,} of {counted(sample.answered, 'request')}"


def _start(share: Share) -> str:
    return called(share.name).capitalize()


def _compared(share: Share) -> str:
    return "more often" if share.seen > (share.expected or 0.0) else "less often"


def _says_little(shares: Sequence[Share]) -> bool:
    return any(each.interval.high - each.interval.low > _SAYS_LITTLE for each in shares)


def _choices(sample: Sample) -> str:
    is_kept = sample.keep_alive and sample.chosen_for == "connection"
    thing = "connection" if is_kept else "answer"
    return f"{counted(sample.choices, thing)} {'says' if sample.choices == 1 else 'say'}"
