"""One naming for the versions that are expected and those that answered.

Expected versions are the tags of images ("2.0"), observed ones are what the answers say. For the
app of the lessons the two are equal; for any other app they need not be. Where answers name their
pods, these tell which tag belongs to which name; else the two cannot be compared, and that is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from canarylab.text import count_noun, join_words, sort_naturally
from canarylab.traffic.expectations import Expectation
from canarylab.traffic.sample import RequestResult, Sample


def with_common_names(sample: Sample, tags: Mapping[str, str]) -> Sample:
    """The sample with one naming of versions; `tags` holds the image tag of each pod.

    >>> answers = Sample.from_versions([None, None], url="http://127.0.0.1/")
    >>> compared = with_common_names(answers.with_expected({"1.27": 1.0}), {"web-1": "1.27"})
    >>> compared.expected, compared.notes
    (None, ('The pods run the image tag 1.27, and no answer names a version or a pod, so the ...',))
    """
    if not sample.expected or not sample.answered:
        return sample
    said = _named(sample)
    if said & set(tags.values()):
        return sample
    by_pod = _names_by_tag(sample, tags)
    if not said and by_pod:
        return _named_by_tag(sample, tags)
    if by_pod and all(len(names) == 1 for names in by_pod.values()):
        names = {tag: next(iter(each)) for tag, each in by_pod.items()}
        if len(set(names.values())) == len(names) and set(sample.expected) <= set(names):
            return _renamed(sample, names)
    return _not_compared(sample, said, tags)


def _named(sample: Sample) -> set[str]:
    return {each.version for each in sample.results if each.failure is None and each.version}


def _names_by_tag(sample: Sample, tags: Mapping[str, str]) -> dict[str, set[str | None]]:
    """What the answers of the pods of each tag say."""
    found: defaultdict[str, set[str | None]] = defaultdict(set)
    for each in sample.results:
        if each.failure is None and each.pod is not None and each.pod in tags:
            found[tags[each.pod]].add(each.version)
    return dict(found)


def _named_by_tag(sample: Sample, tags: Mapping[str, str]) -> Sample:
    """No answer names a version, but they name their pods."""

    def named(result: RequestResult) -> RequestResult:
        return result._replace(version=tags.get(result.pod or ""))

    note = "No answer names a version, so each counts as the image tag of the pod that it names."
    return replace(sample, results=tuple(map(named, sample.results)), notes=(*sample.notes, note))


def _renamed(sample: Sample, names: Mapping[str, str | None]) -> Sample:
    """The expected versions under the names that the answers of their pods use."""

    def rename(shares: Mapping[str, float]) -> dict[str, float]:
        return {names.get(tag) or tag: share for tag, share in shares.items()}

    steps = tuple(
        Expectation(each.when_s, rename(each.versions), each.pods) for each in sample.expectations
    )
    pairs = join_words(f"{tag} answer as version {name}" for tag, name in names.items())
    note = f"Pods with the image tag {pairs}; expected shares have these names."
    return replace(
        sample,
        expected=rename(sample.expected or {}),
        expectations=steps,
        notes=(*sample.notes, note),
    )


def _not_compared(sample: Sample, said: set[str], tags: Mapping[str, str]) -> Sample:
    pods = {each.pod for each in sample.results if each.failure is None and each.pod}
    answers = (
        f"the answers name {_listed('version', said)}"
        if said
        else ("no answer names a version" if pods else "no answer names a version or a pod")
    )
    note = (
        f"The pods run {_listed('image tag', set(sample.expected or {}))}, and {answers}, so the "
        "shares of versions are not compared with the pods."
    )
    return replace(
        sample,
        expected=None,
        expected_pods=sample.expected_pods if pods & set(tags) else None,
        expectations=(),
        notes=(*sample.notes, note),
    )


def _listed(thing: str, names: set[str]) -> str:
    plural = count_noun(len(names), thing).split(" ", 1)[1]
    return f"the {plural} {join_words(sort_naturally(names))}"
