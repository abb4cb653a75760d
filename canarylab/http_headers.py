"""HTTP header fields that a proxy must not forward."""

from __future__ import annotations

from collections.abc import Container, Mapping

from multidict import CIMultiDict

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Fields of one connection: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1"""


def without_fields(headers: Mapping[str, str], names: Container[str]) -> CIMultiDict[str]:
    """Copy the header fields whose names, in lower case, are not among these."""
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in names
    )
