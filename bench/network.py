"""The latency that the playground's service proxy adds.

All ask the same pods of the real app: through the NodePort, and one pod directly.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench.home import production_on_node_port
from bench.measurement import Measurement
from bench.sampler import NODE_PORT
from canarylab import traffic
from canarylab.manifests import PRODUCTION, SERVICE
from canarylab.release.connection import Connection
from canarylab.release.endpoints import ready_endpoints
from canarylab.release.network_sync import wait_for_service
from canarylab.release.rollout import scale, wait_until_rolled_out

ONE_BY_ONE, ROUNDS = 1_000, 3


def measure() -> Iterator[Measurement]:
    """The median time that the proxy adds."""
    with production_on_node_port(NODE_PORT) as connection:
        yield _added(connection)


def _added(connection: Connection) -> Measurement:
    """One pod behind the Service, so that both ways lead to the same one."""
    scale(connection, PRODUCTION, 1)
    wait_until_rolled_out(connection, PRODUCTION)
    wait_for_service(connection, SERVICE, NODE_PORT)
    pod = f"http://{ready_endpoints(connection, SERVICE)[0].address}/"
    added = [1_000 * (_median_s(NODE_PORT) - _median_s(pod)) for _ in range(ROUNDS)]
    return Measurement(
        "proxy, added at the median", median(added), "ms", "at most 0.4", median(added) <= 0.4
    )


def _median_s(url: str) -> float:
    taken = traffic.sample(url, count=ONE_BY_ONE, concurrency=1)
    return median(answer.latency_s for answer in taken.results)
