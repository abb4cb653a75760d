"""Can what a container wrote be read, while it writes and afterwards?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from canarylab.playground.kube.api import LogOptions
from canarylab.playground.node.logs import LINE_LIMIT, Collector, Log
from tests.waiting import until


async def text_of(log: Log, options: LogOptions = LogOptions()) -> bytes:  # noqa: B008  frozen
    return b"".join([piece async for piece in log.read(options)])


def ticking() -> Callable[[], int]:
    """A clock that goes on by a second with every look."""
    seconds = iter(range(1, 1_000))
    return lambda: next(seconds) * 1_000_000_000


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "web" / "0.log", clock=ticking())
    yield log
    log.close()


async def test_lines_come_back_in_order(log: Log) -> None:
    log.write("stdout", [b"one", b"two"])
    log.write("stderr", [b"three"])
    assert await text_of(log) == b"one\ntwo\nthree\n"


async def test_the_last_lines_alone(log: Log) -> None:
    log.write("stdout", [b"one", b"two", b"three"])
    assert await text_of(log, LogOptions(tail_lines=2)) == b"two\nthree\n"


async def test_with_the_time_of_each_line(log: Log) -> None:
    log.write("stdout", [b"one"])
    found = await text_of(log, LogOptions(timestamps=True))
    assert found == b"1970-01-01T00:00:01.000000000Z one\n"


async def test_the_lines_of_the_last_seconds_alone(log: Log) -> None:
    for word in (b"one", b"two", b"three"):
        log.write("stdout", [word])  # at 1, 2 and 3 s; it is read at 4 s
    assert await text_of(log, LogOptions(since_s=2)) == b"two\nthree\n"


async def test_who_follows_gets_what_is_written_later_until_the_end(log: Log) -> None:
    log.write("stdout", [b"early"])
    reading = asyncio.create_task(text_of(log, LogOptions(follow=True)))
    await asyncio.sleep(0)
    log.write("stdout", [b"late"])
    await asyncio.sleep(0)
    log.close()
    assert await reading == b"early\nlate\n"


async def test_who_follows_the_last_line_misses_none_of_the_next(log: Log) -> None:
    log.write("stdout", [b"one", b"two"])
    reading = asyncio.create_task(text_of(log, LogOptions(follow=True, tail_lines=1)))
    await asyncio.sleep(0)
    log.write("stdout", [b"three"])
    log.close()
    assert await reading == b"two\nthree\n"


async def test_a_log_that_is_full_is_set_aside(tmp_path: Path) -> None:
    log = Log(tmp_path / "0.log", limit=1_000)
    for number in range(100):
        log.write("stdout", [str(number).encode() * 10])
    log.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2_200
    assert (await text_of(log)).endswith(b"99" * 10 + b"\n")


async def test_who_follows_goes_on_in_the_new_file(tmp_path: Path) -> None:
    log = Log(tmp_path / "0.log", limit=100)
    reading = asyncio.create_task(text_of(log, LogOptions(follow=True)))
    for number in range(20):
        await asyncio.sleep(0)
        log.write("stdout", [str(number).encode()])
    await asyncio.sleep(0)
    log.close()
    assert (await reading).split() == [str(number).encode() for number in range(20)]


async def test_an_earlier_run_can_be_read_and_is_not_written_to(tmp_path: Path) -> None:
    first = Log(tmp_path / "0.log")
    first.write("stdout", [b"one"])
    first.close()
    again = Log.of_the_past(tmp_path / "0.log")
    again.write("stdout", [b"two"])
    assert await text_of(again) == b"one\n"


async def test_what_comes_in_pieces_is_kept_in_lines(log: Log) -> None:
    collector = Collector(log, "stdout")
    for piece in (b"on", b"e\ntw", b"o\nthree"):
        collector.data_received(piece)
    collector.connection_lost(None)
    assert await text_of(log) == b"one\ntwo\nthree"


async def test_a_line_without_end_is_kept_in_parts_and_read_as_one(log: Log) -> None:
    collector = Collector(log, "stdout")
    for _ in range(12):
        collector.data_received(b"x" * (LINE_LIMIT // 4))
    collector.data_received(b"\nnext\n")
    assert await text_of(log) == b"x" * (3 * LINE_LIMIT) + b"\nnext\n"
    assert max(map(len, log.path.read_bytes().splitlines())) < LINE_LIMIT + 100


async def test_a_reader_that_goes_away_leaves_no_file_open(log: Log) -> None:
    before = open_files()
    reading = asyncio.create_task(text_of(log, LogOptions(follow=True)))
    await until(lambda: open_files() > before)
    reading.cancel()
    await until(lambda: open_files() == before)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
