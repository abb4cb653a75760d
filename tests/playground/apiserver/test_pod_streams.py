"""exec and logs over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.pod_streams import log_options
from canarylab.playground.kube.api import LogOptions
from tests.playground.apiserver.server import Server, pod, python
from tests.waiting import until

EXEC = "/api/v1/namespaces/default/pods/web/exec"
V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
ECHO = "import sys; sys.stdout.write(sys.stdin.read())"


@pytest.fixture
async def web_pod(server: Server) -> None:
    await server.api.create(pod())


def path_of(command: list[str], **query: str) -> str:
    asked = [("command", word) for word in command] + list(query.items())
    return f"{EXEC}?{urlencode(asked)}"


@asynccontextmanager
async def connected(
    server: Server, command: list[str], *, protocol: str = V5, **query: str
) -> AsyncIterator[ClientWebSocketResponse]:
    path = path_of(command, stdout="true", stderr="true", **query)
    async with (
        server.session() as session,
        asyncio.timeout(20),
        session.ws_connect(path, protocols=[protocol]) as socket,
    ):
        assert socket.protocol == protocol
        yield socket


async def streams(socket: ClientWebSocketResponse) -> dict[int, bytes]:
    """All that came, by channel, until the server hung up."""
    came: dict[int, bytes] = {}
    async for message in socket:
        assert message.type is WSMsgType.BINARY
        came[message.data[0]] = came.get(message.data[0], b"") + message.data[1:]
    return came


@pytest.mark.usefixtures("web_pod")
async def test_output_and_status_have_their_own_streams(server: Server) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr)"
    async with connected(server, python(code)) as socket:
        came = await streams(socket)
    assert (came[1], came[2]) == (b"out\n", b"err\n")
    assert json.loads(came[3]) == {"metadata": {}, "status": "Success"}


@pytest.mark.usefixtures("web_pod")
async def test_the_status_has_the_exit_code(server: Server) -> None:
    async with connected(server, python("raise SystemExit(3)"), protocol=V4) as socket:
        status = json.loads((await streams(socket))[3])
    assert status["reason"] == "NonZeroExitCode"
    assert status["details"] == {"causes": [{"reason": "ExitCode", "message": "3"}]}


@pytest.mark.usefixtures("web_pod")
async def test_a_signal_is_an_exit_code_as_in_a_shell(server: Server) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    async with connected(server, python(code)) as socket:
        status = json.loads((await streams(socket))[3])
    assert status["details"]["causes"][0]["message"] == "137"


@pytest.mark.usefixtures("web_pod")
async def test_the_client_can_close_the_input(server: Server) -> None:
    async with connected(server, python(ECHO), stdin="true") as socket:
        await socket.send_bytes(b"\x00hello")
        await socket.send_bytes(b"\xff\x00")
        assert (await streams(socket))[1] == b"hello"


@pytest.mark.usefixtures("web_pod")
async def test_text_messages_of_the_python_client_are_read(server: Server) -> None:
    code = "print(input())"
    async with connected(server, python(code), protocol=V4, stdin="true") as socket:
        await socket.send_str("\x00hello\n")
        assert (await streams(socket))[1] == b"hello\n"


@pytest.mark.usefixtures("web_pod")
async def test_without_input_a_command_reads_nothing(server: Server) -> None:
    async with connected(server, python(ECHO)) as socket:
        assert json.loads((await streams(socket))[3])["status"] == "Success"


@pytest.mark.usefixtures("web_pod")
async def test_a_resize_is_ignored(server: Server) -> None:
    async with connected(server, python("input()"), stdin="true") as socket:
        await socket.send_bytes(b'\x04{"Width":80,"Height":24}')
        await socket.send_bytes(b"\x00\n")
        assert json.loads((await streams(socket))[3])["status"] == "Success"


@pytest.mark.usefixtures("web_pod")
async def test_long_output_is_complete(server: Server) -> None:
    code = "import sys; sys.stdout.write('x' * 3_000_000)"
    async with connected(server, python(code)) as socket:
        assert len((await streams(socket))[1]) == 3_000_000


@pytest.mark.usefixtures("web_pod")
async def test_the_process_is_killed_when_the_client_disconnects(server: Server) -> None:
    code = "import sys, time; print('up', flush=True); time.sleep(60)"
    started: list[Any] = []
    original = server.kubelet.execute

    async def remembering(*args: Any, **kwargs: Any) -> Any:
        started.append(await original(*args, **kwargs))
        return started[0]

    server.kubelet.execute = remembering  # type: ignore[method-assign]
    async with connected(server, python(code)) as socket:
        await socket.receive_bytes()
    async with asyncio.timeout(10):
        assert await started[0].process.wait() == -9


@pytest.mark.usefixtures("web_pod")
async def test_an_unknown_command_is_reported_on_the_error_stream(server: Server) -> None:
    async with connected(server, ["no-such-command"]) as socket:
        status = json.loads((await streams(socket))[3])
    assert status["status"] == "Failure"
    assert "no-such-command: not found" in status["message"]


@pytest.mark.usefixtures("web_pod")
@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        (path_of(["true"], stdout="true"), 400, "Upgrade request required"),
        (path_of([]), 400, "at least one command"),
        (path_of(["sh"]), 400, "you must specify at least 1 of stdin, stdout, stderr"),
        (path_of(["sh"], container="nobody"), 400, "container nobody is not valid for pod web"),
        (path_of(["sh"]).replace("/web/", "/nobody/"), 404, 'pods "nobody" not found'),
    ],
)
async def test_invalid_exec_requests_are_refused(
    server: Server, path: str, code: int, words: str
) -> None:
    response = await server.request("GET", path)
    assert response.code == code
    assert words in response.body["message"]


@pytest.mark.usefixtures("web_pod")
async def test_streams_that_are_not_asked_for_are_not_sent(server: Server) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); print(sys.stdin.read())"
    async with (
        server.session() as session,
        session.ws_connect(path_of(python(code), stderr="true"), protocols=[V4]) as socket,
    ):
        came = await streams(socket)
    assert (came.get(1), came[2]) == (None, b"err\n")


SIZE = "import os, sys; print(os.isatty(0), *os.get_terminal_size()); print('err', file=sys.stderr)"


@pytest.mark.usefixtures("web_pod")
async def test_a_terminal_has_one_output_and_the_size_of_the_client(server: Server) -> None:
    code = f"import signal; signal.sigwait([signal.SIGWINCH]); {SIZE}"
    start = f"import signal; signal.pthread_sigmask(0, [signal.SIGWINCH]); print('up'); {code}"
    async with connected(server, python(start), stdin="true", tty="true") as socket:
        assert (await socket.receive_bytes()).startswith(b"\x01up")
        await socket.send_bytes(b'\x04{"Width":101,"Height":37}')
        came = await streams(socket)
    assert came[1].replace(b"\r", b"").endswith(b"True 101 37\nerr\n")
    assert 2 not in came
    assert json.loads(came[3])["status"] == "Success"


@pytest.mark.usefixtures("web_pod")
async def test_a_terminal_passes_ctrl_c_on(server: Server) -> None:
    code = "import time; print('up', flush=True); time.sleep(60)"
    async with connected(server, python(code), stdin="true", tty="true") as socket:
        await socket.receive_bytes()
        await socket.send_bytes(b"\x00\x03")
        status = json.loads((await streams(socket))[3])
    assert status["details"]["causes"][0]["message"] == "130"


@pytest.mark.usefixtures("web_pod")
async def test_closing_the_input_of_a_terminal_ends_a_shell(server: Server) -> None:
    async with connected(server, ["sh"], stdin="true", tty="true") as socket:
        await socket.send_bytes(b"\x00echo $((6*7)) $TERM\n")
        await socket.send_bytes(b"\xff\x00")
        came = await streams(socket)
    assert b"42 " in came[1]
    assert json.loads(came[3])["status"] == "Success"


@pytest.mark.usefixtures("web_pod")
@pytest.mark.parametrize("size", [b"", b"[]", b"{}", b'{"Width":-1,"Height":1e999}', b"\xff"])
async def test_a_size_that_cannot_be_is_ignored(server: Server, size: bytes) -> None:
    async with connected(server, ["sh"], stdin="true", tty="true") as socket:
        await socket.send_bytes(b"\x04" + size)
        await socket.send_bytes(b"\x00exit 3\n")
        status = json.loads((await streams(socket))[3])
    assert status["details"]["causes"][0]["message"] == "3"


ATTACH = "/api/v1/namespaces/default/pods/web/attach"


@pytest.mark.usefixtures("web_pod")
async def test_attach_sends_both_outputs_until_the_container_ends(server: Server) -> None:
    async with (
        server.session() as session,
        session.ws_connect(f"{ATTACH}?stdout=true&stderr=true", protocols=[V5]) as socket,
    ):
        attached = server.kubelet.input
        await until(lambda: attached.attached)
        attached.on_output("stdout", b"one, without a newline")
        attached.on_output("stderr", b"two")
        attached.close()
        came = await streams(socket)
    assert (came[1], came[2]) == (b"one, without a newline", b"two")
    assert json.loads(came[3])["status"] == "Success"


@pytest.mark.usefixtures("web_pod")
async def test_a_client_that_leaves_is_detached(server: Server) -> None:
    attached = server.kubelet.input
    async with server.session() as session:
        for _ in range(3):
            async with session.ws_connect(f"{ATTACH}?stdout=true", protocols=[V5]):
                await until(lambda: attached.attached)
            await until(lambda: not attached.attached)


@pytest.mark.usefixtures("web_pod")
async def test_attach_needs_a_stream(server: Server) -> None:
    response = await server.request("GET", ATTACH)
    assert (response.code, response.body["message"]) == (
        400,
        "you must specify at least 1 of stdin, stdout, stderr",
    )


LOG = "/api/v1/namespaces/default/pods/web/log"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_a_log_is_plain_text(server: Server) -> None:
    await server.api.create(pod())
    server.kubelet.written = [b"one\n", b"two\n"]
    response = await server.request("GET", LOG)
    assert (response.code, response.headers["Content-Type"]) == (200, "text/plain")
    assert response.body == "one\ntwo\n"


async def test_a_followed_log_is_sent_line_by_line(server: Server) -> None:
    await server.api.create(pod())
    server.kubelet.written = [b"one\n"]
    async with server.session() as session, session.get(f"{LOG}?follow=true") as response:
        async with asyncio.timeout(5):
            assert await response.content.readline() == b"one\n"
            server.kubelet.more.put_nowait(b"two\n")
            assert await response.content.readline() == b"two\n"


async def test_limit_bytes_truncates_the_log(server: Server) -> None:
    await server.api.create(pod())
    server.kubelet.written = [b"one\n", b"two\n"]
    assert (await server.request("GET", f"{LOG}?limitBytes=6")).body == "one\ntw"


async def test_an_error_of_the_kubelet_is_returned(server: Server) -> None:
    await server.api.create(pod())
    why = 'container "nodeapp" in pod "web" is waiting to start: ErrImagePull'
    server.kubelet.refusal = BadRequestError(why)
    response = await server.request("GET", LOG)
    assert (response.code, response.body["message"]) == (400, why)


async def test_a_pod_without_a_node_has_no_log(server: Server) -> None:
    lonely = pod()
    del lonely["spec"]["nodeName"]
    await server.api.create(lonely)
    response = await server.request("GET", LOG)
    assert response.body["message"] == "pod web does not have a host assigned"


async def test_one_of_several_containers_must_be_named(server: Server) -> None:
    both = [{"name": name, "image": "node_app:1.0"} for name in ("a", "b")]
    await server.api.create(pod(containers=both))
    response = await server.request("GET", LOG)
    assert response.body["message"] == (
        "a container name must be specified for pod web, choose one of: [a b]"
    )


async def test_an_unknown_container_is_refused(server: Server) -> None:
    await server.api.create(pod())
    response = await server.request("GET", f"{LOG}?container=nobody")
    assert (response.code, response.body["message"]) == (
        400,
        "container nobody is not valid for pod web",
    )


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
def test_log_options_are_read_from_the_query(query: dict[str, str], options: LogOptions) -> None:
    assert log_options(query, "a", NOON) == options


@pytest.mark.parametrize("query", [{"tailLines": "-1"}, {"tailLines": "x"}, {"sinceTime": "then"}])
def test_invalid_parameters_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadRequestError):
        log_options(query, "a", NOON)
