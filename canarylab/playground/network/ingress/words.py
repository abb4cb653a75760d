"""Why does a request go where it goes, in sentences?"""

from __future__ import annotations

from collections.abc import Iterator

from canarylab.playground.network.ingress.routing import Route
from canarylab.playground.network.ingress.table import Location, Server
from canarylab.playground.network.ingress.wishes import ANY_HOST


def words(route: Route) -> tuple[str, ...]:
    """One sentence for each step of the way."""
    if route.status == 400:
        return ("The path cannot be decoded, so the ingress answers 400 Bad Request.",)
    return (*_of_host(route.server), *_of_path(route), *_of_canary(route), *_of_rewrite(route))


def _of_host(server: Server | None) -> Iterator[str]:
    if server is None or server.host == ANY_HOST:
        yield "No Ingress names this host, so the rules without a host apply."
    else:
        yield f"The host is served as {server.host}."


def _of_path(route: Route) -> Iterator[str]:
    location = route.location
    if location is None or location.backend is None:
        yield "No rule has this path, so the default backend answers: 404."
        return
    whose = f"Ingress {location.ingress.name}" if location.ingress else "the default backend"
    yield f"{_match(location)} It belongs to {whose} and leads to {location.backend}."
    if location.pattern is not None:
        yield (
            "A rewrite or use-regex somewhere on this host makes every path of it a regular "
            "expression that ignores case and may go on after its end."
        )
    if route.status == 503:
        yield f"{location.backend} has no ready endpoints: 503."


def _match(location: Location) -> str:
    if location.pattern is not None:
        return f"The longest path that matches is {location.pattern.pattern}."
    if location.exact:
        return f"The path is {location.path}, exactly."
    return f"The longest path that this one begins with is {location.path}."


def _of_canary(route: Route) -> Iterator[str]:
    if route.canary is None:
        return
    name = route.canary.backend
    if route.chance is None:
        yield f"Its canary {name} has no ready endpoints and is ignored."
    else:
        yield f"Its canary {name} takes {_share(route.chance.share)}: {route.chance.why}."


def _share(share: float) -> str:
    if share in {0.0, 1.0}:
        return "the request" if share else "nothing"
    return f"{100 * share:g} % of such requests"


def _of_rewrite(route: Route) -> Iterator[str]:
    if route.status or route.location is None:
        return
    if route.location.rewrite_target:
        yield (
            f"rewrite-target {route.location.rewrite_target} replaces the whole path, so the pod "
            f"is asked for {route.target}."
        )
    else:
        yield f"The pod is asked for {route.target}, as it came."
