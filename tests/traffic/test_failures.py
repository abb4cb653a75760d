"""Every way in which a request can fail, over real sockets."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from functools import partial

import pytest

from canarylab.errors import TrafficError
from canarylab.traffic import Plan, Sample, send
from canarylab.traffic.failure import kind
from tests.traffic.conftest import Serve
from tests.traffic.server import Visit, answering, response
from tests.waiting import until

SHORT_S = 0.1
HALF_A_RESPONSE = b"HTTP/1.1 200 OK\r\nX-Version: 1.0\r\nContent-Length: 5\r\n\r\nVe"


async def failures(url: str, *, count: int = 1, timeout_s: float = 10.0) -> dict[str, int]:
    return (await send(url, Plan(count=count, timeout_s=timeout_s))).failures


async def hang_up(visit: Visit, *, after: bytes) -> None:
    await visit.request()
    await visit.reply(after)


async def reset(visit: Visit, *, after: bytes) -> None:
    """Ends the connection with RST: what a killed process leaves to its clients."""
    await visit.request()
    await visit.reply(after)
    await asyncio.sleep(0)
    held: socket.socket = visit.writer.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visit.writer.transport.abort()


async def stall(visit: Visit, *, after: bytes) -> None:
    await visit.request()
    await visit.reply(after)
    await visit.reader.read()


@pytest.mark.parametrize("after", [b"", b"HTTP/1.1 200", HALF_A_RESPONSE])
async def test_a_response_that_ends_early_was_cut_off(serve: Serve, after: bytes) -> None:
    server = await serve(partial(hang_up, after=after))
    assert await failures(server.url) == {"cut off": 1}


@pytest.mark.parametrize("after", [b"", HALF_A_RESPONSE])
async def test_a_connection_that_is_torn_down_was_reset(serve: Serve, after: bytes) -> None:
    server = await serve(partial(reset, after=after))
    assert await failures(server.url) == {"reset": 1}


@pytest.mark.parametrize("after", [b"", HALF_A_RESPONSE])
async def test_a_response_that_does_not_come_in_time_is_a_timeout(
    serve: Serve, after: bytes
) -> None:
    server = await serve(partial(stall, after=after))
    assert await failures(server.url, timeout_s=SHORT_S) == {"timeout": 1}


async def test_timeouts_end_one_after_the_other(serve: Serve) -> None:
    server = await serve(partial(stall, after=b""))
    assert await failures(server.url, count=40, timeout_s=SHORT_S) == {"timeout": 40}


async def test_a_connection_that_timed_out_is_closed(serve: Serve) -> None:
    server = await serve(partial(stall, after=b""))
    await failures(server.url, timeout_s=SHORT_S)
    await until(lambda: server.open == 0)


async def test_what_is_not_http_is_garbage(serve: Serve) -> None:
    server = await serve(partial(hang_up, after=b"SSH-2.0-OpenSSH_9.2\r\n"))
    assert await failures(server.url) == {"garbage": 1}


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_an_error_status_is_a_failure_that_names_it(serve: Serve, status: int) -> None:
    server = await serve(answering(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status))
    assert await failures(server.url) == {f"status {status}": 1}


async def test_an_error_status_still_says_which_version_it_came_from(serve: Serve) -> None:
    server = await serve(
        answering(b"HTTP/1.1 500 No\r\nX-Version: 2.0\r\nContent-Length: 0\r\n\r\n")
    )
    sample = await send(server.url, Plan(count=1))
    assert [(each.version, each.status) for each in sample.answers] == [("2.0", 500)]


async def test_some_failures_among_answers_make_a_sample(serve: Serve) -> None:
    server = await serve(answering(response(), b"garbage\r\n\r\n"))
    sample = await send(server.url, Plan(count=20))
    assert (sample.answered, sample.failures) == (10, {"garbage": 10})


async def test_a_server_that_goes_away_leaves_a_sample_with_refused_requests() -> None:
    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        listening.close()
        writer.write(response())
        writer.close()

    listening = await asyncio.start_server(visited, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    sample = await send(f"http://127.0.0.1:{port}/", Plan(count=5, concurrency=1))
    assert (sample.answered, sample.failures) == (1, {"refused": 4})


@pytest.mark.parametrize("count", [1, 16, 200])
async def test_a_url_that_nobody_serves_is_an_error_that_names_it(nobody: str, count: int) -> None:
    with pytest.raises(TrafficError, match=rf"Nobody answers at {nobody}: the connection was ref"):
        await send(nobody, Plan(count=count))


async def test_a_url_that_nobody_serves_ends_a_timed_sample_at_once(nobody: str) -> None:
    with pytest.raises(TrafficError):
        await asyncio.wait_for(send(nobody, Plan(seconds=600)), timeout=10)


async def test_a_host_that_is_not_known_is_an_error_that_names_it() -> None:
    with pytest.raises(TrafficError, match=r"no\.such\.invalid.*: no such host is known\. "):
        await send("http://no.such.invalid:8080/", Plan(count=1))


async def test_a_connection_that_never_comes_about_is_told_from_a_slow_answer() -> None:
    with socket.socket() as full:  # one connection waits, and nobody will ever accept another
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):
            url = f"http://127.0.0.1:{full.getsockname()[1]}/"
            with pytest.raises(TrafficError, match="no connection came about in time"):
                await send(url, Plan(count=3, timeout_s=SHORT_S))


async def test_localhost_is_asked_where_somebody_listens(serve: Serve) -> None:
    server = await serve(answering(response()))
    sample = await send(server.url.replace("127.0.0.1", "localhost"), Plan(count=5))
    assert sample.answered == 5


async def one_each(visit: Visit) -> None:
    """Answers once and hangs up, though it promised to keep the connection."""
    await visit.request()
    await visit.reply(response())


async def test_a_kept_connection_that_the_server_closed_is_opened_again(serve: Serve) -> None:
    server = await serve(one_each)
    sample = await send(server.url, Plan(count=6, keep_alive=1, per_second=200.0))
    assert (sample.answered, len(server.visits)) == (6, 6)


async def test_a_kept_connection_that_the_server_announces_to_close_is_opened_again(
    serve: Serve,
) -> None:
    server = await serve(answering(response(head="Connection: close\r\n")))
    sample = await send(server.url, Plan(count=6, keep_alive=1))
    assert (sample.answered, sample.connections) == (6, 6)


async def test_a_kept_connection_that_breaks_within_a_response_is_a_failure(serve: Serve) -> None:
    async def half_the_second(visit: Visit) -> None:
        await visit.request()
        await visit.reply(response())
        await visit.request()
        await visit.reply(HALF_A_RESPONSE)

    server = await serve(half_the_second)
    assert (await kept(server.url, count=2)).failures == {"cut off": 1}


async def test_a_new_connection_that_is_closed_at_once_is_not_tried_again(serve: Serve) -> None:
    async def slam(visit: Visit) -> None:
        await visit.request()

    server = await serve(slam)
    assert ((await kept(server.url, count=1)).failures, len(server.visits)) == ({"cut off": 1}, 1)


async def kept(url: str, *, count: int) -> Sample:
    return await send(url, Plan(count=count, keep_alive=1))


@pytest.mark.parametrize(
    ("exc", "word"),
    [
        (OSError(errno.EHOSTUNREACH, "No route to host"), "unreachable"),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign"), "no port left"),
        (OSError(errno.EMFILE, "Too many open files"), "EMFILE"),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), "no connection"),
        (ConnectionResetError(), "reset"),
    ],
)
def test_what_the_system_says_gets_a_word(exc: OSError, word: str) -> None:
    assert kind(exc) == word
