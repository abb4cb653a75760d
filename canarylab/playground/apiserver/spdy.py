"""SPDY/3.1 frames, in which kubectl sends the connections of `port-forward`.

The frames are a stream of bytes: those of an upgraded HTTP connection, or of the messages of a
WebSocket. Kubernetes uses streams, their headers and their ends; settings, priorities and windows
are read and have no effect, as in Kubernetes' own implementation. Names of headers are compressed
with a dictionary that is a constant of the protocol (draft-mbelshe-httpbis-spdy-00).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from enum import IntEnum
from functools import cache
from importlib.resources import files
from typing import NamedTuple

MOST_CONTROL_BYTES = 64 * 1024  # of a control frame, and of its headers when decompressed
_CONTROL = 0x8000_0000
_VERSION = 3
_STREAM_MASK = 0x7FFF_FFFF
_FIN = 0x01


class SpdyError(Exception):
    """The client's bytes are not SPDY/3.1."""


class FrameType(IntEnum):
    """Control frames that are read or written."""

    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    PING = 6
    HEADERS = 8


class ResetStatus(IntEnum):
    """Why a stream is refused."""

    PROTOCOL_ERROR = 1
    REFUSED_STREAM = 3


class SynStream(NamedTuple):
    """The client opens a stream."""

    stream: int
    headers: Mapping[str, str]
    is_last: bool


class Data(NamedTuple):
    """Bytes of a stream: a frame, or the part of it that has come."""

    stream: int
    payload: bytes
    is_last: bool


class Reset(NamedTuple):
    """The client ends a stream, whatever was still to be sent."""

    stream: int


class Ping(NamedTuple):
    """The client asks for the same number."""

    number: int


Frame = SynStream | Data | Reset | Ping


class FrameReader:
    """Parses the bytes of a client; keeps less than one control frame of them.

    >>> [frame] = FrameReader().feed(data_frame(5, b"hello"))
    >>> frame
    Data(stream=5, payload=b'hello', is_last=False)
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(zdict=dictionary())
        self._data: tuple[int, int, bool] | None = None  # stream, bytes to come, is last

    def feed(self, received: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete, and what has come of a data frame.

        Raise SpdyError if they are not SPDY/3.1, or too long.
        """
        self._buffer += received
        while True:
            if self._data is not None:
                if not self._buffer and self._data[1]:
                    return
                yield self._next_data(*self._data)
            elif len(self._buffer) < 8:
                return
            elif self._starts_control():
                if (payload := self._next_control()) is None:
                    return
                if (frame := self._parse(*payload)) is not None:
                    yield frame

    def _starts_control(self) -> bool:
        """Whether a control frame is next; otherwise note the data frame that is."""
        first, second = struct.unpack_from(">II", self._buffer)
        if first & _CONTROL:
            return True
        del self._buffer[:8]
        self._data = (first, second & 0xFF_FFFF, bool(second >> 24 & _FIN))
        return False

    def _next_data(self, stream: int, left: int, is_last: bool) -> Data:
        payload = bytes(self._buffer[:left])
        del self._buffer[:left]
        left -= len(payload)
        self._data = (stream, left, is_last) if left else None
        return Data(stream, payload, is_last and not left)

    def _next_control(self) -> tuple[int, int, bytes] | None:
        """Type, flags and payload; None if the frame is not complete."""
        version, kind, second = struct.unpack_from(">HHI", self._buffer)
        flags, length = second >> 24, second & 0xFF_FFFF
        if version & 0x7FFF != _VERSION or length > MOST_CONTROL_BYTES:
            raise SpdyError(f"a control frame of version {version & 0x7FFF} and {length} bytes")
        if len(self._buffer) < 8 + length:
            return None
        payload = bytes(self._buffer[8 : 8 + length])
        del self._buffer[: 8 + length]
        return kind, flags, payload

    def _parse(self, kind: int, flags: int, payload: bytes) -> Frame | None:
        try:
            match kind:
                case FrameType.SYN_STREAM:
                    headers = self._headers(payload[10:])
                    return SynStream(_number(payload), headers, bool(flags & _FIN))
                case FrameType.HEADERS:
                    self._headers(payload[4:])  # the decompressor has to read all of them
                case FrameType.RST_STREAM:
                    return Reset(_number(payload))
                case FrameType.PING:
                    return Ping(struct.unpack_from(">I", payload)[0])
        except (struct.error, zlib.error) as error:
            raise SpdyError(f"a control frame of type {kind}: {error}") from error
        return None

    def _headers(self, block: bytes) -> dict[str, str]:
        plain = self._inflate.decompress(block, MOST_CONTROL_BYTES)
        if self._inflate.unconsumed_tail:
            raise SpdyError(f"headers of more than {MOST_CONTROL_BYTES} bytes")
        (count,) = struct.unpack_from(">I", plain)
        words, position = [], 4
        for _ in range(2 * count):
            (length,) = struct.unpack_from(">I", plain, position)
            position += 4 + length
            words.append(plain[position - length : position].decode(errors="replace"))
        return dict(zip(words[::2], words[1::2], strict=True))


class FrameWriter:
    """Writes the frames whose headers are compressed, for one client."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(wbits=11, memLevel=1, zdict=dictionary())

    def syn_reply(self, stream: int) -> bytes:
        """Accept a stream, without any headers."""
        no_headers = self._compressed({})
        return _control_frame(FrameType.SYN_REPLY, struct.pack(">I", stream) + no_headers)

    def syn_stream(self, stream: int, headers: Mapping[str, str]) -> bytes:
        """Open a stream, as clients do."""
        start = struct.pack(">IIH", stream, 0, 0)
        return _control_frame(FrameType.SYN_STREAM, start + self._compressed(headers))

    def _compressed(self, headers: Mapping[str, str]) -> bytes:
        words = [word.encode() for item in headers.items() for word in item]
        plain = b"".join(struct.pack(">I", len(word)) + word for word in words)
        block = self._deflate.compress(struct.pack(">I", len(headers)) + plain)
        return block + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def data_frame(stream: int, payload: bytes, *, is_last: bool = False) -> bytes:
    """Bytes of a stream, at most 16 MB, and perhaps its end.

    >>> data_frame(1, b"", is_last=True).hex(" ", 4)
    '00000001 01000000'
    """
    return struct.pack(">II", stream, is_last << 24 | len(payload)) + payload


def reset_frame(stream: int, status: ResetStatus) -> bytes:
    """End a stream at once."""
    return _control_frame(FrameType.RST_STREAM, struct.pack(">II", stream, status))


def ping_frame(number: int) -> bytes:
    """Answer a ping."""
    return _control_frame(FrameType.PING, struct.pack(">I", number))


@cache
def dictionary() -> bytes:
    """The dictionary of SPDY/3 with which headers are compressed."""
    return files("canarylab.playground.apiserver").joinpath("spdy3-dictionary.bin").read_bytes()


def _control_frame(kind: FrameType, payload: bytes) -> bytes:
    return struct.pack(">HHI", 0x8000 | _VERSION, kind, len(payload)) + payload


def _number(payload: bytes) -> int:
    """The number of the stream, with which a payload begins."""
    (number,) = struct.unpack_from(">I", payload)
    return int(number & _STREAM_MASK)
