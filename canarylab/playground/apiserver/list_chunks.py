"""Lists in chunks: `limit`, and the token `continue` with which a client gets the next chunk.

All chunks show the objects as they were at the version of the first one. The token holds that
version and the last key. When the version is too old, the client is told so and gets another token
with it, which continues with the objects as they are now.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from canarylab.errors import BadRequestError, GoneError
from canarylab.kube_objects import Key, Object, key_of, parse_integer
from canarylab.playground.apiserver.store import Store
from canarylab.playground.kube.kinds import Kind
from canarylab.playground.kube.selectors import Predicate

_CURRENT = -1
"""The version of a token that continues with the objects as they are."""
_EXPIRED = "The resourceVersion for the provided list is too old."
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter, or use the continue token in this response "
    "to retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


class ListChunk(NamedTuple):
    """Objects of a list, and its metadata."""

    objects: list[Object]
    metadata: Object


@dataclass(frozen=True)
class ChunkRequest:
    """Which chunk a client wants: at most `limit` objects after a key, at a version."""

    limit: int = 0
    """Zero for all."""
    after: Key | None = None
    version: int = _CURRENT
    counts_remaining: bool = True
    """Whether the client learns how many are left: not with a selector, as in Kubernetes."""


def chunk_request(query: Mapping[str, str], limit: int | None) -> ChunkRequest:
    """The chunk that a query requests; raise BadRequestError for a token that is none.

    >>> chunk_request({}, 2)
    ChunkRequest(limit=2, after=None, version=-1, counts_remaining=True)
    """
    version, token = query.get("resourceVersion", ""), query.get("continue", "")
    most = 0 if version == "0" and not token else max(0, limit or 0)
    has_selector = bool(query.get("labelSelector") or query.get("fieldSelector"))
    if not token:
        match = query.get("resourceVersionMatch", "")
        # A chunk of a version that is not said to be a minimum is one of that version.
        is_exact = match == "Exact" or (most > 0 and not match)
        wanted = (parse_integer(version) if is_exact else None) or _CURRENT
        return ChunkRequest(most, version=wanted, counts_remaining=not has_selector)
    if version not in ("", "0"):
        raise BadRequestError("specifying resource version is not allowed when using continue")
    after, since = _read_token(token)
    return ChunkRequest(most, after, since, not has_selector)


def list_chunk(store: Store, kind: Kind, request: ChunkRequest, selects: Predicate) -> ListChunk:
    """The objects of a chunk, and the token for the next one; raise GoneError."""
    version = store.version if request.version == _CURRENT else request.version
    try:
        objects = store.all_at(kind.kind, version)
    except GoneError:
        if request.after is None:
            raise GoneError(_EXPIRED) from None
        raise GoneError(_TOO_OLD, token=_token(_CURRENT, request.after)) from None
    after = request.after
    selected = [obj for obj in objects if (after is None or key_of(obj) > after) and selects(obj)]
    metadata: Object = {"resourceVersion": str(version)}
    if not request.limit or len(selected) <= request.limit:
        return ListChunk(selected, metadata)
    shown = selected[: request.limit]
    metadata["continue"] = _token(version, key_of(shown[-1]))
    if request.counts_remaining:
        metadata["remainingItemCount"] = len(selected) - len(shown)
    return ListChunk(shown, metadata)


def _token(version: int, after: Key | None) -> str:
    content = {"v": "meta.k8s.io/v1", "rv": version, "start": "/".join(after or ())}
    text = json.dumps(content, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _read_token(token: str) -> tuple[Key, int]:
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        content: Any = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if content["v"] != "meta.k8s.io/v1":
            raise ValueError(content["v"])
        namespace, _, name = content["start"].partition("/")
        version = content["rv"]
        if type(version) is not int or version < _CURRENT:
            raise ValueError(version)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError, binascii.Error):
        raise BadRequestError("continue key is not valid: it is not one of this server") from None
    return Key(namespace, name), version
