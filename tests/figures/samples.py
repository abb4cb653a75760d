"""Samples for pictures: ordinary ones and awkward ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from canarylab.traffic import RequestResult, Sample

Counts = Mapping[tuple[str | None, str | None], int]
"""How many answers each version and pod gave."""


def sample(
    counts: Counts, *, failed: Mapping[str, int] | None = None, keep_alive: int = 0
) -> Sample:
    """A sample with these answers and failures."""
    keys = [key for key, number in counts.items() for _ in range(number)]
    answers = [
        RequestResult(
            0.0, 0.01, version, pod, 200, None, place % keep_alive if keep_alive else place
        )
        for place, (version, pod) in enumerate(keys)
    ]
    kinds = [kind for kind, number in (failed or {}).items() for _ in range(number)]
    failures = [RequestResult(0.0, 0.01, failure=kind) for kind in kinds]
    started = datetime(2026, 11, 22, tzinfo=UTC)
    return Sample("http://127.0.0.1:32089/", (*answers, *failures), started, 1.0, keep_alive)


def versions(one: int, two: int) -> Sample:
    """So many answers of version 1.0 and of 2.0, beside three pods and one."""
    counts: Counts = {("1.0", "nodeapp-production-7d4b9c6f5-b7dz4"): one,
              ("2.0", "nodeapp-canary-5c8f9d7b6-q8rt5"): two}  # fmt: skip
    expected = {"1.0": 0.75, "2.0": 0.25}
    pods = {str(pod): 0.5 for _, pod in counts}
    return sample(counts).with_expected(expected, pods, cluster="playground")


def many_pods(number: int) -> Sample:
    """Twelve answers of each of so many pods, none of one more."""
    names = [f"nodeapp-production-7d4b9c6f5-p{place:03d}" for place in range(number)]
    counts: Counts = {("1.0", name): 12 for name in names}
    pods = dict.fromkeys([*names, "nodeapp-canary-5c8f9d7b6-q8rt5"], 1 / (number + 1))
    return sample(counts).with_expected({"1.0": 1.0}, pods, cluster="kind")


def even_pods(number: int) -> Sample:
    """As many answers of each pod as of any other."""
    names = [f"nodeapp-production-7d4b9c6f5-p{place:03d}" for place in range(number)]
    counts: Counts = {("1.0", name): 40 for name in names}
    return sample(counts).with_expected({"1.0": 1.0}, dict.fromkeys(names, 1 / number))


AWKWARD = {
    "three to one": versions(150, 50),
    "far off": versions(50, 150),
    "no hits of the canary": versions(40, 0),
    "nothing sent": sample({}),
    "nothing answered": sample({}, failed={"timeout": 16}).with_expected(
        {"1.0": 0.75, "2.0": 0.25}
    ),
    "one version": sample({("1.0", "a"): 200}).with_expected({"1.0": 1.0}, {"a": 1.0}),
    "nothing expected": sample({("1.0", "a"): 30, ("2.0", "b"): 10}),
    "failures and others": sample(
        {("1.0", "a"): 30, ("2.0", "b"): 10, (None, None): 2},
        failed={"reset": 3, "timeout": 2, "status 503": 1, "refused": 1},
    ).with_expected({"1.0": 0.75, "2.0": 0.25}, {"a": 0.5, "b": 0.5}, cluster="several clusters"),
    "one kept connection": sample({("1.0", "a"): 200}, keep_alive=1).with_expected(
        {"1.0": 0.75, "2.0": 0.25}
    ),
    "through the API server": replace(
        sample({("1.0", "a"): 150, ("2.0", "b"): 50}, keep_alive=1),
        expected={"1.0": 0.75, "2.0": 0.25},
        cluster="context student-07@cluster, through the API server's proxy",
        balanced_per="request",
    ),
    "long names": sample(
        {("2026.11.22-rc1+build.20394857.sha.5114f85e2.dirty", "a" * 63): 3, ("$x^2$", "b-$_c$"): 5}
    ).with_expected({"2026.11.22-rc1+build.20394857.sha.5114f85e2.dirty": 0.5, "$x^2$": 0.5}),
    "eight versions": sample({(f"{n}.0", f"pod-{n}"): n for n in range(1, 9)}).with_expected(
        {f"{n}.0": 1 / 8 for n in range(1, 9)}
    ),
    "twenty pods": many_pods(19),
    "large numbers": versions(14_721, 4_901),
    "expected at the end": sample({("1.0", "a"): 3}).with_expected({"1.0": 0.0, "2.0": 1.0}),
}
