"""Routing by HTTPRoutes: attachment to Gateways, matching of requests, filters.

Pure functions of Gateways, HTTPRoutes, Services and EndpointSlices.
https://gateway-api.sigs.k8s.io/reference/spec/#httproute
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from canarylab.ingress_rules.paths import (
    Pattern,
    compile_pattern,
    normalize_host,
    normalize_path,
    quote_path,
    split_target,
)
from canarylab.kube_objects import Address, EndpointIndex, Key, Object, key_of
from canarylab.playground.kube.kinds import GATEWAY_GROUP
from canarylab.playground.kube.quantities import duration_seconds
from canarylab.playground.kube.selectors import by_label_selector
from canarylab.playground.network.proxy_request import DirectResponse, RequestHead, Timeouts

SUPPORTED_FILTERS = frozenset(
    {"RequestHeaderModifier", "RequestMirror", "RequestRedirect", "URLRewrite"}
)

_OF_BACKENDS = frozenset({"RequestHeaderModifier", "URLRewrite"})
"""The filters that a single backend may have."""
_PATH_RANKS = {"RegularExpression": 1, "PathPrefix": 2, "Exact": 3}
_PORT = re.compile(r":([0-9]{1,5})$")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What a header value cannot have: https://www.rfc-editor.org/rfc/rfc9110#section-5.5"""


class Attachment(NamedTuple):
    """The result of one parentRef."""

    parent: Object
    gateway: Key
    reason: str
    """`Accepted`, or why not."""
    listeners: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """An empty one is any host."""


class ValueMatch(NamedTuple):
    """A header or a query parameter that a request must have."""

    name: str
    value: str
    pattern: Pattern | None
    """None unless the value is a regular expression."""

    def matches(self, values: Mapping[str, str]) -> bool:
        """Whether the request has this value."""
        found = values.get(self.name)
        if found is None:
            return False
        return found == self.value if self.pattern is None else self.pattern.matches_all(found)


class RouteMatch(NamedTuple):
    """One entry of `matches`: all of it must hold."""

    path_type: str = "PathPrefix"
    path: str = "/"
    pattern: Pattern | None = None
    """None unless the path is a regular expression."""
    method: str = ""
    headers: tuple[ValueMatch, ...] = ()
    parameters: tuple[ValueMatch, ...] = ()

    @property
    def precedence(self) -> tuple[int, ...]:
        """The highest is first: by path, method, number of headers, number of parameters.

        An exact path goes first, then the longest prefix, then the longest regular expression, and
        last `/`, which matches everything. Where regular expressions stand is up to the
        implementation; this is Traefik's order. Envoy Gateway has them before every prefix.
        """
        is_catch_all = self.path_type == "PathPrefix" and self.path == "/"
        return (
            0 if is_catch_all else _PATH_RANKS[self.path_type],
            len(self.path),
            int(bool(self.method)),
            len(self.headers),
            len(self.parameters),
        )

    def matches(self, request: MatchRequest) -> bool:
        """Whether it matches this request.

        >>> RouteMatch(path="/canary").matches(MatchRequest("", "GET", "/canarybird", {}, {}))
        False
        """
        return (
            (not self.method or self.method == request.method)
            and self._matches_path(request.path)
            and all(value.matches(request.headers) for value in self.headers)
            and all(value.matches(request.parameters) for value in self.parameters)
        )

    def _matches_path(self, path: str) -> bool:
        if self.pattern is not None:
            return self.pattern.matches_all(path)
        if self.path_type == "Exact":
            return path == self.path
        prefix = self.path.rstrip("/")
        return path == prefix or path.startswith(f"{prefix}/")


class MatchRequest(NamedTuple):
    """The parts of a request that a match can depend on."""

    host: str
    method: str
    path: str
    """Decoded, without dots."""
    headers: Mapping[str, str]
    """By names in lower case."""
    parameters: Mapping[str, str]


class WeightedBackend(NamedTuple):
    """A Service, and its share of the requests: `weight` of the sum of all weights."""

    service: Key
    weight: int
    endpoints: tuple[Address, ...] | None
    """None if there is no such Service or port: 500."""
    filters: tuple[Object, ...] = ()


class Mirror(NamedTuple):
    """A Service that receives copies of `numerator` of `denominator` requests."""

    backend: WeightedBackend
    numerator: int
    denominator: int


Grants = frozenset[tuple[str, str, str]]
"""References that a ReferenceGrant permits: the namespace of the HTTPRoute, that of the Service,
and the Service's name, empty for all of them."""


class HttpRouteRule(NamedTuple):
    """One rule of one route, for one host and one match."""

    route: Key
    host: str
    match: RouteMatch
    filters: tuple[Object, ...]
    backends: tuple[WeightedBackend, ...]
    mirrors: tuple[Mirror, ...]
    timeouts: Timeouts


class AttachedRoute(NamedTuple):
    """A route with what its status reports."""

    route: Object
    attachments: tuple[Attachment, ...]
    unresolved: str
    """The reason why a backend is not resolved, or an empty string."""
    unsupported: str
    """The value that is not supported, or an empty string."""


class HttpRouteRules(NamedTuple):
    """The rules in the order in which they are tried, and their routes."""

    rules: tuple[HttpRouteRule, ...]
    routes: tuple[AttachedRoute, ...]


NO_RULES = HttpRouteRules((), ())


def build_route_rules(
    routes: Iterable[Object],
    gateways: Mapping[Key, Object],
    namespaces: Mapping[str, Object],
    endpoints: EndpointIndex,
    grants: Grants = frozenset(),
) -> HttpRouteRules:
    """Build the rules; the oldest route comes first if nothing else decides, then by name."""
    ordered = sorted(
        routes, key=lambda route: (route["metadata"].get("creationTimestamp", ""), key_of(route))
    )
    attached = [
        AttachedRoute(
            route,
            tuple(find_attachments(route, gateways, namespaces)),
            _unresolved(route, endpoints, grants),
            _unsupported(route),
        )
        for route in ordered
    ]
    rules = [rule for each in attached for rule in _route_rules(each, endpoints, grants)]
    # Stable, so what came first stays first among equals.
    rules.sort(key=lambda rule: rule.match.precedence, reverse=True)
    return HttpRouteRules(tuple(rules), tuple(each for each in attached if each.attachments))


def service_grants(grants: Iterable[Object]) -> Grants:
    """What ReferenceGrants permit: HTTPRoutes of one namespace may name Services of another.

    https://gateway-api.sigs.k8s.io/reference/spec/#referencegrant
    """
    return frozenset(
        (source["namespace"], key_of(grant).namespace, target.get("name") or "")
        for grant in grants
        for source in grant["spec"]["from"]
        for target in grant["spec"]["to"]
        if (source["group"], source["kind"]) == (GATEWAY_GROUP, "HTTPRoute")
        and (target["group"], target["kind"]) == ("", "Service")
    )


def select_rule(rules: Sequence[HttpRouteRule], request: MatchRequest) -> HttpRouteRule | None:
    """The first rule that matches, of those for the most specific host."""
    best: tuple[tuple[int, int], HttpRouteRule] | None = None
    for rule in rules:
        rank = _host_rank(rule.host, request.host)
        if rank is None or (best is not None and rank <= best[0]):
            continue
        if rule.match.matches(request):
            best = rank, rule
    return best[1] if best is not None else None


def match_request(
    host: str, method: str, target: str, headers: Mapping[str, str]
) -> MatchRequest | None:
    """The parts of a request that are matched; None if the path cannot be decoded."""
    raw, query = split_target(target)
    path = normalize_path(raw)
    if path is None:
        return None
    pairs = parse_qsl(query[1:], keep_blank_values=True)
    first_values = dict(reversed(pairs))
    return MatchRequest(normalize_host(host), method, path, headers, first_values)


def parse_match(match: Object) -> RouteMatch:
    """Parse an entry of `matches`; raise ValueError for an invalid regular expression."""
    path = match.get("path") or {}
    path_type, value = path.get("type", "PathPrefix"), path.get("value", "/")
    return RouteMatch(
        path_type=path_type,
        path=value,
        pattern=_compile(value) if path_type == "RegularExpression" else None,
        method=match.get("method", ""),
        headers=tuple(
            _value_match(entry, entry["name"].lower()) for entry in match.get("headers") or []
        ),
        parameters=tuple(
            _value_match(entry, entry["name"]) for entry in match.get("queryParams") or []
        ),
    )


# Attachment. https://gateway-api.sigs.k8s.io/reference/spec/#parentreference


def find_attachments(
    route: Object, gateways: Mapping[Key, Object], namespaces: Mapping[str, Object]
) -> list[Attachment]:
    """The attachments of a route, one for each parentRef that names one of these Gateways."""
    found = []
    for parent in route["spec"].get("parentRefs") or []:
        key = Key(parent.get("namespace") or key_of(route).namespace, parent["name"])
        is_gateway = parent.get("kind", "Gateway") == "Gateway"
        if is_gateway and parent.get("group", GATEWAY_GROUP) == GATEWAY_GROUP and key in gateways:
            found.append(_attachment(route, parent, gateways[key], namespaces))
    return found


def is_http(listener: Object) -> bool:
    """Only plain HTTP is served; TLS is not."""
    return bool(listener["protocol"] == "HTTP")


def count_attached_routes(gateway: Object, listener: Object, found: Iterable[Attachment]) -> int:
    """The number of routes that a listener serves."""
    return sum(
        each.gateway == key_of(gateway) and listener["name"] in each.listeners for each in found
    )


def _attachment(
    route: Object, parent: Object, gateway: Object, namespaces: Mapping[str, Object]
) -> Attachment:
    unattached = Attachment(parent, key_of(gateway), "NoMatchingParent")
    candidates = [
        listener
        for listener in gateway["spec"]["listeners"]
        if parent.get("sectionName") in {None, listener["name"]}
        and parent.get("port") in {None, listener["port"]}
        and is_http(listener)
    ]
    if not candidates:
        return unattached
    allowed = [entry for entry in candidates if _allows(entry, gateway, route, namespaces)]
    if not allowed:
        return unattached._replace(reason="NotAllowedByListeners")
    hosts = {entry["name"]: _common_hosts(entry, route) for entry in allowed}
    if not any(hosts.values()):
        return unattached._replace(reason="NoMatchingListenerHostname")
    return unattached._replace(
        reason="Accepted",
        listeners=tuple(name for name, common in hosts.items() if common),
        hosts=tuple(dict.fromkeys(host for common in hosts.values() for host in common)),
    )


def _allows(
    listener: Object, gateway: Object, route: Object, namespaces: Mapping[str, Object]
) -> bool:
    allowed = listener.get("allowedRoutes") or {}
    kinds = allowed.get("kinds") or [{"kind": "HTTPRoute"}]
    if all(kind["kind"] != "HTTPRoute" for kind in kinds):
        return False
    allowed_namespaces = allowed.get("namespaces") or {}
    own, other = key_of(gateway).namespace, key_of(route).namespace
    if allowed_namespaces.get("from", "Same") == "Selector":
        matches = by_label_selector(allowed_namespaces.get("selector") or {})
        return other in namespaces and matches(namespaces[other])
    return allowed_namespaces.get("from", "Same") == "All" or own == other


def _common_hosts(listener: Object, route: Object) -> list[str]:
    """The hosts of both the listener and the route; of two that overlap, the narrower."""
    own, wanted = listener.get("hostname") or "", route["spec"].get("hostnames") or [""]
    return [host for each in wanted if (host := _narrower(own, each)) is not None]


def _narrower(one: str, other: str) -> str | None:
    for wide, narrow in ((one, other), (other, one)):
        if not wide or wide == narrow:
            return narrow
        if wide.startswith("*.") and narrow.removeprefix("*").endswith(wide[1:]):
            return narrow
    return None


def _host_rank(pattern: str, host: str) -> tuple[int, int] | None:
    """How specific a hostname of a route is: exact before wildcard, longer before shorter.

    A wildcard stands for one label or more here, for exactly one in an Ingress.
    """
    if not pattern:
        return (0, 0)
    if pattern.startswith("*."):
        fits = host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
        return (0, len(pattern)) if fits else None
    return (1, len(pattern)) if host == pattern else None


# Rules and backends.


def _route_rules(
    attached: AttachedRoute, endpoints: EndpointIndex, grants: Grants
) -> Iterator[HttpRouteRule]:
    if attached.unsupported:
        return
    hosts = dict.fromkeys(host for each in attached.attachments for host in each.hosts)
    key = key_of(attached.route)
    for rule in attached.route["spec"].get("rules") or [{}]:
        filters = tuple(rule.get("filters") or [])
        backends = tuple(
            _backend(key, ref, endpoints, grants) for ref in rule.get("backendRefs") or []
        )
        mirrors = tuple(
            Mirror(_backend(key, mirror["backendRef"], endpoints, grants), *_fraction(mirror))
            for mirror in _mirrors(filters)
        )
        timeouts = _timeouts(rule.get("timeouts") or {})
        for match in rule.get("matches") or [{}]:
            for host in hosts:
                found = parse_match(match)
                yield HttpRouteRule(key, host, found, filters, backends, mirrors, timeouts)


def _timeouts(timeouts: Object) -> Timeouts:
    return Timeouts(
        duration_seconds(timeouts.get("request", "")),
        duration_seconds(timeouts.get("backendRequest", "")),
    )


def _backend(route: Key, ref: Object, endpoints: EndpointIndex, grants: Grants) -> WeightedBackend:
    service = Key(ref.get("namespace") or route.namespace, ref["name"])
    is_allowed = _is_service(ref) and _is_permitted(route.namespace, service, grants)
    return WeightedBackend(
        service,
        ref.get("weight", 1),
        endpoints.of_port(service, ref.get("port", 0)) if is_allowed else None,
        tuple(ref.get("filters") or []),
    )


def _is_permitted(namespace: str, service: Key, grants: Grants) -> bool:
    return service.namespace == namespace or not grants.isdisjoint(
        {(namespace, service.namespace, name) for name in ("", service.name)}
    )


def _unresolved(route: Object, endpoints: EndpointIndex, grants: Grants) -> str:
    reasons = (_unresolved_ref(route, ref, endpoints, grants) for ref in _all_refs(route))
    return next(filter(None, reasons), "")


def _unresolved_ref(route: Object, ref: Object, endpoints: EndpointIndex, grants: Grants) -> str:
    namespace = key_of(route).namespace
    service = Key(ref.get("namespace") or namespace, ref["name"])
    if not _is_service(ref):
        return "InvalidKind"
    if not _is_permitted(namespace, service, grants):
        return "RefNotPermitted"
    found = endpoints.of_port(service, ref.get("port", 0))
    return "BackendNotFound" if found is None else ""


def _all_refs(route: Object) -> list[Object]:
    rules = route["spec"].get("rules") or []
    refs = [ref for rule in rules for ref in rule.get("backendRefs") or []]
    mirrors = [mirror for rule in rules for mirror in _mirrors(rule.get("filters") or [])]
    return refs + [mirror["backendRef"] for mirror in mirrors]


def _mirrors(filters: Iterable[Object]) -> list[Object]:
    return [entry["requestMirror"] for entry in filters if entry["type"] == "RequestMirror"]


def _fraction(mirror: Object) -> tuple[int, int]:
    if fraction := mirror.get("fraction"):
        return fraction["numerator"], fraction.get("denominator", 100)
    return mirror.get("percent", 100), 100


def _unsupported(route: Object) -> str:
    """A route with an unsupported value is not served at all."""
    for rule in route["spec"].get("rules") or []:
        filters: Sequence[Object] = [
            *(rule.get("filters") or []),
            *(each for ref in rule.get("backendRefs") or [] for each in ref.get("filters") or []),
        ]
        for entry in filters:
            if entry["type"] not in SUPPORTED_FILTERS:
                return f"filter {entry['type']} is not supported"
            if entry not in (rule.get("filters") or []) and entry["type"] not in _OF_BACKENDS:
                return f"filter {entry['type']} of a single backend is not supported"
            if name := _unsendable_header(entry.get("requestHeaderModifier") or {}):
                return f"the value of header {name} has a line break or another control character"
        try:
            for match in rule.get("matches") or []:
                parse_match(match)
        except ValueError as exc:
            return str(exc)
    return ""


def _unsendable_header(change: Object) -> str:
    """The name of the first header whose value no request can have, or an empty string."""
    entries = [*(change.get("set") or []), *(change.get("add") or [])]
    names = (each["name"] for each in entries if _CONTROL_CHARACTER.search(each["value"]))
    return str(next(names, ""))


def _is_service(ref: Object) -> bool:
    return ref.get("kind", "Service") == "Service" and not ref.get("group")


def _value_match(entry: Object, name: str) -> ValueMatch:
    is_pattern = entry.get("type") == "RegularExpression"
    return ValueMatch(name, entry["value"], _compile(entry["value"]) if is_pattern else None)


def _compile(pattern: str) -> Pattern:
    try:
        return compile_pattern(pattern)
    except ValueError as exc:
        message = f"{pattern!r} is not a regular expression of RE2 ({exc})"
        raise ValueError(message) from exc


# Filters. https://gateway-api.sigs.k8s.io/reference/spec/#httproutefilter


def filter_request(head: RequestHead, filters: Iterable[Object], match: RouteMatch) -> RequestHead:
    """The request as the pod gets it."""
    for entry in filters:
        if entry["type"] == "RequestHeaderModifier":
            head = _with_headers(head, entry["requestHeaderModifier"])
        elif entry["type"] == "URLRewrite":
            rewrite = entry["urlRewrite"]
            head = head._replace(
                host=rewrite.get("hostname", head.host),
                target=_modified_target(head.target, rewrite.get("path"), match),
            )
    return head


def redirect(
    head: RequestHead, filters: Iterable[Object], match: RouteMatch
) -> DirectResponse | None:
    """The redirect of a RequestRedirect filter, if there is one."""
    for entry in filters:
        if entry["type"] == "RequestRedirect":
            wanted = entry["requestRedirect"]
            target = _modified_target(head.target, wanted.get("path"), match)
            location = f"{_origin(head, wanted)}{target}"
            return DirectResponse(wanted.get("statusCode", 302), b"", (("Location", location),))
    return None


def _with_headers(head: RequestHead, change: Object) -> RequestHead:
    """Set, add and remove, in this order."""
    by_name, headers = dict(head.by_name), list(head.headers)
    for entry in change.get("set") or []:
        headers = [*_without(headers, entry["name"]), (entry["name"], entry["value"])]
        by_name[entry["name"].lower()] = entry["value"]
    for entry in change.get("add") or []:
        headers.append((entry["name"], entry["value"]))
        before = by_name.get(entry["name"].lower())
        by_name[entry["name"].lower()] = f"{before}, {entry['value']}" if before else entry["value"]
    for name in change.get("remove") or []:
        headers = _without(headers, name)
        by_name.pop(name.lower(), None)
    return head._replace(headers=headers, by_name=by_name)


def _without(headers: Iterable[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    return [header for header in headers if header[0].lower() != name.lower()]


def _modified_target(target: str, change: Object | None, match: RouteMatch) -> str:
    if change is None:
        return target
    path, query = split_target(target)
    if change["type"] == "ReplaceFullPath":
        return _rooted(_escaped(change["replaceFullPath"])) + query
    prefix = match.path.rstrip("/")
    normalized = normalize_path(path) or "/"
    if not path.startswith(prefix) or unquote(path, errors="surrogateescape") != normalized:
        # It matched the normalized path (`//canary`, `/a/../canary`), so it is cut off there.
        path = quote(normalized, safe="/!$&'()*+,;=:@", errors="surrogateescape")
    new = _escaped(change["replacePrefixMatch"]).rstrip("/")
    return _rooted(new + path[len(prefix) :]) + query


def _escaped(path: str) -> str:
    """A path of an object, which may have escapes and a query already."""
    return quote_path(path, keep="%?")


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _origin(head: RequestHead, wanted: Object) -> str:
    """Scheme, host and port; the default port of the scheme is left out."""
    scheme = wanted.get("scheme", "http")
    host, own_port = _PORT.sub("", head.host), _PORT.search(head.host)
    default = {"http": 80, "https": 443}[scheme]
    port = wanted.get("port") or (
        default if "scheme" in wanted else int(own_port[1]) if own_port else 80
    )
    suffix = "" if port == default else f":{port}"
    return f"{scheme}://{wanted.get('hostname', host)}{suffix}"
