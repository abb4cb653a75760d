"""The frames of SPDY/3.1."""

from __future__ import annotations

import zlib

import pytest

from canarylab.playground.apiserver.spdy import (
    MOST_CONTROL_BYTES,
    Data,
    Frame,
    FrameReader,
    FrameWriter,
    Ping,
    Reset,
    ResetStatus,
    SpdyError,
    SynStream,
    data_frame,
    dictionary,
    ping_frame,
    reset_frame,
)

FIRST = {"streamtype": "error", "port": "3333", "requestid": "0"}
SECOND = {"streamtype": "data", "port": "3333", "requestid": "0"}


def frames(*pieces: bytes) -> list[Frame]:
    """What one reader makes of the pieces."""
    reader = FrameReader()
    return [frame for piece in pieces for frame in reader.feed(piece)]


def test_frames_are_read_however_the_bytes_are_split() -> None:
    writer = FrameWriter()
    sent = writer.syn_stream(1, FIRST) + writer.syn_stream(3, SECOND)
    sent += ping_frame(7) + reset_frame(3, ResetStatus.REFUSED_STREAM)

    whole = frames(sent)

    assert whole == [SynStream(1, FIRST, False), SynStream(3, SECOND, False), Ping(7), Reset(3)]
    assert frames(*(bytes([byte]) for byte in sent)) == whole


def test_a_data_frame_is_read_as_it_comes() -> None:
    sent = data_frame(5, b"abcdef", is_last=True)

    assert frames(sent[:10], sent[10:]) == [Data(5, b"ab", False), Data(5, b"cdef", True)]


def test_an_empty_data_frame_can_end_a_stream() -> None:
    assert frames(data_frame(5, b"", is_last=True)) == [Data(5, b"", True)]


def test_headers_that_have_no_effect_are_decompressed() -> None:
    writer = FrameWriter()
    opened = writer.syn_stream(1, FIRST)
    more = bytearray(writer.syn_stream(1, {"port": "1"}))
    headers = b"\x80\x03\x00\x08" + (len(more) - 14).to_bytes(4, "big") + more[8:12] + more[18:]

    read = frames(opened, headers, writer.syn_stream(3, SECOND))

    assert read == [SynStream(1, FIRST, False), SynStream(3, SECOND, False)]


def test_settings_and_windows_have_no_effect() -> None:
    settings, window = (
        b"\x80\x03\x00\x04\0\0\0\x04\0\0\0\0",
        b"\x80\x03\x00\x09\0\0\0\x08" + bytes(8),
    )

    assert frames(settings, window, ping_frame(1)) == [Ping(1)]


def test_many_headers_in_few_bytes_are_refused() -> None:
    plain = (1).to_bytes(4, "big") + bytes(10 * MOST_CONTROL_BYTES)
    packer = zlib.compressobj(zdict=dictionary())
    block = packer.compress(plain) + packer.flush(zlib.Z_SYNC_FLUSH)
    sent = b"\x80\x03\x00\x01" + (10 + len(block)).to_bytes(4, "big") + bytes(10) + block

    with pytest.raises(SpdyError, match="headers of more than"):
        frames(sent)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x80\x02\x00\x01\0\0\0\x0a" + bytes(10),
        b"\x80\x03\x00\x01\0\xff\xff\xff",
        b"\x80\x03\x00\x01\0\0\0\x0c" + bytes(12),
        b"\x80\x03\x00\x03\0\0\0\x00",
        b"\xff" * 16,
    ],
    ids=["version 2", "too long", "not zlib", "too short", "noise"],
)
def test_what_is_not_spdy_is_an_error(sent: bytes) -> None:
    with pytest.raises(SpdyError):
        frames(sent)
