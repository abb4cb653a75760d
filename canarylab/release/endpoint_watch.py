"""Which pods of a Service are ready, looked at while requests are sent.

It looks ten times a second, at the EndpointSlices alone: a look costs one small request, and the
pods are read only when one of them is new.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from canarylab import runtime
from canarylab.errors import ClusterError
from canarylab.kube_objects import SERVICE_LABEL
from canarylab.release.connection import Connection, explain_api_errors
from canarylab.release.endpoints import read_endpoints
from canarylab.traffic import Observation

LOOK_EVERY_S = 0.1
LOOK_TIMEOUT_S = 5.0


class EndpointWatch:
    """The ready pods of a Service over time."""

    def __init__(
        self,
        connection: Connection,
        service: str,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._connection, self._service, self._clock = connection, service, clock
        self.tags: dict[str, str] = {}
        """The image tag of each pod that was seen."""
        self._observations: list[Observation] = []

    def look(self) -> None:
        """Read the ready pods now; note them if they differ from those before."""
        at = self._clock()
        with explain_api_errors(
            f'Service "{self._service}"', remedy="Look with `kubectl get endpointslices`."
        ):
            pods = self._ready_pods()
        if not pods <= self.tags.keys():
            found = read_endpoints(self._connection, self._service)
            self.tags |= {each.pod: each.version for each in found}
        ready = {pod: self.tags[pod] for pod in sorted(pods) if pod in self.tags}
        if not self._observations or self._observations[-1].ready != ready:
            self._observations.append(Observation(at, ready))

    def observations(self) -> list[Observation]:
        """What was seen, after a last look."""
        self.look_again()
        return list(self._observations)

    def look_again(self) -> None:
        """Like `look`; a cluster that does not answer now is asked again later."""
        with suppress(ClusterError):
            self.look()

    def _ready_pods(self) -> set[str]:
        answer = self._connection.discovery.list_namespaced_endpoint_slice(
            self._connection.namespace,
            label_selector=f"{SERVICE_LABEL}={self._service}",
            _preload_content=False,
            _request_timeout=LOOK_TIMEOUT_S,
        )
        slices: list[dict[str, Any]] = json.loads(answer.data)["items"]
        return {
            str(endpoint["targetRef"]["name"])
            for each in slices
            for endpoint in each.get("endpoints") or []
            if endpoint.get("conditions", {}).get("ready") and endpoint.get("targetRef")
        }


@contextmanager
def watch_endpoints(connection: Connection, service: str) -> Iterator[EndpointWatch]:
    """Watch the pods of a Service within a `with` block."""
    watch = EndpointWatch(connection, service)
    watch.look()
    with runtime.repeatedly(watch.look_again, every_s=LOOK_EVERY_S, name="endpoints"):
        yield watch
