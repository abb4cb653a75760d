"""Which hosts, locations and upstreams do all Ingresses add up to?

In the steps of ingress-nginx, and in their order, because its surprises come from the order:
upstreams, hosts, paths, canaries. There they are createUpstreams, createServers, getBackendServers
and mergeAlternativeBackends in
https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/controller.go
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from canarylab.playground.network.ingress import troubles
from canarylab.playground.network.ingress.backends import Backends
from canarylab.playground.network.ingress.drafts import Draft, DraftLocation, DraftUpstream
from canarylab.playground.network.ingress.inspection import (
    misread,
    unreadable_paths,
    without_answer,
)
from canarylab.playground.network.ingress.locations import server
from canarylab.playground.network.ingress.merging import merge_canary
from canarylab.playground.network.ingress.table import Table, Upstream
from canarylab.playground.network.ingress.troubles import Trouble
from canarylab.playground.network.ingress.wishes import ANY_HOST, Backend, Path, Wish


class Built(NamedTuple):
    """What is served, and what could not be."""

    table: Table
    troubles: tuple[Trouble, ...]


def build(wishes: Sequence[Wish], backends: Backends) -> Built:
    """The table for these Ingresses, the oldest of them first.

    An Ingress with a path that cannot be read as a regular expression, where it has to be, is left
    out as a whole, and the others are served: what the validating webhook of ingress-nginx is for.
    https://kubernetes.github.io/ingress-nginx/how-it-works/#avoiding-outage-from-wrong-configuration
    """
    draft = _drafted(wishes)
    if bad := unreadable_paths(draft):
        left_out = {trouble.ingress for trouble in bad}
        rest = build([wish for wish in wishes if wish.key not in left_out], backends)
        return Built(rest.table, (*bad, *rest.troubles))
    found = [*draft.troubles, *misread(wishes), *without_answer(wishes, backends)]
    return Built(_finished(draft, backends), tuple(dict.fromkeys(found)))


def _drafted(wishes: Sequence[Wish]) -> Draft:
    draft = Draft()
    for wish in wishes:
        _add_upstreams(draft, wish)
    for wish in wishes:
        if not wish.is_canary:
            _add_hosts(draft, wish)
    for wish in wishes:
        _add_paths(draft, wish)
    if any(not wish.is_canary for wish in wishes):
        for wish in wishes:
            if wish.is_canary:
                merge_canary(draft, wish)
    return draft


def _add_upstreams(draft: Draft, wish: Wish) -> None:
    """The oldest Ingress that names a backend in a rule says whether it is a canary."""
    if wish.default is not None:
        draft.upstreams[wish.default] = _upstream(wish)
    for path in wish.paths:
        if path.backend is None:
            continue
        known = draft.upstreams.setdefault(path.backend, _upstream(wish))
        if wish.is_canary and not known.is_canary:
            draft.troubles.append(troubles.service_is_primary(wish.key, path.backend))


def _upstream(wish: Wish) -> DraftUpstream:
    policy = wish.annotations.canary
    return DraftUpstream() if policy is None else DraftUpstream(is_canary=True, policy=policy)


def _add_hosts(draft: Draft, wish: Wish) -> None:
    """Each host has a `/` from the start: the Ingress's default backend, or the 404 of all."""
    if wish.default is not None:
        catch_all = draft.hosts[ANY_HOST][0]
        catch_all.backend, catch_all.ingress = wish.default, wish.key
        if catch_all.is_default and not wish.hosts:
            catch_all.is_default = False
    for host in wish.hosts:
        draft.hosts.setdefault(
            host,
            [
                DraftLocation(
                    backend=wish.default,
                    ingress=wish.key if wish.default else None,
                    annotations=wish.annotations,
                    is_default=True,
                )
            ],
        )


def _add_paths(draft: Draft, wish: Wish) -> None:
    for path in wish.paths:
        if path.backend is None:
            continue
        if not draft.upstreams[path.backend].is_canary:
            _add_path(draft, wish, path, path.backend)
        elif not wish.is_canary:
            draft.troubles.append(troubles.service_is_canary(wish.key, path, path.backend))


def _add_path(draft: Draft, wish: Wish, path: Path, backend: Backend) -> None:
    locations = draft.hosts.get(path.host, draft.hosts[ANY_HOST])
    new = DraftLocation(path.path, path.exact, backend, wish.key, wish.annotations)
    for number, there in enumerate(locations):
        if not there.is_at(path):
            continue
        if there.is_default:
            locations[number] = new
        elif there.ingress not in {None, wish.key} and not wish.is_canary:
            draft.troubles.append(troubles.already_claimed(wish.key, path, there.ingress))
        return
    locations.append(new)


def _finished(draft: Draft, backends: Backends) -> Table:
    return Table(
        servers={host: server(host, locations) for host, locations in draft.hosts.items()},
        upstreams={
            backend: Upstream(
                backend, backends.endpoints(backend), upstream.policy, upstream.canary
            )
            for backend, upstream in draft.upstreams.items()
        },
    )
