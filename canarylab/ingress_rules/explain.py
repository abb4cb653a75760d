"""The reasons of a route, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from canarylab.ingress_rules.ingress_spec import ANY_HOST
from canarylab.ingress_rules.routing import IngressRoute
from canarylab.ingress_rules.server_table import Location, Server


def explain(route: IngressRoute) -> tuple[str, ...]:
    """One sentence for each step of the routing."""
    if route.status == 400:
        return ("The path cannot be decoded, so the ingress answers 400 Bad Request.",)
    return (
        *_explain_host(route.server),
        *_explain_location(route),
        *_explain_canary(route),
        *_explain_rewrite(route),
    )


def _explain_host(server: Server | None) -> Iterator[str]:
    if server is None or server.host == ANY_HOST:
        yield "No Ingress names this host, so the rules without a host apply."
    else:
        yield f"The host is served as {server.host}."


def _explain_location(route: IngressRoute) -> Iterator[str]:
    location = route.location
    if location is None or location.backend is None:
        yield "No rule has this path, so the default backend answers: 404."
        return
    owner = f"Ingress {location.ingress.name}" if location.ingress else "the default backend"
    yield f"{_explain_match(location)} It belongs to {owner} and leads to {location.backend}."
    if location.pattern is not None:
        yield (
            "A rewrite or use-regex somewhere on this host makes every path of it a regular "
            "expression that ignores case and may go on after its end."
        )
    if route.status == 503:
        yield f"{location.backend} has no ready endpoints: 503."


def _explain_match(location: Location) -> str:
    if location.pattern is not None:
        return f"The longest path that matches is {location.pattern.text}."
    if location.exact:
        return f"The path is {location.path}, exactly."
    return f"The longest path that this one begins with is {location.path}."


def _explain_canary(route: IngressRoute) -> Iterator[str]:
    if route.canary is None:
        return
    name, weight = route.canary.backend, route.canary_weight
    if weight is None:
        yield f"Its canary {name} has no ready endpoints and is ignored."
    else:
        yield f"Its canary {name} takes {_share_in_words(weight.share)}: {weight.reason}."


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
            f"is asked for {route.target}."
        )
    else:
        yield f"The pod is asked for {route.target}, as it came."
