"""Whose requests does a canary Ingress take a share of?

It repeats the host, the path and the pathType of a rule of another Ingress, and what gets the
canary is the *backend* of that rule: other rules that name the same port of the same Service then
send the canary their share too.

https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
`mergeAlternativeBackends` in
https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/controller.go
"""

from __future__ import annotations

from collections.abc import Sequence

from canarylab.playground.network.ingress import troubles
from canarylab.playground.network.ingress.drafts import Draft, DraftLocation
from canarylab.playground.network.ingress.wishes import ANY_HOST, Backend, Path, Wish


def merge_canary(draft: Draft, wish: Wish) -> None:
    """Give the rules that this canary Ingress repeats their canary."""
    if wish.default is not None:
        everywhere = Path(ANY_HOST, "/", exact=False, backend=wish.default)
        _merge(draft, wish, everywhere, draft.hosts[ANY_HOST])
    for path in wish.paths:
        there = [entry for entry in draft.hosts.get(path.host, []) if entry.is_at(path)]
        if not _is_primary_on(draft.hosts.get(path.host, []), path.backend):
            _merge(draft, wish, path, there)


def _merge(draft: Draft, wish: Wish, path: Path, there: Sequence[DraftLocation]) -> None:
    canary = path.backend
    if canary is None or canary not in draft.upstreams:
        return  # an earlier path had no primary, and took the whole backend with it
    merged = False
    for location in there:
        primary = draft.upstreams.get(location.backend) if location.backend else None
        if primary is None or primary.is_canary or location.backend == canary:
            continue
        if primary.canary is None:
            primary.canary = canary
        elif primary.canary != canary:
            # Only the first of several is ever asked: `alternative_backends[1]` in balancer.lua.
            draft.troubles.append(troubles.second_canary(wish.key, path, primary.canary))
        merged = True
    if not merged:
        draft.troubles.append(troubles.no_primary(wish.key, path))
        del draft.upstreams[canary]


def _is_primary_on(locations: Sequence[DraftLocation], canary: Backend | None) -> bool:
    return any(location.backend == canary for location in locations)
