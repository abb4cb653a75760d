"""Send traffic to a Service, and know what its ready pods let us expect."""

from __future__ import annotations

from canarylab import traffic
from canarylab.errors import ClusterError
from canarylab.release.connection import Connection
from canarylab.release.endpoints import Endpoint, expected_shares, read_endpoints
from canarylab.release.settle import wait_until_settled
from canarylab.traffic import Sample


def ready_endpoints(connection: Connection, service: str) -> list[Endpoint]:
    """Who gets traffic from the Service."""
    return [each for each in read_endpoints(connection, service) if each.ready]


def settle(connection: Connection, service: str, url: str) -> None:
    """Wait until the network sends traffic to exactly the ready pods."""
    if not ready_endpoints(connection, service):
        raise ClusterError(
            f"Service {service} has no ready endpoint, so nobody would answer. "
            f"Compare its selector with your pods' labels: `kubectl describe service {service}`."
        )
    wait_until_settled(
        lambda count: traffic.measure(url, traffic.SamplingPlan(count=count)).by_pod,
        lambda: [each.pod for each in ready_endpoints(connection, service)],
    )


def measure(
    connection: Connection, service: str, url: str, *, requests: int, keep_alive: int = 0
) -> Sample:
    """A sample, with the shares its ready pods suggest if they stayed the same all along."""
    settle(connection, service, url)
    before = ready_endpoints(connection, service)
    sample = traffic.sample(url, count=requests, keep_alive=keep_alive)
    if before != ready_endpoints(connection, service):
        return sample
    pods = {each.pod: 1 / len(before) for each in before}
    return sample.expecting(expected_shares(before), pods)
