"""HTTPRoutes of the Gateway API: which controllers serve one, and traffic to its host.

Each controller writes into the status of a route, for each Gateway, whether it accepts the route
and which generation of it. Without a Gateway the status stays empty. The expected shares are read
from the route alone, because not every user of a cluster may read Gateways.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from operator import itemgetter
from typing import NamedTuple

from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from canarylab import traffic
from canarylab.errors import ApiRefusedError, GatewayApiMissingError
from canarylab.figures.diagram_content import DiagramRoute, DiagramRule
from canarylab.release.connection import Connection, Object, explain_api_errors
from canarylab.release.endpoints import Endpoint, expected_shares, read_endpoints
from canarylab.runtime import wait_until
from canarylab.text import percent
from canarylab.traffic import Request, Sample, SamplingPlan
from canarylab.traffic.version_names import with_common_names

API_VERSION, KIND = "gateway.networking.k8s.io/v1", "HTTPRoute"
ACCEPTED_TIMEOUT_S = 5.0
SERVED_TIMEOUT_S = 2.0  # once `wait_until_accepted` has been called
_UNKNOWN = 'the server doesn\'t have a resource type "httproutes"'
_INSTALL = "The Gateway API is an addition to Kubernetes; whoever runs the cluster installs it."
_NO_KIND = "no matches for kind"
_GROUP = API_VERSION.partition("/")[0]
_NOT_LISTABLE = {403, 404}  # the user may not list them; a cluster without that kind
_LOOK_AT_GATEWAYS = "Look with `kubectl get gateways`."
_HTTP_PORT = 80
_ANY_PATH = {"type": "PathPrefix", "value": "/"}


def wait_until_accepted(
    connection: Connection, name: str, *, timeout_s: float = ACCEPTED_TIMEOUT_S
) -> list[str]:
    """Wait for the first controller that accepts the route; none where there is none in time."""
    return wait_until(
        lambda: accepting_controllers(read_httproute(connection, name)), timeout_s=timeout_s
    )


def explain_refusal(objects: Iterable[Object], error: ApiRefusedError) -> str:
    """Why a cluster without the Gateway API, or for its guests, refuses these objects.

    Empty for other objects and other refusals.
    """
    if any(not str(each.get("apiVersion")).startswith(f"{_GROUP}/") for each in objects):
        return ""
    if _NO_KIND in error.reply:
        return (
            f"{error.what} is not created: this cluster has no Gateway API. Read on; the cells "
            f'below change nothing here, and on the playground, Lab("playground"), they all work.'
        )
    if "(Forbidden)" in error.reply and error.what.startswith("Gateway "):
        return (
            f"{error.what} is not created: on this cluster you may not create one. If whoever runs "
            "the cluster has created it in your namespace, all cells below work; without it "
            "nothing serves the route."
        )
    return ""


def unresolved_references(route: Object) -> list[str]:
    """What the controllers say of backends that they do not find, once each.

    >>> condition = {"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound"}
    >>> unresolved_references({"status": {"parents": [{"conditions": [condition]}]}})
    ['ResolvedRefs is False, BackendNotFound']
    """
    parents = (route.get("status") or {}).get("parents") or []
    found = [
        f"{each['type']} is False, {each['reason']}" + (f": {message}" if message else "")
        for parent in parents
        for each in parent.get("conditions") or []
        if (each["type"], each["status"]) == ("ResolvedRefs", "False")
        for message in [each.get("message", "")]
    ]
    return list(dict.fromkeys(found))


def read_httproute(connection: Connection, name: str) -> Object:
    """An HTTPRoute as the API returns it; raise ApiRefusedError when there is none."""
    with explain_api_errors(f'HTTPRoute "{name}"', remedy="Look with `kubectl get httproutes`."):
        try:
            routes = connection.dynamic.resources.get(api_version=API_VERSION, kind=KIND)
        except ResourceNotFoundError as exc:
            raise GatewayApiMissingError(f'HTTPRoute "{name}"', _UNKNOWN, _INSTALL) from exc
        found: Object = routes.get(name=name, namespace=connection.namespace).to_dict()
    return found


def why_not_served(
    connection: Connection, name: str, *, timeout_s: float = ACCEPTED_TIMEOUT_S
) -> str:
    """Why no controller serves the route, a sentence; empty if one accepts it in time."""
    try:
        is_served = bool(wait_until_accepted(connection, name, timeout_s=timeout_s))
    except GatewayApiMissingError:
        return f"{name} is not served: this cluster has no Gateway API."
    return "" if is_served else f"{name} is not served: no controller of a Gateway has accepted it."


def read_httproutes(connection: Connection) -> list[Object]:
    """The HTTPRoutes of the namespace; none where the cluster has no such kind, or hides them."""
    group, version = API_VERSION.split("/")
    with explain_api_errors("the HTTPRoutes", remedy="Look with `kubectl get httproutes`."):
        try:
            found = connection.custom.list_namespaced_custom_object(
                group, version, connection.namespace, "httproutes"
            )
        except ApiException as exc:
            if exc.status in _NOT_LISTABLE:
                return []
            raise
    items: list[Object] = found["items"]
    return items


def diagram_routes(routes: Iterable[Object]) -> list[DiagramRoute]:
    """HTTPRoutes for a diagram: host and Gateway as notes, a rule for each backend."""
    return [
        DiagramRoute(
            KIND,
            route["metadata"]["name"],
            (
                *(f"host {host}" for host in route["spec"].get("hostnames") or ["(any)"]),
                *(f"Gateway {each['name']}" for each in route["spec"].get("parentRefs") or []),
            ),
            tuple(
                drawn for rule in route["spec"].get("rules") or [] for drawn in _diagram_rules(rule)
            ),
        )
        for route in routes
    ]


def _diagram_rules(rule: Object) -> Iterator[DiagramRule]:
    text = " or ".join(_match_text(each) for each in rule.get("matches") or [{}])
    weights = _weights(rule)
    for name, weight in weights.items():
        share = percent(weight / (sum(weights.values()) or 1))
        yield DiagramRule(text if len(weights) == 1 else f"{text} {share}", name)
    for each in rule.get("filters") or []:
        if mirror := each.get("requestMirror"):
            yield DiagramRule(text, mirror["backendRef"]["name"], is_mirror=True)


def _match_text(match: Object) -> str:
    """What a request needs, in a few words.

    >>> _match_text({"headers": [{"name": "X-Canary", "value": "always"}]})
    'X-Canary: always'
    """
    headers = [f"{each['name']}: {each['value']}" for each in match.get("headers") or []]
    path = match.get("path", _ANY_PATH)
    exactly = " exactly" if path.get("type") == "Exact" else ""
    is_plain = path == _ANY_PATH and headers
    return " and ".join([*([] if is_plain else [f"{path.get('value', '/')}{exactly}"]), *headers])


def _weights(rule: Object) -> dict[str, int]:
    return {each["name"]: each.get("weight", 1) for each in rule.get("backendRefs") or []}


def accepting_controllers(route: Object) -> list[str]:
    """The controllers that accept the newest generation of the route.

    >>> accepting_controllers({"metadata": {"generation": 1}})
    []
    """
    newest = route["metadata"].get("generation", 0)
    parents = (route.get("status") or {}).get("parents") or []
    return [
        str(parent["controllerName"])
        for parent in parents
        if any(_is_accepted(each, newest) for each in parent.get("conditions") or [])
    ]


def sample_httproute(
    connection: Connection,
    find_url: Callable[[list[str]], str],
    name: str,
    plan: SamplingPlan,
    headers: Mapping[str, str] | None = None,
) -> Sample:
    """Send requests for `/` to the first host of the route; none if no controller serves it.

    `find_url` chooses a URL from the addresses of the Gateways. The expected shares are left out
    if the route or the pods changed meanwhile.
    """
    if reason := why_not_served(connection, name, timeout_s=SERVED_TIMEOUT_S):
        note = f"{reason} No request was sent."
        return Sample("", (), datetime.now(UTC), 0.0, balanced_per="request", notes=(note,))
    route = read_httproute(connection, name)
    before = _expected_versions(connection, route, headers)
    hosts = route["spec"].get("hostnames") or [None]
    request = Request(host=hosts[0], headers=headers or {})
    url = find_url(gateway_addresses(connection, route))
    sample = traffic.measure(f"{url}/", plan, request=request)
    sample = replace(sample, balanced_per="request", expected_from="rules")
    if before != _expected_versions(connection, read_httproute(connection, name), headers):
        return sample
    return with_common_names(sample.with_expected(before.versions), before.tags)


def gateway_addresses(connection: Connection, route: Object) -> list[str]:
    """The addresses that the Gateways of a route report; none of those you may not read."""
    found = []
    for parent in route["spec"].get("parentRefs") or []:
        place = parent.get("namespace") or connection.namespace
        with explain_api_errors(f'Gateway "{parent["name"]}"', remedy=_LOOK_AT_GATEWAYS):
            try:
                gateway = connection.custom.get_namespaced_custom_object(
                    *API_VERSION.split("/"), place, "gateways", parent["name"]
                )
            except ApiException as exc:
                if exc.status in _NOT_LISTABLE:
                    continue
                raise
        found += addresses_in_status(gateway)
    return found


def addresses_in_status(gateway: Object) -> list[str]:
    """Addresses with the port of the first HTTP listener, which is left out if it is 80.

    >>> spec = {"listeners": [{"protocol": "HTTP", "port": 8000}]}
    >>> addresses_in_status({"spec": spec, "status": {"addresses": [{"value": "192.0.2.7"}]}})
    ['192.0.2.7:8000']
    """
    ports = [each["port"] for each in gateway["spec"]["listeners"] if each["protocol"] == "HTTP"]
    suffix = f":{ports[0]}" if ports and ports[0] != _HTTP_PORT else ""
    addresses = (gateway.get("status") or {}).get("addresses") or []
    values = [each["value"] for each in addresses]
    return [f"[{value}]{suffix}" if ":" in value else value + suffix for value in values]


def service_shares(route: Object, headers: Mapping[str, str] | None = None) -> dict[str, float]:
    """The share of requests for `/` with these headers that each Service gets.

    Of the rules that match, the one that requires the most headers is used.

    >>> backends = [{"name": "stable", "weight": 9}, {"name": "canary", "weight": 1}]
    >>> service_shares({"spec": {"rules": [{"backendRefs": backends}]}})
    {'stable': 0.9, 'canary': 0.1}
    """
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    matching = [
        (required, rule)
        for rule in route["spec"].get("rules") or []
        if (required := _headers_required(rule, sent)) is not None
    ]
    rule: Object = max(matching, key=itemgetter(0))[1] if matching else {}
    weights = _weights(rule)
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items() if weight}


def _headers_required(rule: Object, sent: Mapping[str, str]) -> int | None:
    """How many headers the most specific match of the rule requires; None if none matches."""
    required = [
        len(match.get("headers") or [])
        for match in rule.get("matches") or [{}]
        if set(match) <= {"path", "headers"}
        and match.get("path", _ANY_PATH) == _ANY_PATH
        and all(
            sent.get(each["name"].lower()) == each["value"] for each in match.get("headers") or []
        )
    ]
    return max(required, default=None)


def _is_accepted(condition: Object, newest: int) -> bool:
    is_new = condition.get("observedGeneration", newest) >= newest
    return bool(is_new and condition["type"] == "Accepted" and condition["status"] == "True")


class _Expected(NamedTuple):
    """The share of each version among the requests that reach a pod, and the tag of each pod."""

    versions: Mapping[str, float]
    tags: Mapping[str, str]


def _expected_versions(
    connection: Connection, route: Object, headers: Mapping[str, str] | None
) -> _Expected:
    versions: dict[str, float] = defaultdict(float)
    tags: dict[str, str] = {}
    for service, share in service_shares(route, headers).items():
        endpoints = _endpoints_of(connection, service)
        tags |= {each.pod: each.version for each in endpoints}
        for version, part in expected_shares(endpoints).items():
            versions[version] += share * part
    total = sum(versions.values())
    shares = {version: share / total for version, share in sorted(versions.items())}
    return _Expected(shares, tags)


def _endpoints_of(connection: Connection, service: str) -> list[Endpoint]:
    """The endpoints of a Service; none of one that does not exist."""
    try:
        return read_endpoints(connection, service)
    except ApiRefusedError as exc:
        if "(NotFound)" in exc.reply:
            return []
        raise
