"""Requests over real sockets, to servers that do what servers do."""

from __future__ import annotations

import asyncio
import errno
import io
import random
import socket
import ssl
import struct
import subprocess
import sys
from functools import partial
from typing import Any

import pytest
import trustme

from canarylab import traffic
from canarylab.display import StatusLine
from canarylab.errors import TrafficError
from canarylab.traffic import Progress, Request, Sample, SamplingPlan, send_requests
from canarylab.traffic.connection import failure_kind
from canarylab.traffic.sampler import ProgressLine
from tests.traffic.conftest import Serve
from tests.traffic.server import Server, Visit, answering, response
from tests.waiting import until

HALF = 0.5
ONE_IN_TEN_THOUSAND = 3.89  # standard deviations, two-sided


async def ask(server: Server, count: int = 1, **plan: float) -> Sample:
    return await send_requests(
        server.url,
        SamplingPlan(count=count, timeout_s=plan.pop("timeout_s", 10.0), **plan),  # type: ignore[arg-type]
    )


async def test_every_request_is_written_down(serve: Serve) -> None:
    server = await serve(answering(response("1.0"), response("2.0")))
    assert (await ask(server, 40)).by_version == {"1.0": 20, "2.0": 20}


async def test_each_request_opens_a_connection_of_its_own(serve: Serve) -> None:
    server = await serve(answering(response()))
    sample = await ask(server, 40)
    assert (len(server.visits), sample.connections) == (40, 40)


async def test_kept_connections_carry_all_requests(serve: Serve) -> None:
    server = await serve(answering(response("1.0"), response("2.0")))
    sample = await ask(server, 40, keep_alive=2)
    assert (len(server.visits), sample.connections, sample.keep_alive) == (2, 2, 2)


async def test_all_of_a_kept_connection_stays_on_one_pod(serve: Serve) -> None:
    server = await serve(answering(response("1.0"), response("2.0")))
    assert (await ask(server, 40, keep_alive=1)).by_version == {"1.0": 40}


async def test_connections_are_closed_at_the_end(serve: Serve) -> None:
    server = await serve(answering(response()))
    await ask(server, 40, keep_alive=4)
    await until(lambda: server.open == 0)


async def test_no_more_requests_are_under_way_than_allowed(serve: Serve) -> None:
    most = []

    async def count(visit: Visit) -> None:
        await visit.request()
        most.append(server.open)
        await visit.reply(response())

    server = await serve(count)
    await ask(server, 60, concurrency=3)
    assert max(most) <= 4  # a connection the client has closed is open here a moment longer


async def test_a_sample_can_be_bounded_by_time(serve: Serve) -> None:
    server = await serve(answering(response()))
    sample = await send_requests(server.url, SamplingPlan(seconds=0.1))
    assert max(answer.when_s for answer in sample.results) <= 0.11


async def test_a_pace_spreads_the_requests(serve: Serve) -> None:
    server = await serve(answering(response()))
    sample = await ask(server, 10, rate=100.0)
    sent = sorted(answer.when_s for answer in sample.results)
    assert all(when_s >= number / 100.0 for number, when_s in enumerate(sent))


async def test_a_password_in_the_url_is_not_in_the_sample(serve: Serve) -> None:
    server = await serve(answering(response()))
    url = server.url.replace("http://", "http://ada:s3cret@")
    taken = await send_requests(url, SamplingPlan(count=1))
    assert taken.total == 1
    assert "s3cret" not in f"{taken!r} {taken.url} {taken._repr_html_()}"


async def test_a_redirect_is_an_answer_and_is_not_followed(serve: Serve) -> None:
    server = await serve(
        answering(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
    )
    assert (await ask(server)).by_version == {"other": 1}


async def test_headers_reach_the_server(serve: Serve) -> None:
    server = await serve(answering(response()))
    await send_requests(server.url, SamplingPlan(count=1), request=Request(host="foo.bar.com"))
    assert b"Host: foo.bar.com\r\n" in server.requests[0]


async def test_progress_is_told_to_the_end(serve: Serve) -> None:
    server = await serve(answering(response()))
    told: list[tuple[int, int]] = []
    await send_requests(
        server.url,
        SamplingPlan(count=5),
        on_progress=lambda so_far: told.append((so_far.done, so_far.failed)),
    )
    assert told[-1] == (5, 0)


async def test_progress_that_fails_ends_the_sample_and_its_connections(serve: Serve) -> None:
    async def never(visit: Visit) -> None:
        await visit.reader.read()

    def broken(so_far: Progress) -> None:
        raise ZeroDivisionError

    server = await serve(never)
    with pytest.raises(ExceptionGroup):
        await send_requests(server.url, SamplingPlan(count=5), on_progress=broken)
    await until(lambda: server.open == 0)


async def test_who_is_interrupted_leaves_no_connection_open(serve: Serve) -> None:
    async def never(visit: Visit) -> None:
        await visit.reader.read()

    server = await serve(never)
    asking = asyncio.create_task(ask(server, 100))
    await until(lambda: server.open == 16)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: server.open == 0)


async def test_a_random_choice_for_each_connection_shows_as_a_binomial(serve: Serve) -> None:
    dice = random.Random(20261122)

    async def choose(visit: Visit) -> None:
        await visit.request()
        await visit.reply(response("2.0" if dice.random() < HALF else "1.0"))

    sample = await ask(await serve(choose), 400)
    spread = (HALF * HALF / 400) ** 0.5
    assert abs(sample.share("2.0") - HALF) < ONE_IN_TEN_THOUSAND * spread


async def test_tls_is_spoken_to_whom_the_reader_trusts(serve: Serve) -> None:
    authority, serving = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    server = await serve(answering(response("1.0"), response("2.0")), tls=serving)
    sample = await send_requests(server.url, SamplingPlan(count=20), request=Request(tls=trusting))
    assert sample.by_version == {"1.0": 10, "2.0": 10}


async def test_tls_connections_can_be_kept(serve: Serve) -> None:
    authority, serving = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    server = await serve(answering(response()), tls=serving)
    await send_requests(
        server.url, SamplingPlan(count=20, keep_alive=2), request=Request(tls=trusting)
    )
    assert len(server.visits) == 2


async def test_a_certificate_nobody_vouches_for_is_told_in_words(serve: Serve) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(serving)
    server = await serve(answering(response()), tls=serving)
    with pytest.raises(TrafficError, match="this machine does not trust its certificate"):
        await ask(server)


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": -3},
        {"count": 2.5},
        {"count": True},
        {"count": 200_001},
        {"seconds": 0},
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"count": 1, "concurrency": 0},
        {"count": 1, "concurrency": 257},
        {"count": 1, "keep_alive": -1},
        {"count": 1, "rate": 0},
        {"count": 1, "timeout_s": 0},
        {"count": 1, "timeout_s": "5"},
    ],
)
def test_a_bound_that_makes_no_sense_is_refused_by_name(wrong: dict[str, Any]) -> None:
    name = {"count": "The number of requests"}.get(bound := list(wrong)[-1], bound)
    with pytest.raises(ValueError, match=rf"^{name} cannot be .*\. Give a "):
        SamplingPlan(**wrong)


@pytest.mark.parametrize(
    ("both", "words"), [({}, "neither is"), ({"count": 1, "seconds": 1.0}, "both are")]
)
def test_a_sample_has_one_bound(both: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"here {words} given"):
        SamplingPlan(**both)


def test_no_more_workers_than_requests() -> None:
    assert SamplingPlan(count=3).workers == 3


def test_a_kept_connection_has_one_worker() -> None:
    assert SamplingPlan(count=100, keep_alive=2, concurrency=16).workers == 2


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(plan: SamplingPlan, *told: tuple[float, int, int]) -> str:
    clock, stream = Clock(), io.StringIO()
    line = StatusLine(stream, clock)
    progress = ProgressLine(plan, line.show)
    for clock.now, done, failed in told:
        progress(Progress(done, failed, [], lambda: Sample.from_versions([])))
    return stream.getvalue()


def test_a_short_sample_needs_no_line() -> None:
    assert shown(SamplingPlan(count=100), (0.5, 100, 0)) == ""


def test_a_long_sample_says_how_far_it_is() -> None:
    assert (
        shown(SamplingPlan(count=1000), (2.0, 500, 1)) == "\r500 of 1,000 requests done, 1 failure"
    )


def test_a_sample_bounded_by_time_has_no_number_to_reach() -> None:
    assert "500 requests done (30 s in all)" in shown(SamplingPlan(seconds=30), (2.0, 500, 0))


def test_a_shorter_line_covers_the_longer_one_before_it() -> None:
    written = shown(SamplingPlan(count=9), (2.0, 8, 2), (3.0, 8, 1)).rstrip("\n").split("\r")
    assert len(written[2]) == len(written[1])


async def test_a_notebook_gets_its_sample_without_await(serve: Serve) -> None:
    server = await serve(answering(response("1.0")))
    sample = await asyncio.to_thread(traffic.sample, server.url, count=20)
    assert sample.by_version == {"1.0": 20}


async def test_unless_told_it_asks_a_hundred_times(serve: Serve) -> None:
    server = await serve(answering(response("1.0")))
    assert (await asyncio.to_thread(traffic.sample, server.url)).total == 100


async def test_it_says_nothing_where_nobody_watches(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    server = await serve(answering(response("1.0")))
    await asyncio.to_thread(traffic.sample, server.url, count=20)
    assert capfd.readouterr() == ("", "")


def test_nobody_there_is_an_error_in_two_sentences(nobody: str) -> None:
    with pytest.raises(TrafficError, match=rf"^There is no answer at {nobody}: .*\. Start .*\.$"):
        traffic.sample(nobody)


@pytest.mark.parametrize("heavy", ["pandas", "matplotlib", "ipywidgets", "scipy"])
def test_importing_it_loads_nothing_heavy(heavy: str) -> None:
    script = f"import sys, canarylab.traffic; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


SHORT_S = 0.1
HALF_A_RESPONSE = b"HTTP/1.1 200 OK\r\nX-Version: 1.0\r\nContent-Length: 5\r\n\r\nVe"


async def failures(url: str, *, count: int = 1, timeout_s: float = 10.0) -> dict[str, int]:
    return (await send_requests(url, SamplingPlan(count=count, timeout_s=timeout_s))).failures


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


async def test_what_is_not_http_is_an_invalid_response(serve: Serve) -> None:
    server = await serve(partial(hang_up, after=b"SSH-2.0-OpenSSH_9.2\r\n"))
    assert await failures(server.url) == {"invalid response": 1}


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_an_error_status_is_a_failure_that_names_it(serve: Serve, status: int) -> None:
    server = await serve(answering(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status))
    assert await failures(server.url) == {f"status {status}": 1}


async def test_an_error_status_still_says_which_version_it_came_from(serve: Serve) -> None:
    server = await serve(
        answering(b"HTTP/1.1 500 No\r\nX-Version: 2.0\r\nContent-Length: 0\r\n\r\n")
    )
    sample = await send_requests(server.url, SamplingPlan(count=1))
    assert [(each.version, each.status) for each in sample.results] == [("2.0", 500)]


async def test_some_failures_among_answers_make_a_sample(serve: Serve) -> None:
    server = await serve(answering(response(), b"garbage\r\n\r\n"))
    sample = await send_requests(server.url, SamplingPlan(count=20))
    assert (sample.answered, sample.failures) == (10, {"invalid response": 10})


async def test_a_server_that_goes_away_leaves_a_sample_with_refused_requests() -> None:
    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        listening.close()
        writer.write(response())
        writer.close()

    listening = await asyncio.start_server(visited, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    sample = await send_requests(f"http://127.0.0.1:{port}/", SamplingPlan(count=5, concurrency=1))
    assert (sample.answered, sample.failures) == (1, {"refused": 4})


@pytest.mark.parametrize("count", [1, 16, 200])
async def test_a_url_that_nobody_serves_is_an_error_that_names_it(nobody: str, count: int) -> None:
    with pytest.raises(
        TrafficError, match=rf"There is no answer at {nobody}: the connection was ref"
    ):
        await send_requests(nobody, SamplingPlan(count=count))


async def test_a_url_that_nobody_serves_ends_a_timed_sample_at_once(nobody: str) -> None:
    with pytest.raises(TrafficError):
        await asyncio.wait_for(send_requests(nobody, SamplingPlan(seconds=600)), timeout=10)


async def test_a_host_that_is_not_known_is_an_error_that_names_it() -> None:
    with pytest.raises(TrafficError, match=r"no\.such\.invalid.*: the host name is unknown\. "):
        await send_requests("http://no.such.invalid:8080/", SamplingPlan(count=1))


async def test_a_connection_that_never_comes_about_is_told_from_a_slow_answer() -> None:
    with socket.socket() as full:  # one connection waits, and nobody will ever accept another
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):
            url = f"http://127.0.0.1:{full.getsockname()[1]}/"
            with pytest.raises(TrafficError, match="no connection was established in time"):
                await send_requests(url, SamplingPlan(count=3, timeout_s=SHORT_S))


async def test_localhost_is_asked_where_somebody_listens(serve: Serve) -> None:
    server = await serve(answering(response()))
    sample = await send_requests(
        server.url.replace("127.0.0.1", "localhost"), SamplingPlan(count=5)
    )
    assert sample.answered == 5


async def one_each(visit: Visit) -> None:
    """Answers once and hangs up, though it promised to keep the connection."""
    await visit.request()
    await visit.reply(response())


async def test_a_kept_connection_that_the_server_closed_is_opened_again(serve: Serve) -> None:
    server = await serve(one_each)
    sample = await send_requests(server.url, SamplingPlan(count=6, keep_alive=1, rate=200.0))
    assert (sample.answered, len(server.visits)) == (6, 6)


async def test_a_kept_connection_that_the_server_announces_to_close_is_opened_again(
    serve: Serve,
) -> None:
    server = await serve(answering(response(head="Connection: close\r\n")))
    sample = await send_requests(server.url, SamplingPlan(count=6, keep_alive=1))
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
    return await send_requests(url, SamplingPlan(count=count, keep_alive=1))


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
    assert failure_kind(exc) == word
