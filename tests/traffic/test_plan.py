from __future__ import annotations

from typing import Any

import pytest

from canarylab.traffic import Plan


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": -3},
        {"count": 2.5},
        {"count": True},
        {"count": 200_001},
        {"seconds": 0},
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"count": 1, "concurrency": 0},
        {"count": 1, "concurrency": 257},
        {"count": 1, "keep_alive": -1},
        {"count": 1, "per_second": 0},
        {"count": 1, "timeout_s": 0},
        {"count": 1, "timeout_s": "5"},
    ],
)
def test_a_bound_that_makes_no_sense_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"^{list(wrong)[-1]} cannot be .*\. Give a "):
        Plan(**wrong)


@pytest.mark.parametrize(
    ("both", "words"), [({}, "neither"), ({"count": 1, "seconds": 1.0}, "both")]
)
def test_a_sample_has_one_bound(both: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"here {words} is given"):
        Plan(**both)


def test_no_more_workers_than_requests() -> None:
    assert Plan(count=3).workers == 3


def test_a_kept_connection_has_one_worker() -> None:
    assert Plan(count=100, keep_alive=2, concurrency=16).workers == 2
