"""The server table of all Ingresses: hosts, their locations, and upstreams.

The words are nginx's. The builder takes the steps of ingress-nginx in their order, because its
surprises come from the order: createUpstreams, createServers, getBackendServers and
mergeAlternativeBackends in
https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/controller.go

Locations come in two kinds. Usually a Prefix path is two locations, `/canary` and everything below
`/canary/`. But as soon as one path of the host has a rewrite that changes it, or use-regex, *all*
paths of the host, of whichever Ingress, become regular expressions that ignore case and are
anchored at their start only: `/canary` then matches `/canarybird` and `/CANARY` too.
https://kubernetes.github.io/ingress-nginx/user-guide/ingress-path-matching/
https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/location.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from canarylab.ingress_rules import warnings
from canarylab.ingress_rules.annotations import (
    DEFAULT_BODY_LIMIT,
    NO_ANNOTATIONS,
    Annotations,
    CanaryPolicy,
    CookieAffinity,
)
from canarylab.ingress_rules.ingress_spec import (
    ANY_HOST,
    Backend,
    BackendProblem,
    IngressSpec,
    RulePath,
    backend_endpoints,
    backend_problem,
)
from canarylab.ingress_rules.paths import Pattern, compile_pattern, pattern_error
from canarylab.ingress_rules.warnings import IngressWarning
from canarylab.kube_objects import Address, EndpointIndex, Key


class Upstream(NamedTuple):
    """A backend and its endpoints."""

    backend: Backend
    endpoints: tuple[Address, ...]
    policy: CanaryPolicy = CanaryPolicy()
    """Which requests it gets, if it is a canary."""
    canary: Backend | None = None
    """The canary that gets some of its requests."""
    problem: BackendProblem | None = None
    """Why it has no endpoints."""
    affinity: CookieAffinity | None = None
    """The cookie that keeps clients at one of its endpoints."""


class Location(NamedTuple):
    """What a host does with some of the paths."""

    path: str
    exact: bool
    backend: Backend | None
    """None is the default backend of the ingress itself: 404."""
    ingress: Key | None = None
    pattern: Pattern | None = None
    """None unless the paths of the host are regular expressions."""
    rewrite_target: str = ""
    """Empty if the path is forwarded unchanged."""
    equals_rewrite_target: bool = False
    """Whether it has a rewrite-target that is ignored, because it equals the path."""
    is_default_backend: bool = False
    """Whether no rule has the path: a defaultBackend, or the controller's own."""
    body_limit: int = DEFAULT_BODY_LIMIT
    cookie_path: str | None = None
    """The path of the rule, where a cookie for affinity may be set."""


class Server(NamedTuple):
    """A host."""

    host: str
    locations: tuple[Location, ...]
    """In the order in which they are tried: the longest path first."""

    @property
    def by_regex(self) -> bool:
        """Whether its paths are regular expressions."""
        return any(location.pattern is not None for location in self.locations)


class ServerTable(NamedTuple):
    """All hosts and upstreams. Immutable; the controller replaces the whole table."""

    servers: Mapping[str, Server]
    upstreams: Mapping[Backend, Upstream]


EMPTY_TABLE = ServerTable({}, {})


class BuildResult(NamedTuple):
    """The server table, and warnings about what was left out of it or has no effect."""

    table: ServerTable
    warnings: tuple[IngressWarning, ...]


def build_server_table(specs: Sequence[IngressSpec], endpoints: EndpointIndex) -> BuildResult:
    """Build the table for these Ingresses, the oldest of them first.

    An Ingress with a path that has to be a regular expression and is not one is left out as a
    whole, and the others are served; ingress-nginx has its validating webhook for that.
    https://kubernetes.github.io/ingress-nginx/how-it-works/#avoiding-outage-from-wrong-configuration
    """
    builder = ServerTableBuilder()
    builder.add(specs)
    if bad := builder.bad_paths():
        left_out = {warning.ingress for warning in bad}
        rest = build_server_table([spec for spec in specs if spec.key not in left_out], endpoints)
        return BuildResult(rest.table, (*bad, *rest.warnings))
    found = [
        *builder.warnings,
        *warnings.annotation_warnings(specs),
        *warnings.backend_warnings(specs, endpoints),
    ]
    return BuildResult(builder.build(endpoints), tuple(dict.fromkeys(found)))


Place = tuple[str, bool]
"""A path, and whether its pathType is Exact: a host has one location at each."""


@dataclass
class UpstreamBuilder:
    """A backend, while the table is built."""

    is_canary: bool = False
    """A canary has no location of its own: NoServer in ingress-nginx."""
    policy: CanaryPolicy = field(default_factory=CanaryPolicy)
    ingress: Key | None = None
    """The Ingress that has decided both."""
    canary: Backend | None = None
    affinity: CookieAffinity | None = None


@dataclass
class LocationBuilder:
    """A path of a host, while the table is built."""

    path: str = "/"
    exact: bool = False
    backend: Backend | None = None
    ingress: Key | None = None
    annotations: Annotations = NO_ANNOTATIONS
    is_default: bool = False
    """Made because every host has a `/`; the first rule for it replaces it."""
    is_default_backend: bool = False
    cookie_path: str | None = None

    @property
    def is_rewritten(self) -> bool:
        """Whether its rewrite-target changes the path; one that equals the path is ignored."""
        return self.annotations.rewrite_target not in {"", self.path}

    @property
    def is_regex(self) -> bool:
        """Whether it turns all paths of its host into regular expressions."""
        # `enforceRegexModifier` in
        # https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/template/template.go
        return self.is_rewritten or self.annotations.use_regex

    @property
    def place(self) -> Place:
        """Its path and pathType."""
        return self.path, self.exact

    def build(self, *, by_regex: bool) -> Location:
        """Build the location; as a regular expression, an Exact path is no longer exact."""
        return Location(
            path=self.path,
            exact=self.exact,
            backend=self.backend,
            ingress=self.ingress,
            pattern=compile_pattern(f"^{self.path}", ignore_case=True) if by_regex else None,
            rewrite_target=self.annotations.rewrite_target if self.is_rewritten else "",
            equals_rewrite_target=self.annotations.rewrite_target == self.path,
            is_default_backend=self.is_default_backend,
            body_limit=self.annotations.body_limit,
            cookie_path=self.cookie_path,
        )


class ServerTableBuilder:
    """Mutable builder of the server table."""

    def __init__(self) -> None:
        self.warnings: list[IngressWarning] = []
        self._upstreams: dict[Backend, UpstreamBuilder] = {}
        self._hosts: dict[str, dict[Place, LocationBuilder]] = {}
        self._backends: dict[str, set[Backend | None]] = {}
        self._removed: dict[Backend, RulePath] = {}
        self._add_host(ANY_HOST, LocationBuilder(is_default=True, is_default_backend=True))

    def add(self, specs: Sequence[IngressSpec]) -> None:
        """Add all Ingresses: upstreams, hosts, paths, canaries."""
        primaries = [spec for spec in specs if not spec.is_canary]
        for spec in specs:
            self._add_upstreams(spec)
        for spec in primaries:
            self._add_hosts(spec)
        for spec in specs:
            self._add_paths(spec)
        self._backends = {
            host: {location.backend for location in locations.values()}
            for host, locations in self._hosts.items()
        }
        canaries = [spec for spec in specs if spec.is_canary]
        for spec in canaries:
            self._merge_alternative_backends(spec)
        for spec in canaries:
            self._warn_of_removed(spec)
            self._warn_of_second_policy(spec)

    def bad_paths(self) -> list[IngressWarning]:
        """Warnings about paths that have to be regular expressions and are not."""
        found = []
        for host, locations in self._hosts.items():
            if not any(location.is_regex for location in _in_nginx_order(locations.values())):
                continue
            for location in locations.values():
                message = pattern_error(f"^{location.path}", ignore_case=True)
                if message and location.ingress:
                    path = RulePath(host, location.path, location.exact, location.backend)
                    found.append(warnings.bad_path(location.ingress, path, message))
        return found

    def build(self, endpoints: EndpointIndex) -> ServerTable:
        """Build the table."""
        return ServerTable(
            servers={
                host: _server(host, locations.values()) for host, locations in self._hosts.items()
            },
            upstreams={
                backend: Upstream(
                    backend,
                    backend_endpoints(backend, endpoints),
                    upstream.policy,
                    upstream.canary,
                    backend_problem(backend, endpoints),
                    upstream.affinity,
                )
                for backend, upstream in self._upstreams.items()
            },
        )

    def _add_upstreams(self, spec: IngressSpec) -> None:
        """The oldest Ingress that names a backend in a rule decides whether it is a canary."""
        if spec.default is not None:
            self._upstreams[spec.default] = _upstream(spec)
        for path in spec.paths:
            if path.backend is None:
                continue
            known = self._upstreams.setdefault(path.backend, _upstream(spec))
            if spec.is_canary and not known.is_canary:
                self.warnings.append(warnings.service_is_primary(spec, path.backend))

    def _add_hosts(self, spec: IngressSpec) -> None:
        """Each host has a `/` from the start: the Ingress's default backend, or the 404 of all."""
        if spec.default is not None:
            catch_all = next(iter(self._hosts[ANY_HOST].values()))
            catch_all.backend, catch_all.ingress = spec.default, spec.key
            if catch_all.is_default and not spec.hosts:
                catch_all.is_default = False
        for host in spec.hosts:
            root = LocationBuilder(
                backend=spec.default,
                ingress=spec.key if spec.default else None,
                annotations=spec.annotations,
                is_default=True,
                is_default_backend=True,
            )
            if host not in self._hosts:
                self._add_host(host, root)

    def _add_host(self, host: str, root: LocationBuilder) -> None:
        self._hosts[host] = {root.place: root}

    def _add_paths(self, spec: IngressSpec) -> None:
        for path in spec.paths:
            if path.backend is None:
                continue
            if not self._upstreams[path.backend].is_canary:
                self._add_path(spec, path)
            elif not spec.is_canary:
                self.warnings.append(warnings.service_is_canary(spec.key, path, path.backend))

    def _add_path(self, spec: IngressSpec, path: RulePath) -> None:
        locations = self._hosts.get(path.host, self._hosts[ANY_HOST])
        new = LocationBuilder(path.path, path.exact, path.backend, spec.key, spec.annotations)
        if spec.annotations.affinity is not None and path.backend is not None:
            self._upstreams[path.backend].affinity = spec.annotations.affinity
            new.cookie_path = path.path
        known = locations.get(new.place)
        if known is None or known.is_default:
            locations[new.place] = new
        elif known.ingress is not None and known.ingress != spec.key and not spec.is_canary:
            self.warnings.append(warnings.already_claimed(spec.key, path, known.ingress))

    def _merge_alternative_backends(self, spec: IngressSpec) -> None:
        """Give the rules that this canary Ingress repeats their canary.

        It repeats the host, the path and the pathType of a rule of another Ingress, and what gets
        the canary is the *backend* of that rule: other rules that name the same port of the same
        Service then send the canary their share too. A host without rules is skipped; a host that
        has rules, but not this one, removes the canary's backend everywhere.
        https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
        """
        if spec.default is not None:
            any_path = RulePath(ANY_HOST, "/", exact=False, backend=spec.default)
            self._merge(spec, any_path, self._hosts[ANY_HOST].values())
        for path in spec.paths:
            locations = self._hosts.get(path.host)
            upstream = self._upstreams.get(path.backend) if path.backend else None
            if locations is None and upstream is not None and not upstream.is_canary:
                continue  # `_add_path` has given it to the requests for any host
            if locations is None:
                self.warnings.append(warnings.no_host(spec.key, path))
            elif path.backend not in self._backends[path.host]:
                repeated = locations.get((path.path, path.exact))
                self._merge(spec, path, [repeated] if repeated else [])

    def _warn_of_removed(self, spec: IngressSpec) -> None:
        for path in spec.paths:
            cause = self._removed.get(path.backend) if path.backend else None
            if cause is not None and cause != path and path.host in self._hosts:
                self.warnings.append(warnings.canary_removed(spec.key, path, cause))

    def _warn_of_second_policy(self, spec: IngressSpec) -> None:
        if not spec.annotations.has_choice:
            return  # it has nothing that could be without effect
        for backend in (spec.default, *(path.backend for path in spec.paths)):
            known = self._upstreams.get(backend) if backend else None
            if backend is None or known is None or known.ingress is None or not known.is_canary:
                continue
            if known.policy != spec.annotations.canary:
                self.warnings.append(warnings.second_policy(spec, backend, known.ingress))

    def _merge(
        self, spec: IngressSpec, path: RulePath, locations: Iterable[LocationBuilder]
    ) -> None:
        canary = path.backend
        if canary is None or canary not in self._upstreams:
            return  # an earlier path had no primary, and removed the backend
        merged = False
        for location in locations:
            primary = self._upstreams.get(location.backend) if location.backend else None
            if primary is None or primary.is_canary or location.backend == canary:
                continue
            if not spec.annotations.is_legacy_canary:
                self._upstreams[canary].affinity = primary.affinity
            if primary.canary is None:
                primary.canary = canary
            elif primary.canary != canary:
                # Only the first of several is ever used: `alternative_backends[1]` in balancer.lua.
                self.warnings.append(warnings.second_canary(spec.key, path, primary.canary))
            merged = True
        if not merged:
            self.warnings.append(warnings.no_primary(spec.key, path))
            del self._upstreams[canary]
            self._removed[canary] = path


def _upstream(spec: IngressSpec) -> UpstreamBuilder:
    policy = spec.annotations.canary
    if policy is None:
        return UpstreamBuilder(ingress=spec.key)
    return UpstreamBuilder(is_canary=True, policy=policy, ingress=spec.key)


def _server(host: str, locations: Iterable[LocationBuilder]) -> Server:
    ordered = _in_nginx_order(locations)
    by_regex = any(location.is_regex for location in ordered)
    return Server(host, tuple(location.build(by_regex=by_regex) for location in ordered))


def _in_nginx_order(locations: Iterable[LocationBuilder]) -> list[LocationBuilder]:
    """The longest path first, and of equally long ones the last in the alphabet."""
    ordered = sorted(locations, key=lambda location: location.path, reverse=True)
    ordered.sort(key=lambda location: len(location.path), reverse=True)
    exact = {location.path for location in ordered if location.exact}
    return [new for location in ordered for new in _expanded(location, exact)]


def _expanded(location: LocationBuilder, exact: set[str]) -> Iterator[LocationBuilder]:
    """A plain Prefix path is two locations; `/`, and what is rewritten, stays one."""
    if location.path == "/" or location.exact or location.is_regex:
        yield location
        return
    slash = "" if location.path.endswith("/") else "/"
    yield replace(location, path=location.path + slash)
    if location.path not in exact:
        yield replace(location, exact=True)
