"""Tests of whose answer a probe counts, where pods share the network of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from canarylab.kube_objects import Object, is_ready
from canarylab.playground.node import listeners
from canarylab.playground.node.listeners import PodListeners
from canarylab.ports import unused
from tests.needs import needs
from tests.playground.node.node_fixture import node, pod, python, shell
from tests.waiting import until

pytestmark = needs("linux")

IP = "127.64.3.7"
SERVER = (
    "import http.server as h; h.SimpleHTTPRequestHandler.do_GET = lambda s: s.send_error(404)\n"
    "h.HTTPServer(('0.0.0.0', {port}), h.SimpleHTTPRequestHandler).serve_forever()"
)


@pytest.fixture(params=["0.0.0.0", "::"])
def elsewhere(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port on which a program of no pod listens, on all addresses of the machine."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    kind = {"dualstack_ipv6": True} if family == socket.AF_INET6 else {}
    with closing(socket.create_server((request.param, 0), family=family, **kind)) as server:
        yield server.getsockname()[1]


def probed(container: Object, port: int, action: str = "tcpSocket") -> Object:
    """The container with a readiness probe of a port."""
    probe = {action: {"port": port}, "periodSeconds": 1, "failureThreshold": 1}
    return {**container, "readinessProbe": probe}


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("tcpSocket", "dial tcp {ip}:{port}: connect: connection refused"),
        (
            "httpGet",
            'Get "http://{ip}:{port}/": dial tcp {ip}:{port}: connect: connection refused',
        ),
    ],
)
async def test_a_pod_that_opens_no_port_is_not_ready_because_another_program_answers(
    tmp_path: Path, elsewhere: int, action: str, words: str
) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(probed(shell("sleep 600"), elsewhere, action)))
        await until(lambda: here.messages("Unhealthy"))
        found = await here.pod()
        assert not is_ready(found)
        refused = words.format(ip=found["status"]["podIP"], port=elsewhere)
        assert set(await here.messages("Unhealthy")) == {f"Readiness probe failed: {refused}"}


async def test_of_two_pods_the_one_that_listens_on_all_addresses_is_ready(tmp_path: Path) -> None:
    port = unused()
    async with node(tmp_path) as here:
        await here.api.put(pod(probed(python(SERVER.format(port=port)), port)))
        await here.ready()
        await here.api.put(pod(probed(shell("sleep 600"), port), name="web-2"))

        async def is_refused() -> bool:
            ip = (await here.pod("web-2")).get("status", {}).get("podIP", "none")
            return any(f"dial tcp {ip}" in words for words in await here.messages("Unhealthy"))

        await until(is_refused)
        assert not is_ready(await here.pod("web-2"))


@pytest.mark.parametrize("start", ["{command} & wait", "setsid -f {command}; sleep 600"])
async def test_a_server_that_the_container_started_is_the_pod_s(tmp_path: Path, start: str) -> None:
    port = unused()
    words = python(SERVER.format(port=port))["command"]
    command = " ".join([*words[:-1], f'"{words[-1]}"'])
    async with node(tmp_path) as here:
        await here.api.put(pod(probed(shell(start.format(command=command)), port)))
        await here.ready()


async def test_a_container_is_asked_on_the_port_of_another_of_its_pod(tmp_path: Path) -> None:
    port = unused()
    server = {**python(SERVER.format(port=port)), "name": "server"}
    async with node(tmp_path) as here:
        await here.api.put(pod(probed(shell("sleep 600"), port), server))
        await here.ready()


async def test_another_host_that_a_probe_names_may_answer(tmp_path: Path, elsewhere: int) -> None:
    container = probed(shell("sleep 600"), elsewhere)
    container["readinessProbe"]["tcpSocket"]["host"] = "127.0.0.1"
    async with node(tmp_path) as here:
        await here.api.put(pod(container))
        await here.ready()


async def test_where_nothing_is_known_of_a_process_any_answer_counts(
    monkeypatch: pytest.MonkeyPatch, elsewhere: int
) -> None:
    def refused(_: int) -> set[int]:
        raise PermissionError

    of_pod = PodListeners(IP)
    with of_pod.running(0, "no run"):  # no process has this id
        assert not await of_pod.can_answer(elsewhere)
        monkeypatch.setattr(listeners, "_sockets_of", refused)
        assert await of_pod.can_answer(elsewhere)
        monkeypatch.undo()
        monkeypatch.setattr(listeners, "listening_sockets", lambda *_: None)
        assert await of_pod.can_answer(elsewhere)
