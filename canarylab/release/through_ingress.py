"""Send traffic through the Ingress, and know what its rules and the ready pods let us expect."""

from __future__ import annotations

import time
from dataclasses import replace

from canarylab import traffic
from canarylab.errors import ClusterError, TimedOutError
from canarylab.ingress_rules.routing import IngressRoute, ingress_request
from canarylab.release.connection import Connection
from canarylab.release.routing import Expected, expected, find_route
from canarylab.release.wait import UNNAMED
from canarylab.traffic import Request, Sample
from canarylab.traffic.http import Target

SETTLED_WITHIN_S = 10.0
_PROBES = 40


def measure(connection: Connection, url: str, asked: Request, *, requests: int) -> Sample:
    """A sample; what it lets expect is left out where rules or pods changed meanwhile."""
    before = _expected(connection, url, asked)
    _settle(url, asked, before)
    plan = traffic.SamplingPlan(count=requests)
    sample = replace(traffic.measure(url, plan, request=asked), chosen_for="request")
    if before != _expected(connection, url, asked):
        return sample
    return sample.expecting(before.versions, before.pods)


def route_of(connection: Connection, url: str, asked: Request) -> IngressRoute:
    """The way of such a request by the rules."""
    target = Target.parse(url)
    host = asked.host or target.authority
    return find_route(connection, ingress_request(host, target.path, asked.headers, asked.cookies))


def _expected(connection: Connection, url: str, asked: Request) -> Expected:
    found = route_of(connection, url, asked)
    if found.status:
        raise ClusterError(
            f"By its rules the ingress answers such a request itself, with {found.status}. "
            "`lab.explain_route` says why."
        )
    return expected(connection, found)


def _settle(url: str, asked: Request, wanted: Expected) -> None:
    """Wait until nobody answers who is not expected to."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while others := _strangers(url, asked, wanted):
        if time.monotonic() > deadline:
            raise TimedOutError(
                f"After {SETTLED_WITHIN_S:.0f} s these answer who should not: "
                f"{', '.join(sorted(others))}. `lab.explain_route` says who should."
            )


def _strangers(url: str, asked: Request, wanted: Expected) -> set[str]:
    answering = traffic.measure(url, traffic.SamplingPlan(count=_PROBES), request=asked).by_pod
    return set(answering) - set(wanted.pods) - {UNNAMED}
