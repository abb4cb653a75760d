"""How is a line of output kept, and how is it read back?

In the form Kubernetes' own runtimes use: `2026-11-22T21:42:09.123456789Z stdout F the line`.
F is a full line; P is a part of a line too long to be kept whole.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import NamedTuple

_BLOCK = 65_536  # bytes


class Line(NamedTuple):
    """One kept line; its text ends in a newline unless more of it follows."""

    stamp: str
    text: bytes

    @property
    def moment_s(self) -> float:
        """When it came, in seconds since 1970."""
        whole, _, nanoseconds = self.stamp.rstrip("Z").partition(".")
        return datetime.fromisoformat(f"{whole}+00:00").timestamp() + int(nanoseconds) / 1e9


def written(moment_ns: int, stream: str, text: bytes, *, whole: bool = True) -> bytes:
    r"""A line as it is kept.

    >>> written(1_000_000_007, "stdout", b"hello")
    b'1970-01-01T00:00:01.000000007Z stdout F hello\n'
    """
    return f"{stamp(moment_ns)} {stream} {'F' if whole else 'P'} ".encode() + text + b"\n"


def parsed(kept: bytes) -> Line:
    r"""The other way round.

    >>> parsed(b"1970-01-01T00:00:01.000000007Z stdout F hello\n").text
    b'hello\n'
    """
    moment, _stream, extent, text = kept.split(b" ", 3)
    return Line(moment.decode(), text if extent == b"F" else text.removesuffix(b"\n"))


def stamp(moment_ns: int) -> str:
    """A time with nine decimals, as Kubernetes writes it beside a line.

    >>> stamp(1_000_000_007)
    '1970-01-01T00:00:01.000000007Z'
    """
    seconds, rest = divmod(moment_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def start_of_tail(file: io.BufferedReader, lines: int) -> int:
    """Where the last so many lines begin; read from the end, however long the file is."""
    position = file.seek(0, io.SEEK_END)
    seen = b""
    while position > 0 and seen.count(b"\n") <= lines:
        length = min(_BLOCK, position)
        position -= length
        file.seek(position)
        seen = file.read(length) + seen
    kept = seen.splitlines(keepends=True)
    return position + sum(map(len, kept[: max(0, len(kept) - lines)]))
