"""Hosts and paths of requests as nginx compares and rewrites them, and regular expressions.

Regular expressions run in RE2, whose time is linear in the length of the path whatever the
pattern; with backtracking, `(a+)+$` in one Ingress would stop the whole playground. They are
matched against bytes, as nginx does it. RE2 has no lookaround, no back references and no
repetition over 1,000: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote_from_bytes, unquote_to_bytes

import re2

_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*/?")
"""Nothing to decode, no `//`, no `/.`: most paths."""
HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
"""The header fields that nginx reads; by default it drops those with other characters.

https://nginx.org/en/docs/http/ngx_http_core_module.html#ignore_invalid_headers
https://nginx.org/en/docs/http/ngx_http_core_module.html#underscores_in_headers
"""
_PORT = re.compile(r":\d*$")
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})|%00")
_CAPTURE = re.compile(r"\$(\d)")
_UNQUOTED = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '#%?"')

Groups = tuple[str, ...]
"""What a pattern matched: all of it, then its groups; empty for a group without a match."""


class Pattern:
    """A compiled regular expression."""

    def __init__(self, text: str, *, ignore_case: bool) -> None:
        options = re2.Options()
        options.log_errors = False  # RE2 writes them to standard error
        options.encoding = re2.Options.Encoding.LATIN1  # bytes
        options.case_sensitive = not ignore_case
        self.text = text
        self._compiled = re2.compile(text.encode(), options)

    def search(self, text: str) -> Groups | None:
        """The leftmost match, anywhere in the text."""
        found = self._compiled.search(_bytes(text))
        if found is None:
            return None
        groups = (found.group(), *found.groups(b""))
        return tuple(group.decode("utf-8", "surrogateescape") for group in groups)

    def matches_all(self, text: str) -> bool:
        """Whether it matches the text from beginning to end."""
        return self._compiled.fullmatch(_bytes(text)) is not None


@lru_cache(maxsize=16_384)  # two kilobytes each; every path of every host at each change otherwise
def compile_pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    """Compile a regular expression; raise ValueError with RE2's message if it is not one.

    >>> compile_pattern("^/canary(/|$)(.*)", ignore_case=True).search("/CANARY/x")
    ('/CANARY/x', '/', 'x')
    """
    try:
        return Pattern(text, ignore_case=ignore_case)
    except re2.error as exc:
        said = exc.args[0]
        raise ValueError(said.decode() if isinstance(said, bytes) else said) from exc
    except UnicodeEncodeError as exc:
        raise ValueError("it is not valid Unicode") from exc


def pattern_error(text: str, *, ignore_case: bool = False) -> str | None:
    """RE2's message about an invalid pattern, or None."""
    try:
        compile_pattern(text, ignore_case=ignore_case)
    except ValueError as exc:
        return str(exc)
    return None


def split_target(target: str) -> tuple[str, str]:
    """The path, and the query with its question mark; what follows `#` is dropped."""
    path, mark, query = target.partition("#")[0].partition("?")
    return path, mark + query


def normalize_host(host: str) -> str:
    """The host without its port and a final dot, in lower case.

    >>> normalize_host("Foo.Bar.com.:8080")
    'foo.bar.com'
    """
    return _PORT.sub("", host).rstrip(".").lower()


def normalize_path(path: str) -> str | None:
    """The path that rules are compared with: decoded, without `.`, `..` and `//`.

    None if nginx answers 400: an incomplete escape, or more `..` than there are folders.

    >>> normalize_path("/shop//./a/../b%20c")
    '/shop/b c'

    https://nginx.org/en/docs/http/ngx_http_core_module.html#location
    """
    if _PLAIN.fullmatch(path) and path:
        return path
    raw = _bytes(path)
    if not raw.startswith(b"/") or _BROKEN.search(raw):
        return None
    return _without_dots(unquote_to_bytes(raw).decode("utf-8", "surrogateescape"))


def rewrite(path: str, rewrite_target: str, normalized: str, target: str) -> str:
    """The request target for the backend of a location at `path` with a rewrite-target.

    A rewrite replaces the *whole* path by the rewrite-target, so that `/canary/x` becomes `/`; only
    what the path captures in brackets is kept, as `$1`, `$2`. The query stays.

    https://kubernetes.github.io/ingress-nginx/examples/rewrite/
    `buildProxyPass` (`rewrite "(?i)PATH" TARGET break`) in
    https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/template/template.go
    https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#rewrite
    """
    groups = compile_pattern(path, ignore_case=True).search(normalized)
    if groups is None:
        return target
    filled = _CAPTURE.sub(lambda name: _captured(name, groups), rewrite_target)
    return quote_path(filled) + split_target(target)[1]


def quote_path(path: str, *, keep: str = "") -> str:
    """The path with escapes for the characters that a request line cannot hold.

    >>> quote_path("/a b?")
    '/a%20b%3F'
    """
    return quote_from_bytes(_bytes(path), safe=_UNQUOTED + keep)


def _bytes(text: str) -> bytes:
    """The bytes that were decoded to this text, even if they are not UTF-8."""
    return text.encode("utf-8", "surrogateescape")


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


def _captured(name: re.Match[str], groups: Groups) -> str:
    number = int(name[1])
    return groups[number] if number < len(groups) else ""
