"""Captions of pictures: titles and descriptions made from the numbers.

Every sentence must be true for every sample. Whether a share is as expected is decided by
`stats.agreement` alone, and said in its words.
"""

from __future__ import annotations

from collections.abc import Sequence

from canarylab import stats
from canarylab.stats import Share
from canarylab.text import OTHER, count_noun, join_words, percent
from canarylab.traffic.sample import Sample


def pods_title(sample: Sample, shares: Sequence[Share]) -> str:
    """Title of a picture of pods."""
    named = [each for each in shares if each.name != OTHER]
    if not sample.answered:
        return stats.finding(sample).sentence
    if not named:
        return "No answer named its pod"
    if sample.expected_pods is None:
        return f"{count_noun(len(named), 'pod')} answered"
    return _compared_pods_title(sample, named)


def describe_share(label: str, share: Share, *, finding: str | None = None) -> str:
    """One share of a picture as a sentence, for the text alternative."""
    expected = "" if share.expected is None else f", expected {percent(share.expected)}"
    if not share.total:
        return f"{label}: no answer{expected}."
    found = finding or share.agreement
    return (
        f"{label}: {share.hits:,} of {share.total:,} answers, {percent(share.observed)}, "
        f"interval {share.interval}{expected}{f', {found}' if found else ''}."
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


def _compared_pods_title(sample: Sample, named: Sequence[Share]) -> str:
    pods = count_noun(len(named), "pod")
    found = [each.agreement for each in named if each.agreement]
    if not_suggested := [each for each in found if not each.holds]:
        return f"{str(not_suggested[0]).capitalize()}, for {len(not_suggested)} of {pods}"
    if any(each.fit == "too few to judge" for each in found):
        is_kept = sample.keep_alive and sample.balanced_per == "connection"
        return (
            f"Too few to judge: {count_noun(sample.trials, 'connection' if is_kept else 'answer')}"
        )
    unlucky = [each.once_in or 0 for each in found if each.fit == "unlucky"]
    if not unlucky:
        each = f"each of {pods} answered" if len(named) > 1 else "the one pod answered"
        return f"As expected: {each} its share of the requests"
    fitting = f"As expected for {len(named) - len(unlucky)} of {pods}"
    if len(unlucky) == 1:
        return f"{fitting}; the other is an unlucky draw, about once in {unlucky[0]:,}"
    return f"{fitting}; the others are unlucky draws, the rarest about once in {max(unlucky):,}"
