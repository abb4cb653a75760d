"""When the sampler itself was the slowest part."""

from __future__ import annotations

import pytest

from canarylab.traffic.sampling_plan import SamplerUse, SamplingPlan, limit_of

AT_RATE = SamplingPlan(seconds=10, rate=100)
CLOSED = SamplingPlan(seconds=10)


def use(**changes: float) -> SamplerUse:
    usual = SamplerUse(seconds=10.0, sent=1_000, late=0, latest_s=0.0, most_in_flight=5, cpu_s=1.0)
    return usual._replace(**changes)  # type: ignore[arg-type]


def test_a_rate_at_which_the_requests_would_take_hours_is_refused() -> None:
    with pytest.raises(ValueError, match="3 requests take longer than 600 seconds"):
        SamplingPlan(count=3, rate=0.001)


def test_who_met_the_rate_was_not_the_slowest_part() -> None:
    assert limit_of(AT_RATE, use()) == ""


def test_one_late_request_in_a_hundred_is_not_mentioned() -> None:
    assert limit_of(AT_RATE, use(late=10, latest_s=0.1)) == ""


@pytest.mark.parametrize(
    ("plan", "changes", "why"),
    [
        (AT_RATE, {"cpu_s": 9.5}, "because it used 95 % of a CPU."),
        (AT_RATE, {"most_in_flight": 256}, "because 256 were in flight at once"),
        (
            AT_RATE,
            {},
            "because it used 10 % of a CPU and got no more of it: this machine or this program",
        ),
        (
            SamplingPlan(seconds=10, rate=100, keep_alive=2),
            {"most_in_flight": 2},
            "because 2 kept connections can carry no more requests at a time",
        ),
    ],
)
def test_late_requests_have_a_reason(
    plan: SamplingPlan, changes: dict[str, float], why: str
) -> None:
    said = limit_of(plan, use(late=500, latest_s=1.234, **changes))
    assert said.startswith(
        "The sampler was the slowest part: 500 of 1,000 requests were sent late, by up to 1.2 s"
    )
    assert why in said


def test_requests_that_were_not_sent_are_counted() -> None:
    said = limit_of(AT_RATE, use(sent=700, late=600, latest_s=3.0, most_in_flight=256))
    assert "and 300 were not sent" in said


def test_without_a_rate_a_busy_sampler_says_what_it_managed() -> None:
    assert limit_of(CLOSED, use(sent=50_000, cpu_s=9.8)) == (
        "The sampler was the slowest part: at 5,000 requests a second it used 98 % of a CPU. "
        "The server may be able to do more."
    )


def test_without_a_rate_a_sampler_that_waits_for_the_server_says_nothing() -> None:
    assert limit_of(CLOSED, use(cpu_s=5.0)) == ""


def test_a_short_sample_says_nothing_of_the_cpu() -> None:
    assert limit_of(CLOSED, use(seconds=0.5, cpu_s=0.5)) == ""


@pytest.mark.parametrize(
    ("plan", "seconds", "due"),
    [
        (SamplingPlan(seconds=2, rate=200), 5.0, 400),
        (SamplingPlan(seconds=2, rate=200), 1.0, 200),
        (SamplingPlan(count=30, rate=200), 5.0, 30),
        (SamplingPlan(count=30), 5.0, 0),
    ],
)
def test_a_rate_asks_for_so_many_requests(plan: SamplingPlan, seconds: float, due: int) -> None:
    assert plan.requests_due(seconds) == due
