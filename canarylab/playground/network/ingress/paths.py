"""What path does nginx see, and what path does a pod get?"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote_from_bytes, unquote_to_bytes

from canarylab.playground.network.ingress.table import Location

_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*/?")
"""Nothing to decode, no `//`, no `/.`: most paths."""
_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_CAPTURE = re.compile(r"\$(?:\{(\d)\}|(\d))")
_KEPT = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '#%?"')


def split(target: str) -> tuple[str, str]:
    """The path, and the query with its question mark; what follows `#` is not sent on."""
    path, mark, query = target.partition("#")[0].partition("?")
    return path, mark + query


def normalised(path: str) -> str | None:
    """The path that rules are compared with: decoded, without `.`, `..` and `//`.

    None where nginx answers 400: half an escape, or more `..` than there are folders.

    >>> normalised("/shop//./a/../b%20c")
    '/shop/b c'

    https://nginx.org/en/docs/http/ngx_http_core_module.html#location
    """
    if _PLAIN.fullmatch(path) and path:
        return path
    if not path.startswith("/") or _BROKEN.search(path):
        return None
    decoded = unquote_to_bytes(path).decode("utf-8", "surrogateescape")
    return _without_dots(decoded)


def upstream_target(location: Location, seen: str, target: str) -> str:
    """What a pod is asked for: the request's own target, unless the location rewrites.

    A rewrite replaces the *whole* path by its target, so that `/canary/x` becomes `/`; only what
    the path captures in brackets is kept, as `$1`, `$2`. The query stays.

    https://kubernetes.github.io/ingress-nginx/examples/rewrite/
    `buildProxyPass` (`rewrite "(?i)PATH" TARGET break`) in
    https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/template/template.go
    https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#rewrite
    """
    if not location.rewrite_target:
        return target
    found = re.search(location.path, seen, re.IGNORECASE)
    if found is None:
        return target
    path, new_query = split(location.rewrite_target)
    filled = _encoded(_CAPTURE.sub(_taken_from(found), path))
    return filled + _joined(_encoded_in_query(new_query, found), split(target)[1])


def _joined(new: str, old: str) -> str:
    """A question mark at the end of the target drops what the client asked."""
    if new.endswith("?"):
        return new[:-1]
    return f"{new}&{old[1:]}" if new and old else new or old


def _without_dots(path: str) -> str | None:
    kept: list[str] = []
    parts = path.split("/")[1:]
    for part in parts:
        if part == "..":
            if not kept:
                return None
            kept.pop()
        elif part not in {"", "."}:
            kept.append(part)
    ends_open = parts[-1] in {"", ".", ".."} and kept
    return "/" + "/".join(kept) + ("/" if ends_open else "")


def _taken_from(found: re.Match[str]) -> Callable[[re.Match[str]], str]:
    def capture(name: re.Match[str]) -> str:
        number = int(name[1] or name[2])
        return (found[number] or "") if number <= found.re.groups else ""

    return capture


def _encoded_in_query(query: str, found: re.Match[str]) -> str:
    taken = _taken_from(found)
    return _CAPTURE.sub(lambda name: _encoded(taken(name)), query)


def _encoded(path: str) -> str:
    return quote_from_bytes(path.encode("utf-8", "surrogateescape"), safe=_KEPT)
