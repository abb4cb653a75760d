"""Which requests does a match of an HTTPRoute mean, and which of several matches comes first?

https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from canarylab.ingress_rules.paths import normalize_path, split_target
from canarylab.playground.kube.api import Object


class Value(NamedTuple):
    """A header or a parameter that must be there, and what it must be."""

    name: str
    value: str
    is_regex: bool

    def holds(self, there: Mapping[str, str]) -> bool:
        """Is it so?"""
        found = there.get(self.name)
        if found is None:
            return False
        return bool(re.fullmatch(self.value, found)) if self.is_regex else found == self.value


class Match(NamedTuple):
    """All of it must hold."""

    path_type: str = "PathPrefix"
    path: str = "/"
    method: str = ""
    headers: tuple[Value, ...] = ()
    parameters: tuple[Value, ...] = ()

    @property
    def rank(self) -> tuple[int, ...]:
        """The greater comes first: an exact path, then the longest, method, headers, parameters."""
        is_exact, is_prefix = self.path_type == "Exact", self.path_type == "PathPrefix"
        return (
            int(is_exact),
            len(self.path) if is_prefix else 0,
            int(bool(self.method)),
            len(self.headers),
            len(self.parameters),
        )


class Asked(NamedTuple):
    """A request, as matches look at it."""

    host: str
    method: str
    path: str
    """Decoded, without dots."""
    headers: Mapping[str, str]
    """By names in lower case."""
    parameters: Mapping[str, str]


def asked(host: str, method: str, target: str, headers: Mapping[str, str]) -> Asked | None:
    """None where the path cannot be decoded."""
    raw, query = split_target(target)
    path = normalize_path(raw)
    if path is None:
        return None
    name = re.sub(r":\d*$", "", host).rstrip(".").lower()
    pairs = parse_qsl(query[1:], keep_blank_values=True)
    return Asked(name, method, path, headers, dict(reversed(pairs)))  # the first of a name counts


def read_match(match: Object) -> Match:
    """As the API has it, defaults filled in."""
    path = match.get("path") or {}
    return Match(
        path_type=path.get("type", "PathPrefix"),
        path=path.get("value", "/"),
        method=match.get("method", ""),
        headers=tuple(_value(entry, entry["name"].lower()) for entry in match.get("headers") or []),
        parameters=tuple(_value(entry, entry["name"]) for entry in match.get("queryParams") or []),
    )


def matches(match: Match, request: Asked) -> bool:
    """Does the match mean this request?

    >>> matches(Match(path="/canary"), Asked("", "GET", "/canarybird", {}, {}))
    False
    """
    return (
        (not match.method or match.method == request.method)
        and _path_matches(match, request.path)
        and all(value.holds(request.headers) for value in match.headers)
        and all(value.holds(request.parameters) for value in match.parameters)
    )


def host_rank(pattern: str, host: str) -> tuple[int, int] | None:
    """How well a hostname of a route fits: exact before wildcard, longer before shorter.

    A wildcard stands for one label or more here, for exactly one in an Ingress.
    """
    if not pattern:
        return (0, 0)
    if pattern.startswith("*."):
        fits = host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
        return (0, len(pattern)) if fits else None
    return (1, len(pattern)) if host == pattern else None


def _path_matches(match: Match, path: str) -> bool:
    if match.path_type == "Exact":
        return path == match.path
    if match.path_type == "RegularExpression":
        return bool(re.fullmatch(match.path, path))
    prefix = match.path.rstrip("/")
    return path == prefix or path.startswith(f"{prefix}/")


def _value(entry: Object, name: str) -> Value:
    return Value(name, entry["value"], entry.get("type") == "RegularExpression")
