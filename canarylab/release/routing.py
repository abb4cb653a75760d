"""Where does a request go by the Ingresses of the namespace, and what is to be expected of many?

Read from the API and decided by the rules of ingress-nginx, the same code that the playground's own
ingress runs (`ingress_rules`). Another controller may decide otherwise; what it does
with a real request stands beside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from canarylab.ingress_rules.ingress_spec import ServiceEndpoints, parse_ingresses
from canarylab.ingress_rules.routing import IngressRequest, IngressRoute, route_request
from canarylab.ingress_rules.server_table import IngressRules, build_server_table
from canarylab.release.connection import Connection, Object, refusals
from canarylab.release.endpoints import Endpoint, read_endpoints

_REMEDY = "Look with `kubectl get ingresses,services,endpointslices`."


class Expected(NamedTuple):
    """What share of the answers each version, and each pod, should get."""

    versions: Mapping[str, float]
    pods: Mapping[str, float]


def read_rules(connection: Connection) -> IngressRules:
    """What the Ingresses of the namespace add up to, and what is wrong with them."""
    here = connection.namespace
    with refusals("the Ingresses", remedy=_REMEDY):
        ingresses = connection.networking.list_namespaced_ingress(here)
        services = connection.core.list_namespaced_service(here)
        slices = connection.discovery.list_namespaced_endpoint_slice(here)
    found: list[list[Object]] = [
        connection.plain(each)["items"] for each in (ingresses, services, slices)
    ]
    return build_server_table(parse_ingresses(found[0]), ServiceEndpoints(found[1], found[2]))


def find_route(connection: Connection, asked: IngressRequest) -> IngressRoute:
    """The way of one request."""
    return route_request(read_rules(connection).table, asked)


def expected(connection: Connection, found: IngressRoute) -> Expected:
    """What share of such requests each version and each pod should answer."""
    pods: dict[str, float] = defaultdict(float)
    versions: dict[str, float] = defaultdict(float)
    for backend, share in found.shares().items():
        ready = _ready(connection, backend.service.name)
        for endpoint in ready:
            pods[endpoint.pod] += share / len(ready)
            versions[endpoint.version] += share / len(ready)
    return Expected(dict(sorted(versions.items())), dict(pods))


def _ready(connection: Connection, service: str) -> list[Endpoint]:
    return [each for each in read_endpoints(connection, service) if each.ready]
