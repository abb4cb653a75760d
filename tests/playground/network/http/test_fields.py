"""Which header fields does a pod get, and which a client?"""

from __future__ import annotations

from tests.playground.network.http_world import ask, connected, fields_of, ok, received, to_pod


async def as_seen_by_the_pod(*fields: str) -> dict[str, str]:
    lines = ["GET / HTTP/1.1", "Host: foo.bar.com:8080", "Connection: close", *fields]
    async with to_pod() as (port, here):
        await ask(port, "\r\n".join(lines).encode() + b"\r\n\r\n")
    return {**fields_of(here.heads[0]), "own port": str(port)}


async def test_the_pod_is_told_who_asked_for_what() -> None:
    seen = await as_seen_by_the_pod()
    assert seen["host"] == seen["x-forwarded-host"] == "foo.bar.com:8080"
    assert seen["x-real-ip"] == seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == seen["x-scheme"] == seen["x-forwarded-scheme"] == "http"
    assert seen["x-forwarded-port"] == seen["own port"]


async def test_what_a_client_says_of_its_address_is_not_believed() -> None:
    seen = await as_seen_by_the_pod("X-Forwarded-For: 6.6.6.6", "X-Real-IP: 6.6.6.6")
    assert (seen["x-forwarded-for"], seen["x-real-ip"]) == ("127.0.0.1", "127.0.0.1")
    assert seen["x-original-forwarded-for"] == "6.6.6.6"


async def test_a_request_has_a_number_of_its_own() -> None:
    first, second = (await as_seen_by_the_pod())["x-request-id"], "x" * 32
    assert (len(first), int(first, 16) > 0) == (32, True)
    assert (await as_seen_by_the_pod(f"X-Request-ID: {second}"))["x-request-id"] == second


async def test_fields_for_the_next_program_only_go_no_further() -> None:
    seen = await as_seen_by_the_pod("Connection: close, x-secret", "X-Secret: 1", "TE: trailers")
    assert not {"connection", "x-secret", "te"} & seen.keys()


async def test_fields_that_are_easily_mistaken_go_no_further() -> None:
    seen = await as_seen_by_the_pod("X_Canary: always", "Proxy: http://evil")
    assert not {"x_canary", "proxy"} & seen.keys()


async def test_other_fields_go_on_as_they_are() -> None:
    seen = await as_seen_by_the_pod("X-Canary: always", "Cookie: a=1; b=2", "Accept: */*")
    assert (seen["x-canary"], seen["cookie"], seen["accept"]) == ("always", "a=1; b=2", "*/*")


async def test_the_client_gets_the_fields_of_the_pod_but_those_of_its_connection() -> None:
    answer = ok(
        b"x", "X-Version: 2.0", "Set-Cookie: a=1", "Set-Cookie: b=2", "Keep-Alive: timeout=5"
    )
    async with to_pod(answer) as (port, _), connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        fields = (await received(reader)).fields
    assert fields["x-version"] == "2.0"
    assert "keep-alive" not in fields


async def test_a_field_that_comes_twice_goes_on_twice() -> None:
    answer = ok(b"x", "Set-Cookie: a=1", "Set-Cookie: b=2")
    async with to_pod(answer) as (port, _):
        got = await ask(port)
    assert got.count(b"Set-Cookie") == 2
