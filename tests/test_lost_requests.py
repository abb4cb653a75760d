"""What a rolling restart costs the visitors, with an app that drains and with one that does not.

As on a real cluster: endpoints that are gone are forgotten by the proxy a little later, and an app
that has closed by then refuses whom the proxy still sends.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from canarylab import resources, runtime, stats, traffic
from canarylab.kube_objects import Object
from canarylab.manifests import CANARY, PRODUCTION, SERVICE, load
from canarylab.release import rollout
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.network_sync import wait_for_service
from canarylab.release.rollout import scale, wait_until_rolled_out
from canarylab.release.service_url import traffic_to_service
from canarylab.release.stages import promote
from canarylab.runtime import wait_until
from tests.needs import needs
from tests.running_playground import RunningPlayground

pytestmark = [needs("linux"), pytest.mark.slow]
MANIFESTS = resources.folder("manifests")
ANYBODY = traffic.Request()
VISITOR = traffic.Request(host="lost.test")
INGRESS: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "lost", "labels": {"app": "nodeapp"}},
    "spec": {
        "ingressClassName": "nginx",
        "rules": [
            {
                "host": VISITOR.host,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": SERVICE, "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ],
    },
}
SECONDS = 7.0
"""Longer than the restart of four pods, two at a time, that drain for two seconds each."""


APP_DRAIN: Mapping[str, int] = {}
"""The app's own drain, three seconds, as in the manifests of the lessons."""
NO_DRAIN = {"DRAIN_S": 0}


def roll_out(connection: Connection, url: str, *, drain_s: int) -> None:
    (production,) = load(MANIFESTS / "02-production" / "production.yaml")
    production["spec"]["replicas"] = 4
    objects = [production, *load(MANIFESTS / "02-production" / "service.yaml")]
    apply(connection, [with_environment(each, {"DRAIN_S": drain_s}) for each in objects])
    wait_until_rolled_out(connection, PRODUCTION)
    wait_for_service(connection, SERVICE, url)


def roll_out_canary(connection: Connection, url: str, environment: Mapping[str, int]) -> None:
    """Production and the canary, as in lesson 03."""
    files = ("02-production/production", "02-production/service", "03-canary/canary")
    objects = [each for name in files for each in load(MANIFESTS / f"{name}.yaml")]
    apply(connection, [with_environment(each, environment) for each in objects])
    for name in (PRODUCTION, CANARY):
        wait_until_rolled_out(connection, name)
    wait_for_service(connection, SERVICE, url)


def with_environment(manifest: Object, environment: Mapping[str, int]) -> Object:
    if manifest["kind"] != "Deployment":
        return manifest
    changed = copy.deepcopy(manifest)
    (container,) = changed["spec"]["template"]["spec"]["containers"]
    container["env"] = [{"name": name, "value": str(value)} for name, value in environment.items()]
    return changed


def restart(connection: Connection) -> None:
    rollout.restart(connection, PRODUCTION)
    wait_until_rolled_out(connection, PRODUCTION)


def scale_down(connection: Connection) -> None:
    scale(connection, PRODUCTION, 1)
    wait_until_rolled_out(connection, PRODUCTION)


def promote_by_replicas(connection: Connection) -> None:
    promote(connection, "replicas")


def promote_by_image(connection: Connection) -> None:
    promote(connection, "image")


Change = Callable[[Connection], None]
CHANGES: list[Change] = [restart, scale_down, promote_by_replicas, promote_by_image]


def sampled_under(change: Change, connection: Connection, url: str) -> traffic.Sample:
    """200 requests a second from before the change until its pods are gone, pods watched."""
    plan = traffic.SamplingPlan(seconds=120, rate=200)
    with traffic_to_service(connection, SERVICE, url, plan, lambda sample: sample) as sending:
        change(connection)
    return sending.sample


def under_traffic(change: Callable[[], None], url: str, request: traffic.Request) -> traffic.Sample:
    samples: list[traffic.Sample] = []
    plan = traffic.SamplingPlan(seconds=SECONDS, rate=200)
    visitors = runtime.in_background(
        lambda: samples.append(traffic.measure(url, plan, request=request)), name="visitors"
    )
    change()
    visitors.join()
    return samples[0]


def test_an_app_that_drains_loses_no_request(
    playground: RunningPlayground, connection: Connection
) -> None:
    roll_out(connection, playground.node_port_url, drain_s=2)
    sample = sampled_under(restart, connection, playground.node_port_url)
    assert sample.total > 500
    assert sample.failures == {}


def test_an_app_that_exits_at_once_loses_some(
    playground: RunningPlayground, connection: Connection
) -> None:
    roll_out(connection, playground.node_port_url, drain_s=0)
    sample = sampled_under(restart, connection, playground.node_port_url)
    assert 0 < sample.failed < sample.total / 2


def test_a_lost_request_names_a_pod_that_was_leaving(
    playground: RunningPlayground, connection: Connection
) -> None:
    roll_out(connection, playground.node_port_url, drain_s=0)
    sample = sampled_under(restart, connection, playground.node_port_url)
    assert {each.pod for each in sample.leaving} >= {*filter(None, named_pods(sample))}
    assert any(named_pods(sample))


def named_pods(sample: traffic.Sample) -> list[str]:
    """The pods that the table of lost requests names."""
    rows = sample.lost().to_frame()["pods"].to_list()
    return [pod for row in rows if row != "unknown" for pod in row.split(" or ")]


def test_the_shares_follow_a_promotion(
    playground: RunningPlayground, connection: Connection
) -> None:
    roll_out_canary(connection, playground.node_port_url, APP_DRAIN)
    sample = sampled_under(promote_by_replicas, connection, playground.node_port_url)
    steps = sample.expectations
    assert steps[0].versions == pytest.approx({"1.0": 0.75, "2.0": 0.25})
    assert steps[-1].versions == {"2.0": 1.0}
    agreement = stats.finding(sample).agreement
    assert agreement is not None
    assert agreement.holds


@pytest.mark.slow
@pytest.mark.soak(few=1, many=10)
@pytest.mark.parametrize("change", CHANGES)
def test_no_change_loses_a_request_of_an_app_that_drains(
    playground: RunningPlayground, connection: Connection, change: Change, times: int
) -> None:
    for _ in range(times):
        roll_out_canary(connection, playground.node_port_url, APP_DRAIN)
        sample = sampled_under(change, connection, playground.node_port_url)
        assert sample.total > 400
        assert sample.failures == {}, sample.lost()


@pytest.mark.slow
@pytest.mark.soak(few=1, many=10)
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_loses_requests_of_an_app_that_does_not_drain(
    playground: RunningPlayground, connection: Connection, change: Change, times: int
) -> None:
    """On a busy machine a pod may take longer to end than the network to forget it; then again."""

    def loses_some() -> bool:
        roll_out_canary(connection, playground.node_port_url, NO_DRAIN)
        sample = sampled_under(change, connection, playground.node_port_url)
        return 0 < sample.failed < sample.total

    for _ in range(times):
        assert any(loses_some() for _ in range(3))


def test_the_ingress_loses_no_request_to_an_app_that_drains(
    connection: Connection, playground: RunningPlayground
) -> None:
    """In a rolling restart, and when three of four pods go."""
    roll_out(connection, playground.node_port_url, drain_s=2)
    url = f"{playground.running.ingress_url}/"
    apply(connection, [INGRESS])
    assert wait_until(lambda: not sample_once(url).failures, timeout_s=10)
    assert under_traffic(lambda: restart(connection), url, VISITOR).failures == {}
    fewer = under_traffic(lambda: scale(connection, PRODUCTION, 1), url, VISITOR)
    assert fewer.total > 1_000
    assert fewer.failures == {}


def sample_once(url: str) -> traffic.Sample:
    return traffic.measure(url, traffic.SamplingPlan(count=1), request=VISITOR)
