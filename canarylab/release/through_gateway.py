"""Send traffic as an HTTPRoute's visitors would, and know what its weights let us expect.

What is expected is read from the route alone: somebody has to serve it, and whether somebody does
is in its status (`accepting.py`). A guest of a cluster may not be shown Gateways.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from canarylab import traffic
from canarylab.release.accepting import read_route
from canarylab.release.connection import Connection, Object
from canarylab.release.endpoints import expected_shares, read_endpoints
from canarylab.traffic import Request, Sample

_ANY_PATH = {"type": "PathPrefix", "value": "/"}


def visit(connection: Connection, door: str, name: str, *, requests: int) -> Sample:
    """Ask the route's first host for `/`, often; no expectation where route or pods changed."""
    route = read_route(connection, name)
    before = _expected(connection, parts(route))
    hosts = route["spec"].get("hostnames") or [None]
    plan, asked = traffic.SamplingPlan(count=requests), Request(host=hosts[0])
    sample = traffic.measure(f"{door}/", plan, request=asked)
    sample = replace(sample, chosen_for="request", suggested_by="rules")
    if before != _expected(connection, parts(read_route(connection, name))):
        return sample
    return sample.expecting(before)


def parts(route: Object) -> dict[str, float]:
    """What part of the plain requests for `/` each Service gets.

    >>> backends = [{"name": "stable", "weight": 9}, {"name": "canary", "weight": 1}]
    >>> parts({"spec": {"rules": [{"backendRefs": backends}]}})
    {'stable': 0.9, 'canary': 0.1}
    """
    rules = [rule for rule in route["spec"].get("rules") or [] if _is_for_everybody(rule)]
    backends = rules[0].get("backendRefs") or [] if rules else []
    weights = {each["name"]: each.get("weight", 1) for each in backends}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items() if weight}


def _is_for_everybody(rule: Object) -> bool:
    wanted: Iterable[Object] = rule.get("matches") or [{}]
    return any(
        set(each) <= {"path"} and each.get("path", _ANY_PATH) == _ANY_PATH for each in wanted
    )


def _expected(connection: Connection, services: Mapping[str, float]) -> dict[str, float]:
    versions: dict[str, float] = defaultdict(float)
    for service, part in services.items():
        for version, share in expected_shares(read_endpoints(connection, service)).items():
            versions[version] += part * share
    return dict(sorted(versions.items()))
