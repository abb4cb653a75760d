"""The Ingress controller: what it serves, and what it reports."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from canarylab.ingress_rules.server_table import build_server_table
from canarylab.kube_objects import Key, Object
from canarylab.playground.network import ingress_controller
from canarylab.playground.network.ingress_server import IngressServer
from tests.ingress_rules.ingress_objects import (
    CLASS,
    SPACE,
    canary,
    ingress,
    service,
    slice_of,
)
from tests.playground.fake_api import FakeApi
from tests.playground.network.http_fixture import (
    PodWorld,
    ask,
    connected,
    ok,
    pod,
    received,
    status_of,
)
from tests.waiting import until

CLOSE = b"GET / HTTP/1.1\r\nHost: foo.bar.com\r\nConnection: close\r\n\r\n"


@dataclass
class World:
    """An ingress over a fake API, and pods of prod and canary."""

    api: FakeApi
    web: IngressServer
    prod: PodWorld
    canary: PodWorld

    async def answers(self, status: int, request: bytes = CLOSE) -> None:
        """Wait until it does."""

        async def is_so() -> bool:
            return status_of(await ask(self.web.port, request)) == status

        await until(is_so)

    async def tells(self, reason: str) -> None:
        """Wait until it does."""
        await until(lambda: self.said(reason))

    async def said(self, reason: str) -> list[str]:
        events = await self.api.list("Event", SPACE)
        return [event["message"] for event in events if event["reason"] == reason]

    async def change(self, kind: str, name: str, **parts: Any) -> None:
        stored = await self.api.get(kind, Key(SPACE, name))
        await self.api.update({**stored, **parts})


@asynccontextmanager
async def world(*objects: Object) -> AsyncIterator[World]:
    """With the Services prod and canary, a pod of each, and these objects."""
    api = FakeApi()
    listener = socket.create_server(("127.0.0.1", 0))
    web = IngressServer(api, [listener], random=Random(7), sleep=hurried)
    async with AsyncExitStack() as stack:
        pods = [await stack.enter_async_context(pod(ok(name))) for name in (b"prod", b"canary")]
        for name, own in zip(("prod", "canary"), pods, strict=True):
            await api.put(service(name))
            await api.put(slice_of(name, own.address.host, port=own.address.port))
        for obj in (CLASS, *objects):
            await api.put(obj)
        task = asyncio.create_task(web.run())
        try:
            yield World(api, web, *pods)
        finally:
            task.cancel()
            await asyncio.wait([task])
    assert api.changed_in_place() == set()


async def hurried(pause_s: float) -> None:
    await asyncio.sleep(pause_s / 100)


PLAIN = ingress("plain", ("/", "prod"))


async def test_an_ingress_is_served() -> None:
    async with world(PLAIN) as here:
        await here.answers(200)
        assert (await ask(here.web.port, CLOSE)).endswith(b"prod")


async def test_where_there_is_none_the_default_backend_answers() -> None:
    async with world() as here:
        assert (await ask(here.web.port, CLOSE)).endswith(b"default backend - 404")


async def test_its_status_says_where_it_answers() -> None:
    async with world(PLAIN) as here:

        async def address() -> object:
            return (await here.api.get("Ingress", Key(SPACE, "plain"))).get("status")

        await until(address)
        place = {"ip": "127.0.0.1", "ports": [{"port": here.web.port, "protocol": "TCP"}]}
        assert await address() == {"loadBalancer": {"ingress": [place]}}


async def test_an_event_says_that_it_was_taken_in_once() -> None:
    async with world(PLAIN) as here:
        await here.tells("Sync")
        await here.change("Service", "prod", spec=service("prod", port=81)["spec"])
        await here.answers(503)
        assert await here.said("Sync") == ["Scheduled for sync"]


async def test_a_changed_ingress_is_taken_in_again() -> None:
    async with world(PLAIN) as here:
        await here.answers(200)
        await here.change("Ingress", "plain", spec=ingress("plain", ("/x", "prod"))["spec"])
        await here.answers(404)


async def test_a_deleted_ingress_is_served_no_more() -> None:
    async with world(PLAIN) as here:
        await here.answers(200)
        await here.api.delete("Ingress", Key(SPACE, "plain"))
        await here.answers(404)


async def test_an_ingress_of_another_class_is_left_alone() -> None:
    other = {**PLAIN, "spec": {**PLAIN["spec"], "ingressClassName": "traefik"}}
    async with world(other, ingress("ours", ("/ours", "prod"))) as here:
        await here.answers(200, CLOSE.replace(b"GET /", b"GET /ours"))
        assert not (await here.api.get("Ingress", Key(SPACE, "plain"))).get("status")
        await here.answers(404)
        await here.tells("IngressClassNotFound")


async def test_an_ingress_without_a_class_is_served_and_told_to_name_one() -> None:
    classless = {**PLAIN, "spec": {"rules": PLAIN["spec"]["rules"]}}
    async with world(classless) as here:
        await here.answers(200)
        await here.tells("NoIngressClass")


async def test_without_its_class_nothing_is_served() -> None:
    async with world(PLAIN) as here:
        await here.answers(200)
        await here.api.delete("IngressClass", Key("", "nginx"))
        await here.answers(404)


async def test_pods_that_are_not_ready_are_asked_no_more() -> None:
    async with world(PLAIN) as here:
        await here.answers(200)
        await here.change("EndpointSlice", "prod-x", endpoints=[])
        await here.answers(503)


async def test_what_is_wrong_is_told_once_and_again_when_it_comes_back() -> None:
    async with world(PLAIN, ingress("young", ("/", "canary"))) as here:
        await here.tells("AlreadyClaimed")
        before = len(here.api.writes)
        await here.change("EndpointSlice", "prod-x", endpoints=[])
        await here.tells("NoEndpoints")
        told = [name for verb, kind, name in here.api.writes[before:] if kind == "Event"]
        assert len(told) == 1


async def test_everything_that_is_wrong_at_once_leaves_the_rest_served() -> None:
    wrong = [
        ingress("broken", ("/(", "prod"), use_regex="true"),
        ingress("young", ("/", "canary")),
        ingress("nowhere", ("/nowhere", "missing")),
        canary("heavy", ("/", "canary"), canary_weight="1000", canary_by_header="X-C"),
    ]
    async with world({**PLAIN, "metadata": {**PLAIN["metadata"], "name": "z"}}, *wrong) as here:
        for reason in ("BadPath", "AlreadyClaimed", "ServiceNotFound", "BadWeight"):
            await here.tells(reason)
        await here.answers(200)


async def test_no_request_sees_half_of_a_change() -> None:
    """Each answer fits the one or the other; the pod names and paths change in one step."""
    one = ingress("one", ("/", "prod"))["spec"]
    two = ingress("one", ("/", "canary"))["spec"]
    async with world(ingress("one", ("/", "prod"))) as here:
        await here.answers(200)
        async with connected(here.web.port) as (reader, writer):
            got = set()
            for number in range(300):
                if number % 10 == 0:
                    await here.change("Ingress", "one", spec=two if number % 20 else one)
                writer.write(CLOSE.replace(b"close", b"keep-alive"))
                answer = await received(reader)
                got.add((answer.status, answer.body))
    assert got <= {(200, b"prod"), (200, b"canary")}


async def test_a_weighted_canary_shares_one_connection_with_its_primary() -> None:
    """5,000 requests at one in ten, plus or minus 3.29 standard errors; the luck is seeded."""
    new = canary("new", ("/", "canary"), canary_weight="10")
    async with world(PLAIN, new) as here:
        await until(lambda: any(up.canary for up in here.web.ingress.table.upstreams.values()))
        async with connected(here.web.port) as (reader, writer):
            bodies = []
            for _ in range(50):
                writer.write(CLOSE.replace(b"close", b"keep-alive") * 100)
                bodies += [(await received(reader)).body for _ in range(100)]
    assert abs(bodies.count(b"canary") - 500) <= 69


async def test_pods_get_no_header_that_nginx_drops() -> None:
    request = CLOSE.replace(b"\r\n\r\n", b"\r\nX_Canary: always\r\nX.Y: 1\r\nX-Z: 1\r\n\r\n")
    async with world(PLAIN) as here:
        await here.answers(200, request)
        seen = here.prod.heads[-1]
    assert ("X_Canary" in seen, "X.Y" in seen, "X-Z" in seen) == (False, False, True)


async def test_a_client_with_its_cookie_stays_with_the_canary_that_it_met() -> None:
    sticky = ingress("plain", ("/", "prod"), affinity="cookie")
    new = canary("new", ("/", "canary"), canary_weight="0", canary_by_header="X-Canary")
    chosen = CLOSE.replace(b"\r\n\r\n", b"\r\nX-Canary: always\r\n\r\n")
    async with world(sticky, new) as here:
        await until(lambda: any(up.canary for up in here.web.ingress.table.upstreams.values()))
        async with connected(here.web.port) as (reader, writer):
            writer.write(chosen)
            first = await received(reader)
        name, _, rest = first.fields["set-cookie"].partition("=")
        value = rest.partition(";")[0]
        returning = CLOSE.replace(b"\r\n\r\n", f"\r\nCookie: {name}={value}\r\n\r\n".encode())
        answers = [await ask(here.web.port, returning) for _ in range(10)]
    assert first.body == b"canary"
    assert all(answer.endswith(b"canary") for answer in answers)
    assert not any(b"Set-Cookie" in answer for answer in answers)


async def test_a_catastrophic_path_keeps_nobody_waiting() -> None:
    """With backtracking, each of these requests would take longer than the age of the universe."""
    slow = ingress("slow", ("/(a+)+$", "canary"), rewrite_target="/$1")
    request = CLOSE.replace(b"GET /", b"GET /" + b"a" * 200 + b"!")
    async with world(PLAIN, slow) as here:
        await until(lambda: any(each.by_regex for each in here.web.ingress.table.servers.values()))
        assert (await ask(here.web.port, request)).endswith(b"prod")
        assert (await ask(here.web.port, CLOSE)).endswith(b"prod")
        assert (await ask(here.web.port, request.replace(b"!", b""))).endswith(b"canary")


async def test_a_path_that_re2_does_not_have_is_reported_and_the_rest_is_served() -> None:
    wrong = ingress("lookahead", ("/(?=a)", "canary"), use_regex="true")
    async with world(PLAIN, wrong) as here:
        await here.tells("BadPath")
        (message,) = await here.said("BadPath")
        assert "invalid perl operator: (?=" in message
        await here.answers(200)


async def test_a_failed_sync_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def failing_once(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("a value that no rule expects")
        return build_server_table(*arguments)

    monkeypatch.setattr(ingress_controller, "build_server_table", failing_once)
    api = FakeApi()
    await api.create(service("prod"))
    controller = ingress_controller.IngressController(
        api, ("127.0.0.1", 8080), random=Random(1), sleep=lambda _: asyncio.sleep(0)
    )
    running = asyncio.create_task(controller.run())
    await until(lambda: calls > 1)
    assert not running.done()
    running.cancel()
