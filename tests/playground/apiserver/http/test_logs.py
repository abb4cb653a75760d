"""What a pod has written, over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.http.logs import log_options
from canarylab.playground.kube.api import LogOptions
from tests.playground.apiserver.serving import Server, pod

LOG = "/api/v1/namespaces/default/pods/web/log"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_lines_come_as_text(server: Server) -> None:
    await server.api.create(pod())
    server.kubelet.written = [b"one\n", b"two\n"]
    reply = await server.ask("GET", LOG)
    assert (reply.code, reply.headers["Content-Type"]) == (200, "text/plain")
    assert reply.body == "one\ntwo\n"


async def test_lines_come_as_they_are_written(server: Server) -> None:
    await server.api.create(pod())
    server.kubelet.written = [b"one\n"]
    async with server.session() as session, session.get(f"{LOG}?follow=true") as reply:
        async with asyncio.timeout(5):
            assert await reply.content.readline() == b"one\n"
            server.kubelet.more.put_nowait(b"two\n")
            assert await reply.content.readline() == b"two\n"


async def test_no_more_bytes_come_than_asked_for(server: Server) -> None:
    await server.api.create(pod())
    server.kubelet.written = [b"one\n", b"two\n"]
    assert (await server.ask("GET", f"{LOG}?limitBytes=6")).body == "one\ntw"


async def test_what_the_kubelet_refuses_is_refused(server: Server) -> None:
    await server.api.create(pod())
    why = 'container "nodeapp" in pod "web" is waiting to start: ErrImagePull'
    server.kubelet.refusal = BadRequestError(why)
    reply = await server.ask("GET", LOG)
    assert (reply.code, reply.body["message"]) == (400, why)


async def test_a_pod_without_a_node_has_no_log(server: Server) -> None:
    lonely = pod()
    del lonely["spec"]["nodeName"]
    await server.api.create(lonely)
    reply = await server.ask("GET", LOG)
    assert reply.body["message"] == "pod web does not have a host assigned"


async def test_of_several_containers_one_has_to_be_named(server: Server) -> None:
    both = [{"name": name, "image": "node_app:1.0"} for name in ("a", "b")]
    await server.api.create(pod(containers=both))
    reply = await server.ask("GET", LOG)
    assert reply.body["message"] == (
        "a container name must be specified for pod web, choose one of: [a b]"
    )


async def test_a_container_has_to_be_one_of_the_pods(server: Server) -> None:
    await server.api.create(pod())
    reply = await server.ask("GET", f"{LOG}?container=nobody")
    assert (reply.code, reply.body["message"]) == (400, "container nobody is not valid for pod web")


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ({}, LogOptions("a")),
        ({"follow": "true", "previous": "True"}, LogOptions("a", follow=True, previous=True)),
        ({"tailLines": "5", "timestamps": "1"}, LogOptions("a", tail_lines=5, timestamps=True)),
        ({"sinceSeconds": "60"}, LogOptions("a", since_s=60)),
        (
            {"sinceTime": (NOON - timedelta(seconds=90)).isoformat()},
            LogOptions("a", since_s=90),
        ),
    ],
)
def test_the_query_says_which_lines(query: dict[str, str], options: LogOptions) -> None:
    assert log_options(query, "a", NOON) == options


@pytest.mark.parametrize("query", [{"tailLines": "-1"}, {"tailLines": "x"}, {"sinceTime": "then"}])
def test_nonsense_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadRequestError):
        log_options(query, "a", NOON)
