"""Requests over real sockets, to servers that do what servers do."""

from __future__ import annotations

import asyncio
import random
import ssl

import pytest
import trustme

from canarylab.errors import TrafficError
from canarylab.traffic import Plan, Request, Sample, send
from tests.traffic.conftest import Serve
from tests.traffic.server import Server, Visit, answering, response
from tests.waiting import until

HALF = 0.5
ONE_IN_TEN_THOUSAND = 3.89  # standard deviations, two-sided


async def ask(server: Server, count: int = 1, **plan: float) -> Sample:
    return await send(server.url, Plan(count=count, timeout_s=plan.pop("timeout_s", 10.0), **plan))  # type: ignore[arg-type]


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
    sample = await send(server.url, Plan(seconds=0.1))
    assert max(answer.when_s for answer in sample.answers) <= 0.11


async def test_a_pace_spreads_the_requests(serve: Serve) -> None:
    server = await serve(answering(response()))
    sample = await ask(server, 10, per_second=100.0)
    sent = sorted(answer.when_s for answer in sample.answers)
    assert all(when_s >= number / 100.0 for number, when_s in enumerate(sent))


async def test_a_redirect_is_an_answer_and_is_not_followed(serve: Serve) -> None:
    server = await serve(
        answering(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
    )
    assert (await ask(server)).by_version == {"other": 1}


async def test_headers_reach_the_server(serve: Serve) -> None:
    server = await serve(answering(response()))
    await send(server.url, Plan(count=1), request=Request(host="foo.bar.com"))
    assert b"Host: foo.bar.com\r\n" in server.requests[0]


async def test_progress_is_told_to_the_end(serve: Serve) -> None:
    server = await serve(answering(response()))
    told: list[tuple[int, int]] = []
    await send(server.url, Plan(count=5), on_progress=lambda *numbers: told.append(numbers))
    assert told[-1] == (5, 0)


async def test_progress_that_fails_ends_the_sample_and_its_connections(serve: Serve) -> None:
    async def never(visit: Visit) -> None:
        await visit.reader.read()

    def broken(done: int, failed: int) -> None:
        raise ZeroDivisionError

    server = await serve(never)
    with pytest.raises(ExceptionGroup):
        await send(server.url, Plan(count=5), on_progress=broken)
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
    sample = await send(server.url, Plan(count=20), request=Request(tls=trusting))
    assert sample.by_version == {"1.0": 10, "2.0": 10}


async def test_tls_connections_can_be_kept(serve: Serve) -> None:
    authority, serving = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    server = await serve(answering(response()), tls=serving)
    await send(server.url, Plan(count=20, keep_alive=2), request=Request(tls=trusting))
    assert len(server.visits) == 2


async def test_a_certificate_nobody_vouches_for_is_told_in_words(serve: Serve) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(serving)
    server = await serve(answering(response()), tls=serving)
    with pytest.raises(TrafficError, match="certificate is not one this machine trusts"):
        await ask(server)
