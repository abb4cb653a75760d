"""Which requests does a canary take?

Whose requests they are is decided in `merging.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from canarylab.playground.network.ingress.annotations import Policy


class Chance(NamedTuple):
    """How likely a request goes to the canary: `weight` of `total`."""

    weight: int
    total: int
    why: str

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, max(0.0, self.weight / self.total))


def chance(policy: Policy, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Chance:
    """The header decides, else the cookie, else the weight.

    >>> chance(Policy(weight=10, header="X-Canary"), {"x-canary": "always"}, {}).share
    1.0

    `route_to_alternative_balancer` in
    https://github.com/kubernetes/ingress-nginx/blob/main/rootfs/etc/nginx/lua/balancer.lua
    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
    """
    # nginx knows headers by lower-case names with underscores, and cookies by any case.
    header = headers.get(policy.header.lower()) if policy.header else None
    if header is not None and (decided := _by_header(policy, header)) is not None:
        return decided
    cookie = _without_case(cookies).get(policy.cookie.lower()) if policy.cookie else None
    if cookie == "always":
        return Chance(1, 1, f"cookie {policy.cookie} is always")
    if cookie == "never":
        return Chance(0, 1, f"cookie {policy.cookie} is never")
    return Chance(policy.weight, policy.total, f"its weight is {policy.weight} of {policy.total}")


def _by_header(policy: Policy, header: str) -> Chance | None:
    """None where the header decides nothing and the next in line is asked."""
    if policy.header_value:
        is_it = header == policy.header_value
        return Chance(1, 1, f"header {policy.header} is {header}") if is_it else None
    if policy.header_pattern:
        return _by_pattern(policy, header)
    if header == "always":
        return Chance(1, 1, f"header {policy.header} is always")
    if header == "never":
        return Chance(0, 1, f"header {policy.header} is never")
    return None


def _by_pattern(policy: Policy, header: str) -> Chance | None:
    try:
        found = re.search(policy.header_pattern, header)
    except re.error:
        # No match, and neither cookie nor weight is asked: `elseif err then return false`.
        return Chance(0, 1, f"{policy.header_pattern!r} is no regular expression")
    if found:
        return Chance(1, 1, f"header {policy.header} matches {policy.header_pattern}")
    return None


def _without_case(names: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in names.items()}
