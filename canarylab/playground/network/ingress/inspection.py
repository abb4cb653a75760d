"""What of these Ingresses cannot be taken as it is written?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from canarylab.playground.network.ingress import troubles
from canarylab.playground.network.ingress.annotations import Policy
from canarylab.playground.network.ingress.backends import Backends
from canarylab.playground.network.ingress.drafts import Draft
from canarylab.playground.network.ingress.locations import has_regex, in_order
from canarylab.playground.network.ingress.troubles import Trouble
from canarylab.playground.network.ingress.wishes import Path, Wish


def unreadable_paths(draft: Draft) -> list[Trouble]:
    """Paths that have to be regular expressions, and are none."""
    found = []
    for host, locations in draft.hosts.items():
        if not has_regex(in_order(locations)):
            continue
        for entry in locations:
            complaint = _complaint(f"^{entry.path}")
            if complaint and entry.ingress:
                path = Path(host, entry.path, entry.exact, entry.backend)
                found.append(troubles.bad_path(entry.ingress, path, complaint))
    return found


def misread(wishes: Iterable[Wish]) -> Iterator[Trouble]:
    """Annotations that do something else than they seem to."""
    for wish in wishes:
        yield from _of_weight(wish)
        policy = wish.annotations.canary or Policy()
        if complaint := _complaint(policy.header_pattern):
            yield troubles.bad_pattern(wish.key, policy.header_pattern, complaint)
        if wish.annotations.idle_canary:
            yield troubles.canary_not_enabled(wish.key, list(wish.annotations.idle_canary))


def without_answer(wishes: Iterable[Wish], backends: Backends) -> Iterator[Trouble]:
    """Backends that nobody answers for."""
    for wish in wishes:
        for backend in (wish.default, *(path.backend for path in wish.paths)):
            if backend is not None and (reason := backends.trouble(backend)):
                yield troubles.nobody_answers(wish.key, backend, reason)


def _of_weight(wish: Wish) -> Iterator[Trouble]:
    policy, said = wish.annotations.canary, wish.annotations.unread_numbers
    for name, value in said:
        yield troubles.bad_weight(
            wish.key, f"{name} {value!r} is no whole number", "it counts as not given"
        )
    if (small := wish.annotations.small_total) is not None:
        yield troubles.bad_weight(
            wish.key, f"canary-weight-total {small} is below 100", "the total is 100"
        )
    if policy is None:
        return
    if policy.weight > policy.total:
        yield troubles.bad_weight(
            wish.key,
            f"canary-weight {policy.weight} is more than the total of {policy.total}",
            "every request goes to the canary",
        )
    if policy.weight < 0:
        yield troubles.bad_weight(
            wish.key, f"canary-weight {policy.weight} is below 0", "it counts as 0"
        )


def _complaint(pattern: str) -> str | None:
    try:
        re.compile(pattern)
    except re.error as exc:
        return exc.msg
    return None
