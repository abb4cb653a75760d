"""What do the paths of a host become in nginx, and which of them does a request match?

Two worlds. In the plain one a Prefix path is two locations, `/canary` and everything below
`/canary/`. But as soon as one path of the host has a rewrite that changes it, or use-regex, *all*
paths of the host, of whichever Ingress, become regular expressions that ignore case and are
anchored at their start only: `/canary` then takes `/canarybird` and `/CANARY` too.

https://kubernetes.github.io/ingress-nginx/user-guide/ingress-path-matching/
https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/location.go
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from canarylab.playground.network.ingress.drafts import DraftLocation
from canarylab.playground.network.ingress.table import Location, Server


def server(host: str, locations: Sequence[DraftLocation]) -> Server:
    """A host with its locations as nginx has them."""
    spread = in_order(locations)
    by_regex = has_regex(spread)
    return Server(host, tuple(_location(entry, by_regex=by_regex) for entry in spread))


def in_order(locations: Iterable[DraftLocation]) -> list[DraftLocation]:
    """The longest path first, and of equally long ones the last in the alphabet."""
    ordered = sorted(locations, key=lambda entry: entry.path, reverse=True)
    ordered.sort(key=lambda entry: len(entry.path), reverse=True)
    exact = {entry.path for entry in ordered if entry.exact}
    return [new for entry in ordered for new in _spread(entry, exact)]


def has_regex(locations: Iterable[DraftLocation]) -> bool:
    """Are the paths of this host regular expressions?"""
    # `enforceRegexModifier` in
    # https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/template/template.go
    return any(_is_rewritten(entry) or entry.annotations.use_regex for entry in locations)


def match(found: Server, path: str) -> Location | None:
    """The location for a path that `paths.normalised` has been over; None where none is.

    Regular expressions: the first that matches. Otherwise an exact one, else the longest prefix.
    https://nginx.org/en/docs/http/ngx_http_core_module.html#location
    """
    prefix = None
    for location in found.locations:  # the longest first
        if location.pattern is not None:
            if location.pattern.search(path):
                return location
        elif location.exact:
            if path == location.path:
                return location
        elif prefix is None and path.startswith(location.path):
            prefix = location
    return prefix


def _spread(entry: DraftLocation, exact: set[str]) -> Iterator[DraftLocation]:
    """A plain Prefix path is two locations; `/`, and what is rewritten, stays one."""
    as_it_is = entry.path == "/" or entry.exact or _is_rewritten(entry)
    if as_it_is or entry.annotations.use_regex:
        yield entry
        return
    yield replace(
        entry, path=entry.path.rstrip("/") + "/" if entry.path[-1:] != "/" else entry.path
    )
    if entry.path not in exact:
        yield replace(entry, exact=True)


def _is_rewritten(entry: DraftLocation) -> bool:
    """A target that equals the path changes nothing, and counts for nothing."""
    return entry.annotations.rewrite_target not in {"", entry.path}


def _location(entry: DraftLocation, *, by_regex: bool) -> Location:
    return Location(
        path=entry.path,
        exact=entry.exact,
        backend=entry.backend,
        ingress=entry.ingress,
        pattern=as_pattern(entry.path) if by_regex else None,
        rewrite_target=entry.annotations.rewrite_target if _is_rewritten(entry) else "",
        body_limit=entry.annotations.body_limit,
    )


def as_pattern(path: str) -> re.Pattern[str]:
    """Raise re.error where it is none. An Exact path is one too, and so no longer exact."""
    return re.compile(f"^{path}", re.IGNORECASE)
