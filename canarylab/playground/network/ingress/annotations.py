"""What do the annotations of an Ingress ask for?

A value that cannot be read counts as not given, as in ingress-nginx; `troubles.py` tells of it.
Where each is documented:
https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

PREFIX = "nginx.ingress.kubernetes.io/"
MEGABYTE = 1_048_576
LEAST_TOTAL = 100
"""A canary-weight-total below this is not taken."""
BODY_LIMIT = 1 * MEGABYTE  # proxy-body-size, when nothing is said

# What Go's strconv.ParseBool takes for true.
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_WHOLE_NUMBER = re.compile(r"[+-]?\d+")
_SIZE = re.compile(r"(?P<number>\d+)(?P<unit>[kKmMgG]?)")
_UNITS = {"": 1, "k": 1024, "m": MEGABYTE, "g": 1024 * MEGABYTE}


class Policy(NamedTuple):
    """Which requests a canary takes: by header, by cookie, by chance."""

    weight: int = 0
    total: int = LEAST_TOTAL
    header: str = ""
    header_value: str = ""
    header_pattern: str = ""
    cookie: str = ""


class Annotations(NamedTuple):
    """Those that we know, read."""

    canary: Policy | None = None
    """Only where `canary` is "true": without it the other canary annotations do nothing."""
    rewrite_target: str = ""
    use_regex: bool = False
    body_limit: int = BODY_LIMIT
    """Bytes; 0 is no limit."""
    idle_canary: tuple[str, ...] = ()
    """Canary annotations that do nothing, because `canary` is not "true"."""
    unread_numbers: tuple[tuple[str, str], ...] = ()
    """Names and values of weights that are no numbers."""
    small_total: int | None = None
    """A total that is not taken."""


NONE = Annotations()


def read(annotations: Mapping[str, str]) -> Annotations:
    """The annotations of one Ingress.

    >>> read({PREFIX + "canary": "true", PREFIX + "canary-weight": "10"}).canary.weight
    10
    """
    own = own_names(annotations)
    enabled = is_true(own.get("canary", ""))
    return Annotations(
        canary=_policy(own) if enabled else None,
        rewrite_target=own.get("rewrite-target", ""),
        use_regex=is_true(own.get("use-regex", "")),
        body_limit=_size(own.get("proxy-body-size", "")),
        idle_canary=() if enabled else tuple(sorted(n for n in own if n.startswith("canary-"))),
        unread_numbers=tuple(
            (name, own[name])
            for name in ("canary-weight", "canary-weight-total")
            if enabled and whole_number(own.get(name, "0")) is None
        ),
        small_total=_small_total(own) if enabled else None,
    )


def own_names(annotations: Mapping[str, str]) -> dict[str, str]:
    """Ours, without their prefix."""
    return {
        name.removeprefix(PREFIX): value.strip()
        for name, value in annotations.items()
        if name.startswith(PREFIX)
    }


def is_true(text: str) -> bool:
    """As Go reads it: "true" and "1" are, "yes" and "on" are not."""
    return text in _TRUE


def whole_number(text: str) -> int | None:
    """None if it is not one."""
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None


def _policy(own: Mapping[str, str]) -> Policy:
    # `weightTotal > 100` in route_to_alternative_balancer,
    # https://github.com/kubernetes/ingress-nginx/blob/main/rootfs/etc/nginx/lua/balancer.lua
    return Policy(
        weight=whole_number(own.get("canary-weight", "")) or 0,
        total=max(LEAST_TOTAL, whole_number(own.get("canary-weight-total", "")) or 0),
        header=own.get("canary-by-header", ""),
        header_value=own.get("canary-by-header-value", ""),
        header_pattern=own.get("canary-by-header-pattern", ""),
        cookie=own.get("canary-by-cookie", ""),
    )


def _small_total(own: Mapping[str, str]) -> int | None:
    total = whole_number(own.get("canary-weight-total", ""))
    return total if total is not None and total < LEAST_TOTAL else None


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    return int(found["number"]) * _UNITS[found["unit"].lower()] if found else BODY_LIMIT
