"""Samples of releases whose failures are known."""

from __future__ import annotations

from datetime import UTC, datetime

from canarylab.traffic import RequestResult, Sample

STARTED = datetime(2026, 11, 28, tzinfo=UTC)
EXPECTED = {"1.0": 0.75, "2.0": 0.25}


def answers(
    version: str, total: int, failed: int = 0, *, latency_s: float = 0.004
) -> list[RequestResult]:
    """So many answers of a version, the first of them a 500."""
    return [
        RequestResult(
            *(float(n), latency_s, version, f"pod-{version}"),
            *((500, "status 500") if n < failed else (200, None)),
        )
        for n in range(total)
    ]


def release(*results: list[RequestResult]) -> Sample:
    """A sample of these results, a fourth of it expected from the canary."""
    several = tuple(each for some in results for each in some)
    return Sample("http://127.0.0.1/", several, STARTED, 1.0).with_expected(EXPECTED)
