"""Routing of one request: its location, its possible backends, and the path they get.

Equal requests get equal routes; only `IngressRoute.upstream` chooses at random between primary and
canary. `explain` gives the reasons as sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from canarylab.ingress_rules.affinity import is_held
from canarylab.ingress_rules.annotations import CanaryPolicy
from canarylab.ingress_rules.ingress_spec import ANY_HOST, Backend
from canarylab.ingress_rules.paths import (
    HEADER_NAME,
    compile_pattern,
    normalize_host,
    normalize_path,
    rewrite,
    split_target,
)
from canarylab.ingress_rules.server_table import Location, Server, ServerTable, Upstream
from canarylab.ingress_rules.warnings import problem_and_remedy

RandomInt = Callable[[int], int]
"""Returns a random integer from 1 to the one given, all equally likely."""
_ONE_LABEL = re.compile(r"[\w-]+")


class IngressRequest(NamedTuple):
    """The parts of a request that a rule can depend on."""

    host: str
    """With or without a port."""
    target: str
    """The path, and the query if there is one."""
    headers: Mapping[str, str] = {}
    """By their names in lower case."""

    @property
    def cookies(self) -> dict[str, str]:
        """By name."""
        return _cookies(self.headers.get("cookie", ""))


class CanaryWeight(NamedTuple):
    """The probability that a request goes to the canary: `weight` of `total`."""

    weight: int
    total: int
    reason: str

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, max(0.0, self.weight / self.total))


class IngressRoute(NamedTuple):
    """The server, location and upstreams of a request."""

    status: int
    """0 if a backend responds; else the status of the ingress's own response."""
    server: Server | None = None
    location: Location | None = None
    primary: Upstream | None = None
    canary: Upstream | None = None
    canary_weight: CanaryWeight | None = None
    """None if there is no canary with endpoints."""
    target: str = ""
    """The request target that the backend gets."""

    def upstream(self, random_int: RandomInt) -> Upstream | None:
        """The upstream for one request; chooses at random for each request."""
        if self.canary_weight is not None:
            number = random_int(self.canary_weight.total)
            if number <= self.canary_weight.weight:
                return self.canary
        return self.primary

    def shares(self) -> dict[Backend, float]:
        """The possible backends, and their shares of such requests, from 0 to 1."""
        if self.primary is None or self.status:
            return {}
        share = self.canary_weight.share if self.canary_weight is not None else 0.0
        shares = {self.primary.backend: 1 - share}
        if self.canary is not None:
            shares[self.canary.backend] = share
        return {backend: part for backend, part in shares.items() if part}


def ingress_request(
    host: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
) -> IngressRequest:
    """A request with header names in any case, and cookies by name.

    >>> ingress_request("foo.bar.com", "/", {"X-Canary": "always"}, {"tester": "yes"}).headers
    {'x-canary': 'always', 'cookie': 'tester=yes'}
    """
    named = {name.lower(): value for name, value in (headers or {}).items()}
    if cookies:
        named["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return IngressRequest(host, target, named)


def route_request(table: ServerTable, request: IngressRequest) -> IngressRoute:
    """Route a request through the table."""
    path = normalize_path(split_target(request.target)[0])
    if path is None:
        return IngressRoute(400)
    server = server_for_host(table, request.host)
    location = match_location(server, path) if server is not None else None
    if location is None or location.backend is None:
        return IngressRoute(404, server, location)
    primary = table.upstreams.get(location.backend)
    if primary is None or not primary.endpoints:
        # Before any canary is considered: `_M.rewrite` in balancer.lua.
        return IngressRoute(503, server, location, primary)
    canary = table.upstreams.get(primary.canary) if primary.canary else None
    weight = None
    if canary is not None and canary.endpoints:
        # A canary without endpoints is ignored: "no alternative balancer" in balancer.lua.
        cookies = request.cookies
        weight = _weight_by_session(primary, canary, cookies) or canary_weight(
            canary.policy, request.headers, cookies
        )
    target = request.target
    if location.rewrite_target:
        target = rewrite(location.path, location.rewrite_target, path, target)
    return IngressRoute(0, server, location, primary, canary, weight, target)


def server_for_host(table: ServerTable, host: str) -> Server | None:
    """The host itself, else a wildcard for its first label, else the rules without a host.

    `buildServerName` in
    https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/template/template.go
    """
    name = normalize_host(host)
    first, dot, rest = name.partition(".")
    if (exact := table.servers.get(name)) is not None:
        return exact
    wildcard = table.servers.get(f"*.{rest}") if dot else None
    if wildcard is not None and _ONE_LABEL.fullmatch(first):
        return wildcard
    return table.servers.get(ANY_HOST)


def match_location(server: Server, path: str) -> Location | None:
    """The location for a normalized path, if one matches.

    Regular expressions: the first that matches. Otherwise an exact one, else the longest prefix.
    https://nginx.org/en/docs/http/ngx_http_core_module.html#location
    """
    prefix = None
    for location in server.locations:  # the longest first
        if location.pattern is not None:
            if location.pattern.search(path) is not None:
                return location
        elif location.exact:
            if path == location.path:
                return location
        elif prefix is None and path.startswith(location.path):
            prefix = location
    return prefix


def _weight_by_session(
    primary: Upstream, canary: Upstream, cookies: Mapping[str, str]
) -> CanaryWeight | None:
    """Of a client that the affinity keeps at one of the two; nothing else is considered then."""
    for upstream, weight in ((primary, 0), (canary, 1)):
        if upstream.affinity and is_held(upstream.affinity, upstream.backend, cookies):
            name = upstream.affinity.name
            return CanaryWeight(weight, 1, f"cookie {name} keeps the client at {upstream.backend}")
    return None


def canary_weight(
    policy: CanaryPolicy, headers: Mapping[str, str], cookies: Mapping[str, str]
) -> CanaryWeight:
    """The canary's weight for a request: by its header, else by its cookie, else as configured.

    >>> canary_weight(CanaryPolicy(weight=10, header="X-Canary"), {"x-canary": "always"}, {}).share
    1.0

    `route_to_alternative_balancer` in
    https://github.com/kubernetes/ingress-nginx/blob/main/rootfs/etc/nginx/lua/balancer.lua
    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
    """
    # nginx ignores the case of both names. An underscore in the annotation stands for a hyphen:
    # `ngx.var["http_" .. name]`.
    name = policy.header.lower().replace("_", "-")
    header = headers.get(name) if HEADER_NAME.fullmatch(name) else None
    if header is not None and (decided := _weight_by_header(policy, header)) is not None:
        return decided
    if policy.cookie:
        by_lower_name = {name.lower(): value for name, value in cookies.items()}
        cookie = by_lower_name.get(policy.cookie.lower())
        if cookie == "always":
            return CanaryWeight(1, 1, f"cookie {policy.cookie} is always")
        if cookie == "never":
            return CanaryWeight(0, 1, f"cookie {policy.cookie} is never")
    reason = f"its weight is {policy.weight} of {policy.total}"
    return CanaryWeight(policy.weight, policy.total, reason)


def _weight_by_header(policy: CanaryPolicy, header: str) -> CanaryWeight | None:
    """None if the header does not decide, so that cookie and weight do."""
    if policy.header_value:
        is_equal = header == policy.header_value
        return CanaryWeight(1, 1, f"header {policy.header} is {header}") if is_equal else None
    if policy.header_pattern:
        return _weight_by_pattern(policy, header)
    if header == "always":
        return CanaryWeight(1, 1, f"header {policy.header} is always")
    if header == "never":
        return CanaryWeight(0, 1, f"header {policy.header} is never")
    return None


def _weight_by_pattern(policy: CanaryPolicy, header: str) -> CanaryWeight | None:
    try:
        found = compile_pattern(policy.header_pattern).search(header)
    except ValueError:
        # No match, and neither cookie nor weight is used: `elseif err then return false`.
        return CanaryWeight(0, 1, f"{policy.header_pattern!r} is no regular expression")
    if found is None:
        return None
    return CanaryWeight(1, 1, f"header {policy.header} matches {policy.header_pattern}")


def _cookies(header: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in reversed(header.split(";"))]  # the first one counts
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def explain(route: IngressRoute) -> tuple[str, ...]:
    """One sentence for each step of the routing."""
    if route.status == 400:
        return ("The path cannot be decoded, so the ingress responds with 400 Bad Request.",)
    return (
        *_explain_host(route.server),
        *_explain_location(route),
        *_explain_canary(route),
        *_explain_affinity(route),
        *_explain_rewrite(route),
    )


def _explain_host(server: Server | None) -> Iterator[str]:
    if server is None or server.host == ANY_HOST:
        yield "No Ingress names this host, so the rules without a host apply."
    else:
        yield f"The rules for host {server.host} apply."


def _explain_location(route: IngressRoute) -> Iterator[str]:
    location = route.location
    if location is None or location.backend is None:
        yield (
            "No rule matches this path and there is no defaultBackend for it, so the ingress "
            "controller responds with 404."
        )
        return
    yield _explain_match(location, location.backend)
    if location.pattern is not None and not location.is_default_backend:
        yield (
            "A rewrite-target or use-regex makes every path of this host a regular expression, "
            f"here {location.pattern.text}. It ignores upper and lower case, and only has to match "
            "the beginning of the path."
        )
    if route.status == 503:
        yield f"{_explain_problem(location.backend, route.primary)}, so requests get 503."


def _explain_match(location: Location, backend: Backend) -> str:
    owner = location.ingress.name if location.ingress else ""
    if location.is_default_backend:
        return (
            "No rule matches this path, so the request goes to the defaultBackend of Ingress "
            f"{owner}: {backend}."
        )
    return (
        f"The longest path that matches is {location.path}. Its rule is in Ingress {owner} and "
        f"leads to {backend}."
    )


def _explain_problem(backend: Backend, upstream: Upstream | None) -> str:
    problem = upstream.problem if upstream is not None else None
    return problem_and_remedy(backend, problem or "NoEndpoints")[0]


def _explain_canary(route: IngressRoute) -> Iterator[str]:
    if route.canary is None:
        return
    name, weight = route.canary.backend, route.canary_weight
    if weight is None:
        yield f"Its canary {name} has no ready endpoints and is ignored."
    else:
        yield f"Its canary {name} gets {_share_in_words(weight.share)}: {weight.reason}."


def _explain_affinity(route: IngressRoute) -> Iterator[str]:
    primary, location = route.primary, route.location
    if route.status or primary is None or primary.affinity is None or location is None:
        return
    if location.cookie_path is not None:
        yield (
            f"A client without the cookie {primary.affinity.name} gets it with the response, and "
            "with it stays at the same pod."
        )


def _share_in_words(share: float) -> str:
    if share in {0.0, 1.0}:
        return "the request" if share else "nothing"
    return f"{100 * share:g} % of such requests"


def _explain_rewrite(route: IngressRoute) -> Iterator[str]:
    if route.status or route.location is None:
        return
    if route.location.rewrite_target:
        yield (
            f"rewrite-target {route.location.rewrite_target} replaces the whole path, so the pod "
            f"receives the path {route.target}."
        )
        return
    if route.location.equals_rewrite_target:
        yield (
            "The rewrite-target equals the path of this rule, so the controller does not rewrite "
            "anything."
        )
    yield f"The pod receives the path {route.target}, unchanged."
