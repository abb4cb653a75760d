"""What a rolling restart costs the visitors, with an app that drains and with one that does not.

As on a real cluster: endpoints that are gone are forgotten by the proxy a little later, and an app
that has closed by then refuses whom the proxy still sends.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from canarylab import resources, runtime, traffic
from canarylab.manifests import PRODUCTION, SERVICE, load
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.network_sync import wait_for_service
from canarylab.release.rollout import scale, wait_until_rolled_out
from canarylab.runtime import wait_until
from tests.needs import needs
from tests.running_playground import RunningPlayground

pytestmark = needs("linux")
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


def roll_out(connection: Connection, url: str, *, drain_s: int) -> None:
    (production,) = load(MANIFESTS / "02-production" / "production.yaml")
    wanted = copy.deepcopy(production)
    wanted["spec"]["replicas"] = 4
    container = wanted["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "DRAIN_S", "value": str(drain_s)}]
    apply(connection, [wanted, *load(MANIFESTS / "02-production" / "service.yaml")])
    wait_until_rolled_out(connection, PRODUCTION)
    wait_for_service(connection, SERVICE, url)


def restart_under_traffic(
    connection: Connection, url: str, request: traffic.Request = ANYBODY
) -> traffic.Sample:
    def restart() -> None:
        template = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}
        change = {"spec": {"template": template}}
        connection.apps.patch_namespaced_deployment(PRODUCTION, connection.namespace, change)
        wait_until_rolled_out(connection, PRODUCTION)

    return under_traffic(restart, url, request)


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
    sample = restart_under_traffic(connection, playground.node_port_url)
    assert sample.total > 1_000
    assert sample.failures == {}


def test_an_app_that_exits_at_once_loses_some(
    playground: RunningPlayground, connection: Connection
) -> None:
    roll_out(connection, playground.node_port_url, drain_s=0)
    sample = restart_under_traffic(connection, playground.node_port_url)
    assert 0 < sample.failed < sample.total / 4


def test_the_ingress_loses_no_request_to_an_app_that_drains(
    connection: Connection, playground: RunningPlayground
) -> None:
    """In a rolling restart, and when three of four pods go."""
    roll_out(connection, playground.node_port_url, drain_s=2)
    url = f"{playground.running.ingress_url}/"
    apply(connection, [INGRESS])
    assert wait_until(lambda: not sample_once(url).failures, timeout_s=10)
    assert restart_under_traffic(connection, url, VISITOR).failures == {}
    fewer = under_traffic(lambda: scale(connection, PRODUCTION, 1), url, VISITOR)
    assert fewer.total > 1_000
    assert fewer.failures == {}


def sample_once(url: str) -> traffic.Sample:
    return traffic.measure(url, traffic.SamplingPlan(count=1), request=VISITOR)
