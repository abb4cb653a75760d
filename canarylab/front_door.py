"""What a learner does at the Ingress: ask it, ask why, send traffic, turn the weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from canarylab.clusters.base import Cluster
from canarylab.display import Table
from canarylab.ingress_rules.explain import explain
from canarylab.ingress_rules.ingress_spec import ANY_HOST
from canarylab.ingress_rules.routing import IngressRoute
from canarylab.release import accepting, through_gateway, through_ingress, weights
from canarylab.release.connection import Connection
from canarylab.release.endpoints import read_endpoints
from canarylab.release.ingresses import places, read_ingresses
from canarylab.release.serving import Doorkeeper
from canarylab.traffic import Request, Sample
from canarylab.traffic.http import HttpResponse, get
from canarylab.traffic.text import listed

HOST = "foo.bar.com"
"""The lessons' host. It is somebody's domain, so it is only ever a Host header."""


class Visitor(NamedTuple):
    """What a request says beside its path."""

    host: str | None = HOST
    headers: Mapping[str, str] = {}
    cookies: Mapping[str, str] = {}

    @property
    def request(self) -> Request:
        """For the sampler."""
        return Request(host=self.host, headers=self.headers, cookies=self.cookies)

    def ask(self, url: str) -> HttpResponse:
        """One request, and the answer in full."""
        said = {**self.headers, **({"Host": self.host} if self.host else {})}
        if self.cookies:
            said["Cookie"] = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        return get(url, headers=said)


class Way(NamedTuple):
    """Where a request goes by the rules, and why."""

    shares: Mapping[str, float]
    """The backends that may answer, and how many of such requests; empty where none does."""
    path: str
    """What the pod is asked for."""
    status: int
    """What the ingress itself answers; 0 where the request goes on to a pod."""
    reasons: tuple[str, ...]
    """One sentence for each step of the way."""
    rule: str = ""
    """Host and path of the rule, and whose it is; empty where no rule has the path."""

    def __repr__(self) -> str:
        return "\n".join(self.reasons)

    def _repr_html_(self) -> str:
        return Table(self.reasons[0], notes=self.reasons[1:])._repr_html_()


class FrontDoor:
    """The Ingresses of one namespace, from outside."""

    def __init__(self, cluster: Cluster, connection: Connection) -> None:
        self._cluster, self._connection = cluster, connection
        self.keeper = Doorkeeper(cluster.ingress_setup, connection)

    @property
    def url(self) -> str:
        """Where Ingresses answer; kubectl may have brought the first of them."""
        self.keeper.open()
        return self._cluster.ingress_url(places(read_ingresses(self._connection)))

    def has(self, name: str) -> bool:
        """Is there an Ingress of this name?"""
        return any(each["metadata"]["name"] == name for each in read_ingresses(self._connection))

    def ask(self, path: str, visitor: Visitor) -> HttpResponse:
        """One request, and the answer in full."""
        return visitor.ask(self.url + path)

    def route(self, path: str, visitor: Visitor) -> Way:
        """The way of such a request."""
        found = through_ingress.route_of(self._connection, self.url + path, visitor.request)
        return _way(found)

    def sample(self, path: str, visitor: Visitor, *, requests: int) -> Sample:
        """Many requests, and what rules and ready pods let expect of them."""
        sample = through_ingress.measure(
            self._connection, self.url + path, visitor.request, requests=requests
        )
        where = f"{self._cluster.name}, through its Ingress"
        return replace(sample, cluster=where, suggested_by="rules")

    def pods(self, backend: str) -> set[str]:
        """Who is ready behind a backend of a `Way`."""
        service = backend.rpartition(":")[0]
        found = read_endpoints(self._connection, service)
        return {endpoint.pod for endpoint in found if endpoint.ready}

    def weight(self, ingress: str) -> int:
        """What the knob is at."""
        return weights.read_weight(self._connection, ingress)

    def set_weight(self, percent: int, ingress: str) -> Table:
        """Turn the knob, and wait until the controller knows."""
        weights.set_weight(self._connection, ingress, percent)
        return Table(f"{ingress} takes {percent} of 100 requests.")

    def wait_accepted(self, route: str) -> Table:
        """Who serves an HTTPRoute, once somebody does."""
        if serving := accepting.wait_until_accepted(self._connection, route):
            return Table(f"{route} is served by {listed(serving)}.")
        return Table(f"Nobody serves {route}: no controller of a Gateway has accepted it.")

    def visit_route(self, route: str, *, requests: int) -> Sample:
        """Many requests to the host of an HTTPRoute, and what its weights let expect of them."""
        sample = through_gateway.visit(self._connection, self.url, route, requests=requests)
        return replace(sample, cluster=f"{self._cluster.name}, by HTTPRoute {route}")


def _way(found: IngressRoute) -> Way:
    shares = {str(backend): share for backend, share in found.shares().items()}
    return Way(shares, found.target, found.status, explain(found), _rule(found))


def _rule(found: IngressRoute) -> str:
    server, location = found.server, found.location
    if server is None or location is None or location.ingress is None:
        return ""
    host = "any host" if server.host == ANY_HOST else server.host
    return f"{host}, path {location.path}, of Ingress {location.ingress.name}"
