"""The annotations of ingress-nginx on an Ingress: those that are served, and those without effect.

Each is documented at
https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/
An annotation whose value cannot be read counts as not given, as in ingress-nginx. One that is not
served, or has no effect where it stands, is ignored; `warnings.py` reports all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple

PREFIX = "nginx.ingress.kubernetes.io/"
MEGABYTE = 1_048_576
MIN_WEIGHT_TOTAL = 100
"""A smaller canary-weight-total is ignored."""
DEFAULT_BODY_LIMIT = 1 * MEGABYTE  # bytes, if there is no proxy-body-size

# What Go's strconv.ParseBool takes for true and for false.
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
# At most 18 digits, which fit into 64 bits: Go refuses more, and Python a few thousand of them.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
# RegexPathWithCapture in
# https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/annotations/parser/validators.go
_REWRITE_TARGET = re.compile(r"/?[A-Za-z0-9._~:$/-]*")
_SIZE = re.compile(r"(?P<number>[0-9]{1,18})(?P<unit>[kKmMgG]?)")
_UNITS = {"": 1, "k": 1024, "m": MEGABYTE, "g": 1024 * MEGABYTE}
_CHOICES = frozenset({"canary-weight", "canary-by-header", "canary-by-cookie"})
_OF_CANARY = _CHOICES | {
    "canary",
    "canary-weight-total",
    "canary-by-header-value",
    "canary-by-header-pattern",
}
_CANARY_BEHAVIOR = "affinity-canary-behavior"
_OF_PRIMARY = frozenset(
    {
        "rewrite-target",
        "use-regex",
        "proxy-body-size",
        "affinity",
        "affinity-mode",
        "session-cookie-name",
        "session-cookie-path",
        "session-cookie-domain",
        "session-cookie-expires",
        "session-cookie-max-age",
        "session-cookie-secure",
        "session-cookie-samesite",
        "session-cookie-change-on-failure",
    }
)
"""Those that are read of an Ingress that is no canary."""
_BOOLEANS = ("canary", "use-regex", "session-cookie-secure", "session-cookie-change-on-failure")
_AS_WRITTEN = frozenset({*_BOOLEANS, "canary-weight", "canary-weight-total", "rewrite-target"})
"""Those in which spaces around the value make it invalid; ingress-nginx drops those of others."""
_CHARACTERS = r"[A-Za-z0-9._~:/-]+"
_VALUES = {
    "affinity": re.compile("cookie"),
    "affinity-mode": re.compile("balanced|persistent"),
    _CANARY_BEHAVIOR: re.compile("sticky|legacy"),
    "session-cookie-name": re.compile(_CHARACTERS),
    "session-cookie-path": re.compile(_CHARACTERS),
    "session-cookie-domain": re.compile(_CHARACTERS),
    "session-cookie-expires": re.compile(r"0|-?[1-9][0-9]{0,9}"),
    "session-cookie-max-age": re.compile(r"0|-?[1-9][0-9]{0,9}"),
    "session-cookie-samesite": re.compile("none|lax|strict", re.IGNORECASE),
}
"""What the values may be:
https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/annotations/sessionaffinity/main.go
"""
_SERVED = _OF_CANARY | _OF_PRIMARY | {_CANARY_BEHAVIOR}
_OTHER_CONTROLLERS = re.compile(
    r"(?:(?:[a-z0-9-]+\.)*ingress\.kubernetes\.io|nginx\.(?:org|com)|cert-manager\.io"
    r"|haproxy\.org|konghq\.com)/"
)
"""Annotations with which other controllers, or older releases, are asked for something."""


class CanaryPolicy(NamedTuple):
    """Which requests go to a canary: by header, by cookie, by weight."""

    weight: int = 0
    total: int = MIN_WEIGHT_TOTAL
    header: str = ""
    header_value: str = ""
    header_pattern: str = ""
    cookie: str = ""


class CookieAffinity(NamedTuple):
    """The cookie that keeps a client at one endpoint."""

    name: str = "INGRESSCOOKIE"
    is_persistent: bool = False
    """Whether a client moves only when its endpoint is gone."""
    path: str = ""
    """Empty for the path of the rule."""
    domain: str = ""
    expires_s: int | None = None
    max_age_s: int | None = None
    is_secure: bool = False
    same_site: str = ""
    change_on_failure: bool = False
    """Whether a retry goes to another endpoint, and the client stays there."""


class Annotations(NamedTuple):
    """The annotations that are served, parsed, and the names of the others."""

    canary: CanaryPolicy | None = None
    """None unless `canary` is "true": without it the other canary annotations have no effect."""
    rewrite_target: str = ""
    use_regex: bool = False
    body_limit: int = DEFAULT_BODY_LIMIT
    """Bytes; 0 is no limit."""
    affinity: CookieAffinity | None = None
    """None unless `affinity` is "cookie"."""
    is_legacy_canary: bool = False
    """Whether a canary goes without the affinity of its primary."""
    has_choice: bool = True
    """Whether a canary is given a weight, a header or a cookie; without one it gets nothing."""
    ignored_canary: tuple[str, ...] = ()
    """Canary annotations without effect, because `canary` is not "true"."""
    ignored_rewrite: str = ""
    """A rewrite-target with characters that it may not have."""
    unparsable_weights: tuple[tuple[str, str], ...] = ()
    """Names and values of weights that are no integers."""
    ignored_total: int | None = None
    """A canary-weight-total that is too small."""
    unparsable: tuple[tuple[str, str], ...] = ()
    """Names and values of others that cannot be read."""
    not_served: tuple[str, ...] = ()
    """Full names of annotations that nothing here serves."""
    of_primary: tuple[str, ...] = ()
    """Annotations that a canary takes over from its primary, so that its own have no effect."""
    incomplete: tuple[tuple[str, str], ...] = ()
    """Annotations without effect because of another one: both names, or `no` and the other."""


NO_ANNOTATIONS = Annotations()


def parse_annotations(annotations: Mapping[str, str]) -> Annotations:
    """Parse the annotations of one Ingress.

    >>> parse_annotations({PREFIX + "canary": "true", PREFIX + "canary-weight": "10"}).canary.weight
    10
    >>> parse_annotations({PREFIX + "auth-type": "basic"}).not_served
    ('nginx.ingress.kubernetes.io/auth-type',)
    """
    given = {
        name.removeprefix(PREFIX): value
        for name, value in annotations.items()
        if name.startswith(PREFIX)
    }
    own = {name: value if name in _AS_WRITTEN else value.strip() for name, value in given.items()}
    enabled = _is_true(own.get("canary", ""))
    rewrite_target = own.get("rewrite-target", "")
    can_rewrite = _REWRITE_TARGET.fullmatch(rewrite_target) is not None
    return Annotations(
        canary=_canary_policy(own) if enabled else None,
        rewrite_target=rewrite_target if can_rewrite else "",
        use_regex=_is_true(own.get("use-regex", "")),
        body_limit=_size(own.get("proxy-body-size", "")),
        affinity=_cookie_affinity(own),
        is_legacy_canary=own.get(_CANARY_BEHAVIOR) == "legacy",
        has_choice=not _CHOICES.isdisjoint(own),
        ignored_rewrite="" if can_rewrite else rewrite_target,
        ignored_canary=() if enabled else tuple(sorted(_OF_CANARY.intersection(own) - {"canary"})),
        unparsable_weights=tuple(
            (name, own[name])
            for name in ("canary-weight", "canary-weight-total")
            if enabled and _integer(own.get(name, "0")) is None
        ),
        ignored_total=_ignored_total(own) if enabled else None,
        unparsable=tuple(_unparsable(own)),
        not_served=tuple(sorted(_not_served(annotations))),
        of_primary=tuple(sorted(_OF_PRIMARY.intersection(own))) if enabled else (),
        incomplete=tuple(_incomplete(own, is_canary=enabled)),
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
        total=max(MIN_WEIGHT_TOTAL, _integer(own.get("canary-weight-total", "")) or 0),
        header=own.get("canary-by-header", ""),
        header_value=own.get("canary-by-header-value", ""),
        header_pattern=own.get("canary-by-header-pattern", ""),
        cookie=own.get("canary-by-cookie", ""),
    )


def _cookie_affinity(own: Mapping[str, str]) -> CookieAffinity | None:
    if own.get("affinity") != "cookie":
        return None
    said = {
        name: own[name] for name, valid in _VALUES.items() if valid.fullmatch(own.get(name, ""))
    }
    seconds = {name: int(said[name]) for name in said if name.endswith(("expires", "max-age"))}
    return CookieAffinity(
        name=said.get("session-cookie-name", "INGRESSCOOKIE"),
        is_persistent=said.get("affinity-mode") == "persistent",
        path=said.get("session-cookie-path", ""),
        domain=said.get("session-cookie-domain", ""),
        expires_s=seconds.get("session-cookie-expires"),
        max_age_s=seconds.get("session-cookie-max-age"),
        is_secure=_is_true(own.get("session-cookie-secure", "")),
        same_site=said.get("session-cookie-samesite", ""),
        change_on_failure=_is_true(own.get("session-cookie-change-on-failure", "")),
    )


def _ignored_total(own: Mapping[str, str]) -> int | None:
    total = _integer(own.get("canary-weight-total", ""))
    return total if total is not None and total < MIN_WEIGHT_TOTAL else None


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if not found:
        return DEFAULT_BODY_LIMIT
    return int(found["number"]) * _UNITS[found["unit"].lower()]


def _unparsable(own: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in _BOOLEANS:
        if name in own and own[name] not in _TRUE | _FALSE:
            yield name, own[name]
    if not _SIZE.fullmatch(own.get("proxy-body-size", "0")):
        yield "proxy-body-size", own["proxy-body-size"]
    for name, valid in _VALUES.items():
        if name in own and not valid.fullmatch(own[name]):
            yield name, own[name]


def similar_annotation(name: str) -> str:
    """The annotation that is served and differs by a slip of the pen, or "".

    >>> similar_annotation(PREFIX + "canary-wieght")
    'canary-weight'
    """
    if not name.startswith(PREFIX):
        return ""
    return next(iter(get_close_matches(name.removeprefix(PREFIX), _SERVED, 1, cutoff=0.9)), "")


def _not_served(annotations: Mapping[str, str]) -> Iterator[str]:
    """What is asked for and not served; "false" asks for nothing."""
    for name, value in annotations.items():
        own = name.removeprefix(PREFIX)
        if not _OTHER_CONTROLLERS.match(name) or own in _SERVED:
            continue
        if value.strip() not in _FALSE:
            yield name


def _incomplete(own: Mapping[str, str], *, is_canary: bool) -> Iterator[tuple[str, str]]:
    if not is_canary:
        if _CANARY_BEHAVIOR in own:
            yield _CANARY_BEHAVIOR, 'no canary: "true"'
        for name in sorted(own):
            is_of_affinity = name == "affinity-mode" or name.startswith("session-cookie-")
            if is_of_affinity and "affinity" not in own:
                yield name, "no affinity: cookie"
        return
    if own.get("canary-by-header-value") and own.get("canary-by-header-pattern"):
        yield "canary-by-header-pattern", "canary-by-header-value"
    for name in ("canary-by-header-value", "canary-by-header-pattern"):
        if own.get(name) and not own.get("canary-by-header"):
            yield name, "no canary-by-header"
