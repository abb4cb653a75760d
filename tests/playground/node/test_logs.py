"""Tests of container logs, while they grow and afterwards."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from canarylab.playground.kube.api import LogOptions
from canarylab.playground.node.logs import (
    LINE_LIMIT,
    ContainerLog,
    OutputCollector,
    format_line,
    parse_line,
    tail_offset,
)
from tests.open_files import no_more_files
from tests.waiting import until


async def text_of(log: ContainerLog, options: LogOptions = LogOptions()) -> bytes:  # noqa: B008  frozen
    return b"".join([piece async for piece in log.read(options)])


def ticking() -> Callable[[], int]:
    """A clock that goes on by a second with every look."""
    seconds = iter(range(1, 1_000))
    return lambda: next(seconds) * 1_000_000_000


@pytest.fixture
def log(tmp_path: Path) -> Iterator[ContainerLog]:
    log = ContainerLog(tmp_path / "web" / "0.log", clock=ticking())
    yield log
    log.close()


async def test_lines_come_back_in_order(log: ContainerLog) -> None:
    log.write("stdout", [b"one", b"two"])
    log.write("stderr", [b"three"])
    assert await text_of(log) == b"one\ntwo\nthree\n"


async def test_tail_lines_are_the_last_ones(log: ContainerLog) -> None:
    log.write("stdout", [b"one", b"two", b"three"])
    assert await text_of(log, LogOptions(tail_lines=2)) == b"two\nthree\n"


async def test_timestamps_come_before_each_line(log: ContainerLog) -> None:
    log.write("stdout", [b"one"])
    found = await text_of(log, LogOptions(timestamps=True))
    assert found == b"1970-01-01T00:00:01.000000000Z one\n"


async def test_since_leaves_out_older_lines(log: ContainerLog) -> None:
    for word in (b"one", b"two", b"three"):
        log.write("stdout", [word])  # at 1, 2 and 3 s; it is read at 4 s
    assert await text_of(log, LogOptions(since_s=2)) == b"two\nthree\n"


async def test_a_follower_gets_what_is_written_later_until_the_end(log: ContainerLog) -> None:
    log.write("stdout", [b"early"])
    reading = asyncio.create_task(text_of(log, LogOptions(follow=True)))
    await asyncio.sleep(0)
    log.write("stdout", [b"late"])
    await asyncio.sleep(0)
    log.close()
    assert await reading == b"early\nlate\n"


async def test_a_follower_of_the_last_line_misses_none_of_the_next(log: ContainerLog) -> None:
    log.write("stdout", [b"one", b"two"])
    reading = asyncio.create_task(text_of(log, LogOptions(follow=True, tail_lines=1)))
    await asyncio.sleep(0)
    log.write("stdout", [b"three"])
    log.close()
    assert await reading == b"two\nthree\n"


async def test_a_log_that_is_full_is_rotated(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "0.log", limit=1_000)
    for number in range(100):
        log.write("stdout", [str(number).encode() * 10])
    log.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2_200
    assert (await text_of(log)).endswith(b"99" * 10 + b"\n")


async def test_a_follower_goes_on_in_the_new_file(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "0.log", limit=100)
    reading = asyncio.create_task(text_of(log, LogOptions(follow=True)))
    for number in range(20):
        await asyncio.sleep(0)
        log.write("stdout", [str(number).encode()])
    await asyncio.sleep(0)
    log.close()
    assert (await reading).split() == [str(number).encode() for number in range(20)]


async def test_a_disk_that_is_full_costs_the_line_alone(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "0.log", limit=100)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        log.write("stdout", [b"lost"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    log.write("stdout", [b"kept"])
    log.close()
    assert await text_of(log) == b"kept\n"


async def test_a_log_that_cannot_be_rotated_now_is_rotated_later(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "0.log", limit=100)
    with no_more_files():
        for _ in range(3):
            log.write("stdout", [b"x" * 50])
    for text in (b"rotated", b"last"):
        log.write("stdout", [text])
    log.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 500
    assert await text_of(log) == b"last\n"


async def test_an_earlier_run_can_be_read_and_is_not_written_to(tmp_path: Path) -> None:
    first = ContainerLog(tmp_path / "0.log")
    first.write("stdout", [b"one"])
    first.close()
    again = ContainerLog.closed(tmp_path / "0.log")
    again.write("stdout", [b"two"])
    assert await text_of(again) == b"one\n"


async def test_output_in_pieces_is_written_in_lines(log: ContainerLog) -> None:
    collector = OutputCollector(log, "stdout")
    for piece in (b"on", b"e\ntw", b"o\nthree"):
        collector.data_received(piece)
    collector.connection_lost(None)
    assert await text_of(log) == b"one\ntwo\nthree"


async def test_a_line_without_end_is_kept_in_parts_and_read_as_one(log: ContainerLog) -> None:
    collector = OutputCollector(log, "stdout")
    for _ in range(12):
        collector.data_received(b"x" * (LINE_LIMIT // 4))
    collector.data_received(b"\nnext\n")
    assert await text_of(log) == b"x" * (3 * LINE_LIMIT) + b"\nnext\n"
    assert max(map(len, log.path.read_bytes().splitlines())) < LINE_LIMIT + 100


async def test_a_reader_that_goes_away_leaves_no_file_open(log: ContainerLog) -> None:
    before = open_files()
    reading = asyncio.create_task(text_of(log, LogOptions(follow=True)))
    await until(lambda: open_files() > before)
    reading.cancel()
    await until(lambda: open_files() == before)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


TIME_NS = 1_795_383_729_123_456_789


@pytest.mark.parametrize("text", [b"", b"hello", b"with  spaces ", b"stdout F looks like a stamp"])
def test_a_whole_line_comes_back_with_its_newline(text: bytes) -> None:
    assert parse_line(format_line(TIME_NS, "stdout", text)).text == text + b"\n"


def test_a_part_of_a_line_comes_back_without_one() -> None:
    assert parse_line(format_line(TIME_NS, "stderr", b"par", full=False)).text == b"par"


def test_the_time_of_a_line_has_nine_decimals() -> None:
    line = parse_line(format_line(TIME_NS, "stdout", b"x"))
    assert line.time == "2026-11-22T21:42:09.123456789Z"
    assert line.time_s == pytest.approx(TIME_NS / 1e9)


@pytest.mark.parametrize("width", [1, 300, 70_000])
@pytest.mark.parametrize("wanted", [0, 1, 2, 9, 10, 11])
def test_the_tail_is_the_last_lines_however_long_they_are(
    tmp_path: Path, width: int, wanted: int
) -> None:
    lines = [str(number).encode() * width + b"\n" for number in range(10)]
    path = tmp_path / "log"
    path.write_bytes(b"".join(lines))
    with path.open("rb") as file:
        file.seek(tail_offset(file, wanted))
        assert file.readlines() == lines[max(0, 10 - wanted) :]
