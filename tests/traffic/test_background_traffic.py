"""Traffic beside what a `with` block does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canarylab import runtime
from canarylab.errors import TrafficError
from canarylab.runtime import wait_until
from canarylab.traffic import Sample, SamplingPlan
from canarylab.traffic.background_traffic import BackgroundTraffic
from canarylab.traffic.sampler import Sampler
from tests.traffic.server import answering, response, start

PLAN = SamplingPlan(seconds=600, rate=500.0)


@pytest.fixture
def url() -> str:
    """A server on the background loop; it ends with the loop."""
    seen, _ = runtime.run(start(answering(response("1.0"))))
    return seen.url


def test_requests_are_sent_while_the_block_runs(url: str) -> None:
    with BackgroundTraffic(Sampler(url, PLAN)) as traffic:
        assert wait_until(lambda: traffic.sample.answered > 5, timeout_s=10)
    assert traffic.sample.answered == traffic.sample.total


def test_after_the_block_no_request_is_sent(url: str) -> None:
    with BackgroundTraffic(Sampler(url, PLAN)) as traffic:
        pass
    assert traffic.is_over


def test_the_sample_is_completed_when_it_is_whole(url: str) -> None:
    def completed(sample: Sample) -> Sample:
        return replace(sample, cluster="here")

    with BackgroundTraffic(Sampler(url, PLAN), complete=completed) as traffic:
        assert traffic.sample.cluster is None
    assert traffic.sample.cluster == "here"


def test_a_block_that_fails_has_its_sample_all_the_same(url: str) -> None:
    with pytest.raises(ZeroDivisionError), BackgroundTraffic(Sampler(url, PLAN)) as traffic:
        assert wait_until(lambda: traffic.sample.total > 0, timeout_s=10)
        raise ZeroDivisionError
    assert traffic.sample.total > 0


def test_a_url_that_nobody_serves_is_told_after_the_block(nobody: str) -> None:
    sampler = Sampler(nobody, PLAN)
    with pytest.raises(TrafficError, match="refused"), BackgroundTraffic(sampler) as traffic:
        assert wait_until(lambda: traffic.sample.failed >= 16, timeout_s=10)


def test_what_failed_in_the_block_matters_more(nobody: str) -> None:
    sampler = Sampler(nobody, PLAN)
    with pytest.raises(ZeroDivisionError), BackgroundTraffic(sampler) as traffic:
        assert wait_until(lambda: traffic.sample.failed >= 16, timeout_s=10)
        raise ZeroDivisionError


def test_traffic_that_ended_before_the_block_says_so(url: str) -> None:
    with BackgroundTraffic(Sampler(url, SamplingPlan(count=5))) as traffic:
        assert wait_until(lambda: traffic.is_over, timeout_s=10)
    assert "ended by itself after 5 requests" in traffic.sample.notes[-1]
