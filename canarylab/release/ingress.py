"""The Ingresses of a namespace: where they answer, what their rules say, and traffic through them.

`ingress_rules` decides the routes, by the rules of ingress-nginx; the playground's own ingress runs
the same code. Another controller may decide otherwise, which the response to a real request shows.
"""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import NamedTuple

from kubernetes.client.exceptions import ApiException

from canarylab import traffic
from canarylab.clusters.base import Cluster, IngressSetup, ServiceAddress
from canarylab.display import Report, no_report, status_line
from canarylab.errors import ClusterError, TimedOutError
from canarylab.figures.diagram_content import DiagramRoute, DiagramRule
from canarylab.ingress_rules.annotations import CanaryPolicy, parse_annotations
from canarylab.ingress_rules.ingress_spec import (
    ANY_HOST,
    IngressSpec,
    parse_ingresses,
)
from canarylab.ingress_rules.routing import IngressRoute, explain, ingress_request, route_request
from canarylab.ingress_rules.server_table import BuildResult, build_server_table
from canarylab.kube_objects import EndpointIndex, Object
from canarylab.release.apply import apply
from canarylab.release.connection import Connection, explain_api_errors
from canarylab.release.endpoints import ready_endpoints
from canarylab.release.network_sync import sync_count, wait_until_synced
from canarylab.release.rollout import wait_until_rolled_out
from canarylab.runtime import wait_until
from canarylab.traffic import Request, Sample, SampleInterrupted, SamplingPlan
from canarylab.traffic.http import HttpResponse, Target, get
from canarylab.traffic.sampler import ProgressLine
from canarylab.traffic.version_names import with_common_names

HOST = "foo.bar.com"
"""The host of the lessons. The domain has an owner, so it is only ever sent as a Host header."""
LESSON_REQUEST = Request(host=HOST)
CANARY_WEIGHT = "nginx.ingress.kubernetes.io/canary-weight"
ROUTING_KINDS = frozenset({"Ingress", "Gateway", "HTTPRoute"})
SERVICE_READY_TIMEOUT_S = 10.0
_PROBES = 40
_ANY_ADDRESS = "127.0.0.1"  # in place of a host; no rule can name an address
_NOT_FOUND = 404  # a cluster without that kind
_FORBIDDEN = 403
_HTTP, _HTTPS = 80, 443
_REMEDY = "Look with `kubectl get ingresses,services,endpointslices`."
FindIngressSetup = Callable[[Sequence[Object] | None, Report], IngressSetup]
CONTROLLER_READY_TIMEOUT_S = 180.0  # most of it to pull the image over a slow network
_NOT_LISTABLE = {403, 404}  # the user may not list them; a cluster without that kind
_NO_IMAGE = (
    "Look at the network, or load the images with `canarylab bundle load FILE`; "
    "then apply the Ingress again."
)


class RouteExplanation(NamedTuple):
    """Where the rules send a request, and why."""

    shares: Mapping[str, float]
    """The share of such requests that each backend gets; empty if no backend gets any."""
    path: str
    """The path that the pod receives."""
    status: int
    """The status of the ingress controller's own response; 0 if a pod responds."""
    reasons: tuple[str, ...]
    """One sentence for each step of the routing."""
    rule: str = ""
    """Host, path and Ingress of the rule, or the Ingress of the defaultBackend; else empty."""

    def __repr__(self) -> str:
        return "\n".join(self.reasons)

    def _repr_html_(self) -> str:
        steps = "".join(f"<li>{html.escape(reason)}</li>" for reason in self.reasons)
        return f"<ol>{steps}</ol>"


class ExpectedShares(NamedTuple):
    """What share of the responses each version, and each pod, should have."""

    versions: Mapping[str, float]
    pods: Mapping[str, float]
    tags: Mapping[str, str]
    """The image tag of each pod."""


class IngressClient:
    """The Ingresses of one namespace, from outside the cluster."""

    def __init__(self, cluster: Cluster, connection: Connection) -> None:
        self._cluster, self._connection = cluster, connection
        self._has_controller = False
        self._notes: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The address of the ingress controller, which is installed first if there is none."""
        self.ensure_controller()
        return self._cluster.ingress_url(reported_addresses(read_ingresses(self._connection)))

    def url_of_route(self, gateway_addresses: list[str]) -> str:
        """Where the HTTPRoutes of these Gateways answer; where Ingresses do if there is none."""
        self.ensure_controller()
        reported = reported_addresses(read_ingresses(self._connection))
        return self._cluster.ingress_url([*gateway_addresses, *reported])

    def ensure_controller(self) -> None:
        """Install an ingress controller if there is none; checked only once."""
        if self._has_controller:
            return
        with status_line() as report:
            self._notes = ensure_ingress_controller(
                self._connection, self._cluster.ingress_setup, report
            )
        self._has_controller = True

    def ensure_controller_for(self, objects: Iterable[Object]) -> tuple[str, ...]:
        """The same if one of the objects needs it; returns the notes that were not shown yet."""
        if not any(each.get("kind") in ROUTING_KINDS for each in objects):
            return ()
        self.ensure_controller()
        notes, self._notes = self._notes, ()
        return notes

    def exists(self, name: str) -> bool:
        """Whether there is an Ingress of this name."""
        return any(each["metadata"]["name"] == name for each in read_ingresses(self._connection))

    def get(self, path: str, request: Request = LESSON_REQUEST) -> HttpResponse:
        """Send one request."""
        return get(self._url_of(path), request)

    def explain(self, path: str, request: Request = LESSON_REQUEST) -> RouteExplanation:
        """Where the rules send such a request; nothing is sent, so no address is needed."""
        _check_path(path)
        route = find_route(self._connection, f"http://{_ANY_ADDRESS}{path}", request)
        shares = {str(backend): share for backend, share in route.shares().items()}
        return RouteExplanation(shares, route.target, route.status, explain(route), _rule(route))

    def sample(
        self,
        path: str,
        request: Request = LESSON_REQUEST,
        *,
        requests: int = 200,
        report: Report = no_report,
    ) -> Sample:
        """Send many requests, after waiting until only the expected pods respond.

        The expected shares are left out if rules or pods changed meanwhile.
        """
        plan, url = SamplingPlan(count=requests), self._url_of(path)
        before = expected_shares_by_rules(self._connection, url, request)
        _wait_until_only_expected_pods_answer(url, request, before)
        progress = ProgressLine(plan, report)
        try:
            sample = self._placed(traffic.measure(url, plan, request=request, on_progress=progress))
        except SampleInterrupted as exc:
            exc.sample = self._placed(exc.sample)
            raise
        if before != expected_shares_by_rules(self._connection, url, request):
            return sample
        return with_common_names(sample.with_expected(before.versions, before.pods), before.tags)

    def _placed(self, sample: Sample) -> Sample:
        where = f"{self._cluster.name}, through its Ingress"
        return replace(sample, cluster=where, balanced_per="request", expected_from="rules")

    def sampling_command(
        self, path: str, request: Request = LESSON_REQUEST, *, requests: int = 200
    ) -> str:
        """What sends as many requests in a terminal, and counts the answers."""
        curl = f"curl -s -w '\\n' -H 'Host: {request.host}' {self._url_of(path)}"
        return f"for i in $(seq {requests}); do {curl}; done | sort | uniq -c"

    def _url_of(self, path: str) -> str:
        _check_path(path)
        return self.url + path

    def ready_pods(self, backend: str) -> set[str]:
        """The ready pods of a backend of a `RouteExplanation`."""
        service = backend.rpartition(":")[0]
        return {endpoint.pod for endpoint in ready_endpoints(self._connection, service)}

    def weight(self, ingress: str) -> int:
        """The weight annotation of a canary Ingress; 0 without one."""
        text = self._annotations(ingress).get(CANARY_WEIGHT, "0")
        return int(text) if text.isdecimal() else 0  # ingress-nginx ignores any other text

    def _annotations(self, ingress: str) -> dict[str, str]:
        with explain_api_errors(
            f'Ingress "{ingress}"', remedy="`kubectl get ingresses` lists them."
        ):
            found = self._connection.networking.read_namespaced_ingress(
                ingress, self._connection.namespace
            )
        return found.metadata.annotations or {}

    def set_weight(self, percent: int, ingress: str) -> None:
        """Set the weight annotation, and wait until the controller has read it."""
        if not isinstance(percent, Integral) or not 0 <= percent <= 100:
            raise ValueError(
                f"A weight cannot be {percent!r}. "
                "Give a whole number from 0 to 100, as in 25 for 25 %."
            )
        annotations = self._annotations(ingress)
        if parse_annotations(annotations).canary is None:
            raise ValueError(
                f"{ingress} is not a canary Ingress, so it has no weight. "
                'Name one with the annotation nginx.ingress.kubernetes.io/canary: "true".'
            )
        if annotations.get(CANARY_WEIGHT) == str(percent):
            return
        change: Object = {"metadata": {"annotations": {CANARY_WEIGHT: str(percent)}}}
        before = sync_count(self._connection, ingress)
        what = f'a weight of {percent} for Ingress "{ingress}"'
        with explain_api_errors(what, remedy="`kubectl get ingresses` lists them."):
            self._connection.networking.patch_namespaced_ingress(
                ingress, self._connection.namespace, change
            )
        wait_until_synced(self._connection, ingress, before)


def _check_path(path: str) -> None:
    if not path.startswith("/"):
        raise ValueError(f'The path "{path}" does not begin with a slash. Try "/{path}".')


def ensure_ingress_controller(
    connection: Connection, ingress_setup: FindIngressSetup, report: Report
) -> tuple[str, ...]:
    """Install the ingress controller if the cluster has none; return notes for the user.

    The provider says which objects are missing. They are applied with the first Ingress; on kind
    the wait may take as long as the image takes to pull.
    """
    wanted = ingress_setup(read_ingress_classes(connection), report)
    for deployment in (each for each in wanted.objects if each["kind"] == "Deployment"):
        name, namespace = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
        there = connection.in_namespace(namespace)
        report(f"installing {name}, which serves Ingresses here")
        apply(there, list(wanted.objects))
        wait_until_rolled_out(
            there, name, timeout_s=CONTROLLER_READY_TIMEOUT_S, report=report, if_no_image=_NO_IMAGE
        )
    return wanted.notes


def read_ingress_classes(connection: Connection) -> list[Object] | None:
    """The IngressClasses of the cluster; None if the user may not list them."""
    with explain_api_errors("the IngressClasses", remedy="Look with `kubectl get ingressclasses`."):
        try:
            found = connection.networking.list_ingress_class()
        except ApiException as exc:
            if exc.status in _NOT_LISTABLE:
                return None
            raise
    items: list[Object] = connection.plain(found)["items"]
    return items


def read_ingresses(connection: Connection) -> list[Object]:
    """The Ingresses of the namespace; none if the cluster lacks the kind or does not allow it."""
    with explain_api_errors("the Ingresses", remedy="Look with `kubectl get ingresses`."):
        try:
            found = connection.networking.list_namespaced_ingress(connection.namespace)
        except ApiException as exc:
            if exc.status in {_NOT_FOUND, _FORBIDDEN}:
                return []
            raise
    items: list[Object] = connection.plain(found)["items"]
    return items


def diagram_routes(ingresses: Iterable[Object]) -> list[DiagramRoute]:
    """Ingresses for a diagram: host, rewrite, weight and header as notes, a rule for each path."""
    routes = []
    for spec in parse_ingresses(ingresses):
        hosts = tuple(dict.fromkeys(spec.hosts))
        rules = [
            DiagramRule(
                f"{each if len(hosts) > 1 else each.path}{' exactly' if each.exact else ''}",
                each.backend.service.name,
            )
            for each in spec.paths
            if each.backend
        ]
        if spec.default:
            rules.append(DiagramRule("default backend", spec.default.service.name))
        kind = "canary Ingress" if spec.is_canary else "Ingress"
        routes.append(DiagramRoute(kind, spec.key.name, tuple(_notes(spec, hosts)), tuple(rules)))
    return routes


def _notes(spec: IngressSpec, hosts: Sequence[str]) -> Iterator[str]:
    if len(hosts) == 1:
        yield "any host" if hosts[0] == ANY_HOST else f"host {hosts[0]}"
    if spec.annotations.rewrite_target:
        yield f"rewrite to {spec.annotations.rewrite_target}"
    if spec.annotations.canary:
        yield from _canary_notes(spec.annotations.canary)


def _canary_notes(policy: CanaryPolicy) -> Iterator[str]:
    yield f"{policy.weight} of {policy.total} requests"
    if policy.header:
        value = policy.header_value or policy.header_pattern or "always"
        yield f"header {policy.header}: {value}"
    if policy.cookie:
        yield f"cookie {policy.cookie}: always"


def service_addresses(ingresses: Iterable[Object], service: str) -> list[ServiceAddress]:
    """Where Ingresses lead to a Service without a host name; each address has to be tried.

    A rule for one host needs requests with that name, which another machine may own. Only a
    rule for every host, on the path `/`, gives an address that a browser can open.

    >>> backend = {"service": {"name": "web"}}
    >>> spec = {"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}]}
    >>> status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
    >>> [each.url for each in service_addresses([{"spec": spec, "status": status}], "web")]
    ['http://192.0.2.7']
    """
    return [
        ServiceAddress(f"http://{address}", "an Ingress", needs_check=True, balanced_per="request")
        for ingress in ingresses
        if service in _services_for_every_host(ingress["spec"])
        for address in _addresses_in_status(ingress)
    ]


def reported_addresses(ingresses: Iterable[Object]) -> list[str]:
    """Every address in the status of the Ingresses, once, with the port if it is not 80."""
    return list(
        dict.fromkeys(address for each in ingresses for address in _addresses_in_status(each))
    )


def find_route(connection: Connection, url: str, request: Request) -> IngressRoute:
    """The route of a request by the rules of the namespace."""
    target = Target.parse(url)
    host = request.host or target.authority
    asked = ingress_request(host, target.path, request.headers, request.cookies)
    return route_request(_read_rules(connection).table, asked)


def expected_shares_by_rules(connection: Connection, url: str, request: Request) -> ExpectedShares:
    """What share of the responses each version and each pod should have, by rules and ready pods.

    Raises ClusterError if the rules send such a request to no pod.
    """
    route = find_route(connection, url, request)
    if route.status:
        raise ClusterError(
            "The rules send such a request to no pod, and the ingress controller responds with "
            f"{route.status}. `lab.explain_route` says why."
        )
    pods: dict[str, float] = defaultdict(float)
    versions: dict[str, float] = defaultdict(float)
    tags: dict[str, str] = {}
    for backend, share in route.shares().items():
        ready = ready_endpoints(connection, backend.service.name)
        for endpoint in ready:
            pods[endpoint.pod] += share / len(ready)
            versions[endpoint.version] += share / len(ready)
            tags[endpoint.pod] = endpoint.version
    return ExpectedShares(dict(sorted(versions.items())), dict(pods), tags)


def _rule(route: IngressRoute) -> str:
    server, location = route.server, route.location
    if server is None or location is None or location.ingress is None:
        return ""
    if location.is_default_backend:
        return f"defaultBackend of Ingress {location.ingress.name}"
    host = "any host" if server.host == ANY_HOST else server.host
    return f"{host}, path {location.path}, of Ingress {location.ingress.name}"


def _wait_until_only_expected_pods_answer(
    url: str, request: Request, expected: ExpectedShares
) -> None:
    others: set[str] = set()

    def has_settled() -> bool:
        nonlocal others
        sample = traffic.measure(url, SamplingPlan(count=_PROBES), request=request)
        pods = {each.pod for each in sample.results if each.pod}
        others = pods - set(expected.pods)
        return not others and bool(pods or sample.answered)

    if not wait_until(has_settled, timeout_s=SERVICE_READY_TIMEOUT_S) and others:
        raise TimedOutError(
            f"After {SERVICE_READY_TIMEOUT_S:.0f} s, pods respond that the rules do not name: "
            f"{', '.join(sorted(others))}. Compare with `lab.explain_route` and `lab.endpoints`."
        )


def _read_rules(connection: Connection) -> BuildResult:
    namespace = connection.namespace
    with explain_api_errors("the Ingresses", remedy=_REMEDY):
        ingresses = connection.networking.list_namespaced_ingress(namespace)
        services = connection.core.list_namespaced_service(namespace)
        slices = connection.discovery.list_namespaced_endpoint_slice(namespace)
    found: list[list[Object]] = [
        connection.plain(each)["items"] for each in (ingresses, services, slices)
    ]
    return build_server_table(parse_ingresses(found[0]), EndpointIndex(found[1], found[2]))


def _services_for_every_host(spec: Object) -> Iterator[str]:
    for rule in spec.get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            if not rule.get("host") and path.get("path") == "/":
                yield path["backend"].get("service", {}).get("name", "")
    yield (spec.get("defaultBackend") or {}).get("service", {}).get("name", "")


def _addresses_in_status(ingress: Object) -> Iterator[str]:
    status = ingress.get("status") or {}
    for entry in (status.get("loadBalancer") or {}).get("ingress") or []:
        if address := entry.get("ip") or entry.get("hostname"):
            yield (f"[{address}]" if ":" in address else address) + _port_suffix(entry)


def _port_suffix(entry: Object) -> str:
    """Most controllers report no port, because it is 80; the playground's needs no root."""
    working = [each["port"] for each in entry.get("ports") or [] if not each.get("error")]
    unencrypted = [port for port in working if port != _HTTPS]
    return f":{unencrypted[0]}" if unencrypted and _HTTP not in unencrypted else ""
