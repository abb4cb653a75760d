"""The nginx.ingress.kubernetes.io annotations of an Ingress, parsed.

A value that cannot be read counts as not given, as in ingress-nginx; `warnings.py` reports it.
Each is documented at
https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

PREFIX = "nginx.ingress.kubernetes.io/"
MEGABYTE = 1_048_576
LEAST_WEIGHT_TOTAL = 100
"""A smaller canary-weight-total is ignored."""
DEFAULT_BODY_LIMIT = 1 * MEGABYTE  # proxy-body-size, when nothing is said

# What Go's strconv.ParseBool takes for true.
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_INTEGER = re.compile(r"[+-]?\d+")
_SIZE = re.compile(r"(?P<number>\d+)(?P<unit>[kKmMgG]?)")
_UNITS = {"": 1, "k": 1024, "m": MEGABYTE, "g": 1024 * MEGABYTE}


class CanaryPolicy(NamedTuple):
    """Which requests go to a canary: by header, by cookie, by weight."""

    weight: int = 0
    total: int = LEAST_WEIGHT_TOTAL
    header: str = ""
    header_value: str = ""
    header_pattern: str = ""
    cookie: str = ""


class Annotations(NamedTuple):
    """The annotations that are supported, parsed."""

    canary: CanaryPolicy | None = None
    """Only where `canary` is "true": without it the other canary annotations have no effect."""
    rewrite_target: str = ""
    use_regex: bool = False
    body_limit: int = DEFAULT_BODY_LIMIT
    """Bytes; 0 is no limit."""
    ignored_canary: tuple[str, ...] = ()
    """Canary annotations without effect, because `canary` is not "true"."""
    unparsable_weights: tuple[tuple[str, str], ...] = ()
    """Names and values of weights that are no integers."""
    ignored_total: int | None = None
    """A canary-weight-total that is too small."""


NO_ANNOTATIONS = Annotations()


def parse_annotations(annotations: Mapping[str, str]) -> Annotations:
    """Parse the annotations of one Ingress.

    >>> parse_annotations({PREFIX + "canary": "true", PREFIX + "canary-weight": "10"}).canary.weight
    10
    """
    own = {
        name.removeprefix(PREFIX): value.strip()
        for name, value in annotations.items()
        if name.startswith(PREFIX)
    }
    enabled = _is_true(own.get("canary", ""))
    return Annotations(
        canary=_canary_policy(own) if enabled else None,
        rewrite_target=own.get("rewrite-target", ""),
        use_regex=_is_true(own.get("use-regex", "")),
        body_limit=_size(own.get("proxy-body-size", "")),
        ignored_canary=() if enabled else tuple(sorted(n for n in own if n.startswith("canary-"))),
        unparsable_weights=tuple(
            (name, own[name])
            for name in ("canary-weight", "canary-weight-total")
            if enabled and _integer(own.get(name, "0")) is None
        ),
        ignored_total=_ignored_total(own) if enabled else None,
    )


def _is_true(text: str) -> bool:
    """As Go reads it: "true" and "1" are, "yes" and "on" are not."""
    return text in _TRUE


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _canary_policy(own: Mapping[str, str]) -> CanaryPolicy:
    # `weightTotal > 100` in route_to_alternative_balancer,
    # https://github.com/kubernetes/ingress-nginx/blob/main/rootfs/etc/nginx/lua/balancer.lua
    return CanaryPolicy(
        weight=_integer(own.get("canary-weight", "")) or 0,
        total=max(LEAST_WEIGHT_TOTAL, _integer(own.get("canary-weight-total", "")) or 0),
        header=own.get("canary-by-header", ""),
        header_value=own.get("canary-by-header-value", ""),
        header_pattern=own.get("canary-by-header-pattern", ""),
        cookie=own.get("canary-by-cookie", ""),
    )


def _ignored_total(own: Mapping[str, str]) -> int | None:
    total = _integer(own.get("canary-weight-total", ""))
    return total if total is not None and total < LEAST_WEIGHT_TOTAL else None


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if not found:
        return DEFAULT_BODY_LIMIT
    return int(found["number"]) * _UNITS[found["unit"].lower()]
