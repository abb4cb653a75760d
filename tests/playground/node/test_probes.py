"""Tests of probes, and of what their results lead to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise, product

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.node import probes
from canarylab.playground.node.probes import (
    SUCCESS,
    Probe,
    ProbeHistory,
    ProbeResult,
    ProbeTarget,
    early_probe_interval_s,
    probe_once,
    run_probes,
)
from canarylab.playground.node.process import background_task
from canarylab.ports import unused
from tests.needs import needs
from tests.waiting import until

SEQUENCES = [results for length in range(1, 9) for results in product((True, False), repeat=length)]
THRESHOLDS = list(product((1, 2, 3), repeat=2))


def outcomes(probe: Probe, results: tuple[bool, ...]) -> list[bool | None]:
    """The outcome after each result."""
    history, found = ProbeHistory(), []
    for success in results:
        history = history.after(probe, success=success)
        found.append(history.outcome)
    return found


def test_the_outcome_changes_after_threshold_equal_results() -> None:
    for (successes, failures), results in product(THRESHOLDS, SEQUENCES):
        probe = Probe({}, success_threshold=successes, failure_threshold=failures)
        expected, run = None, 0
        for before, success in pairwise((None, *results)):
            run = run + 1 if success == before else 1
            expected = success if run >= (successes if success else failures) else expected
        assert outcomes(probe, results)[-1] is expected


def test_a_probe_without_numbers_has_those_of_kubernetes() -> None:
    assert Probe.of({"tcpSocket": {}}) == Probe(
        {"tcpSocket": {}},
        initial_delay_s=0,
        period_s=10,
        timeout_s=1,
        success_threshold=1,
        failure_threshold=3,
    )


def test_early_probes_are_frequent_and_become_rarer() -> None:
    pauses = [early_probe_interval_s(tenths / 10) for tenths in range(100)]
    assert pauses[0] == 0.05
    assert all(later >= earlier for earlier, later in pairwise(pauses))


EXEC = {"exec": {"command": ["pulse"]}, "periodSeconds": 0.01, "failureThreshold": 2}


@dataclass
class RecordingHandler:
    """Records the results of probes."""

    results: list[str] = field(default_factory=list)
    restarts: list[tuple[str, int | None]] = field(default_factory=list)

    def on_started(self) -> None:
        self.results.append("started")

    def on_readiness(self, *, ready: bool) -> None:
        self.results.append("ready" if ready else "not ready")

    def on_failure(self, probe: str, message: str) -> None:
        self.results.append(f"{probe}: {message}")

    async def stop_for_restart(self, probe: str, *, grace_period_s: int | None) -> None:
        self.restarts.append((probe, grace_period_s))


@asynccontextmanager
async def watched(
    container: Object, pulse: Callable[[], bool] = lambda: True, ip: str = "127.0.0.1"
) -> AsyncIterator[RecordingHandler]:
    """Run the probes of a container; `pulse` is what its commands find."""

    async def run(_: list[str]) -> tuple[int, str]:
        return (0, "") if pulse() else (1, "no pulse")

    handler = RecordingHandler()
    async with background_task(run_probes(container, ProbeTarget(ip, container, run), handler)):
        yield handler


async def test_a_container_without_probes_is_ready_when_it_has_run_for_a_moment() -> None:
    async with watched({}) as handler:
        await until(lambda: handler.results == ["started"])
        await until(lambda: handler.results == ["started", "ready"])


async def test_after_a_startup_probe_a_container_is_ready_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probes, "RELIST_S", 600)
    async with watched({"startupProbe": EXEC}) as handler:
        await until(lambda: handler.results == ["started", "ready"])


async def test_a_container_becomes_ready_when_its_probe_says_so() -> None:
    results = iter([False, False, True])
    async with watched({"readinessProbe": EXEC}, lambda: next(results, True)) as handler:
        await until(lambda: "ready" in handler.results)
        unwell = ["Readiness: no pulse", "not ready"]
        assert handler.results[:6] == ["started", *unwell, *unwell, "ready"]


async def test_one_failure_does_not_make_a_container_unready_and_enough_do() -> None:
    results = iter([True, False, True, False, False])
    async with watched({"readinessProbe": EXEC}, lambda: next(results, False)) as handler:
        await until(lambda: "not ready" in handler.results)
        assert handler.results.count("Readiness: no pulse") == 3


async def test_liveness_restarts_after_enough_failures() -> None:
    async with watched({"livenessProbe": EXEC}, lambda: False) as handler:
        await until(lambda: handler.restarts == [("liveness", None)])
        assert handler.results.count("Liveness: no pulse") == 2


async def test_a_probe_s_own_grace_period_is_passed_on() -> None:
    probe = {**EXEC, "terminationGracePeriodSeconds": 7}
    async with watched({"livenessProbe": probe}, lambda: False) as handler:
        await until(lambda: handler.restarts == [("liveness", 7)])


async def test_the_other_probes_wait_for_the_startup_probe() -> None:
    results = iter([False, True])
    container = {"startupProbe": EXEC, "livenessProbe": EXEC, "readinessProbe": EXEC}
    async with watched(container, lambda: next(results, True)) as handler:
        await until(lambda: "ready" in handler.results)
        assert handler.results[:2] == ["Startup: no pulse", "started"]


async def test_a_container_that_never_starts_is_restarted() -> None:
    async with watched({"startupProbe": EXEC, "readinessProbe": EXEC}, lambda: False) as handler:
        await until(lambda: handler.restarts == [("startup", None)])
        assert "started" not in handler.results


@needs("linux")
async def test_a_container_that_begins_to_listen_is_ready_before_the_next_period() -> None:
    """The period is longer than any test may take."""
    container = {"readinessProbe": {"tcpSocket": {"port": 3333}, "periodSeconds": 3_600}}
    async with watched(container, ip="127.95.240.5") as handler:
        await until(lambda: "not ready" in handler.results)
        async with await asyncio.start_server(
            lambda _, writer: writer.close(), "127.95.240.5", 3333
        ):
            await until(lambda: "ready" in handler.results)


async def test_early_probes_that_fail_are_neither_counted_nor_reported() -> None:
    container = {"readinessProbe": {"tcpSocket": {"port": 3333}, "periodSeconds": 3_600}}
    accepted = asyncio.Event()
    async with watched(container, ip="127.95.240.6") as handler:
        await asyncio.sleep(0.3)  # several early probes
        assert len([words for words in handler.results if words.startswith("Readiness")]) == 1
    assert not accepted.is_set()


@needs("linux")
async def test_a_container_that_needs_several_successes_is_not_ready_after_an_early_one() -> None:
    probe = {"tcpSocket": {"port": 3333}, "periodSeconds": 3_600, "successThreshold": 2}
    async with watched({"readinessProbe": probe}, ip="127.95.240.7") as handler:
        await until(lambda: "not ready" in handler.results)
        asked = asyncio.Event()

        def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.set()
            writer.close()

        async with await asyncio.start_server(accept, "127.95.240.7", 3333):
            await until(asked.is_set)
        assert "ready" not in handler.results


IP = "127.0.0.1"


async def nothing_runs(_: list[str]) -> tuple[int, str]:
    return 0, ""


def target(run: Callable[[list[str]], Awaitable[tuple[int, str]]] = nothing_runs) -> ProbeTarget:
    return ProbeTarget(IP, {"ports": [{"name": "http", "containerPort": 3333}]}, run)


@asynccontextmanager
async def server(answer: bytes | None, requests: list[bytes] | None = None) -> AsyncIterator[int]:
    """Answers every request so, or keeps silent; its port."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        request = await reader.read(1_000)
        if requests is not None:
            requests.append(request)
        if answer is not None:
            writer.write(answer)
            writer.close()

    async with await asyncio.start_server(serve, IP, 0) as listening:
        yield listening.sockets[0].getsockname()[1]
        for writer in writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


async def http(port: int | str, timeout_s: float = 5.0, **action: object) -> ProbeResult:
    return await probe_once({"httpGet": {"port": port, **action}}, target(), timeout_s=timeout_s)


@pytest.mark.parametrize("status", [200, 204, 301, 302, 399])
async def test_two_and_three_hundreds_are_success(status: int) -> None:
    async with server(b"HTTP/1.1 %d X\r\n\r\n" % status) as port:
        assert await http(port) == SUCCESS


@pytest.mark.parametrize("status", [199, 400, 404, 500, 503])
async def test_other_statuses_are_failures(status: int) -> None:
    async with server(b"HTTP/1.1 %d X\r\n\r\n" % status) as port:
        assert await http(port) == ProbeResult(
            False, f"HTTP probe failed with statuscode: {status}"
        )


async def test_a_refused_connection_is_a_failure() -> None:
    port = unused()
    assert (await http(port, path="/healthz")).message == (
        f'Get "http://{IP}:{port}/healthz": dial tcp {IP}:{port}: connect: connection refused'
    )


async def test_a_slow_response_is_a_failure() -> None:
    async with server(None) as port:
        found = await http(port, timeout_s=0.05)
    assert found.message == (
        f'Get "http://{IP}:{port}/": '
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    )


@pytest.mark.parametrize("answer", [b"", b"\n", b"not http at all\n", b"x" * 70_000])
async def test_a_response_that_is_not_http_is_an_end_of_file(answer: bytes) -> None:
    async with server(answer) as port:
        assert await http(port) == ProbeResult(False, f'Get "http://{IP}:{port}/": EOF')


async def test_the_request_has_the_user_agent_and_the_headers() -> None:
    requests: list[bytes] = []
    async with server(b"HTTP/1.1 200 OK\r\n\r\n", requests) as port:
        await http(port, path="x?y=1", httpHeaders=[{"name": "X-Canary", "value": "always"}])
    lines = requests[0].decode().splitlines()
    assert lines[0] == "GET /x?y=1 HTTP/1.1"
    assert {f"Host: {IP}:{port}", "User-Agent: kube-probe/1.36", "X-Canary: always"} <= set(lines)


async def test_an_unknown_port_name_is_a_failure() -> None:
    assert await http("nobody") == ProbeResult(False, "couldn't find port: nobody in container")


async def test_a_listening_socket_is_success() -> None:
    async with server(b"") as port:
        assert await probe_once({"tcpSocket": {"port": port}}, target(), timeout_s=5) == SUCCESS


async def test_a_socket_that_does_not_listen_is_a_failure() -> None:
    port = unused()
    found = await probe_once({"tcpSocket": {"port": port}}, target(), timeout_s=5)
    assert found.message == f"dial tcp {IP}:{port}: connect: connection refused"


@pytest.mark.parametrize(("code", "found"), [(0, SUCCESS), (1, ProbeResult(False, "no pulse"))])
async def test_a_command_succeeds_with_exit_code_zero(code: int, found: ProbeResult) -> None:
    async def run(_: list[str]) -> tuple[int, str]:
        return code, "no pulse"

    action: Object = {"exec": {"command": ["pulse"]}}
    assert await probe_once(action, target(run), timeout_s=5) == found


async def test_a_command_that_takes_too_long_is_a_failure() -> None:
    async def run(_: list[str]) -> tuple[int, str]:
        await asyncio.Event().wait()
        return 0, ""

    found = await probe_once({"exec": {"command": ["a", "b"]}}, target(run), timeout_s=0.01)
    assert found.message == 'command timed out: "a b" timed out after 0.01s'


async def test_grpc_is_refused_with_a_remedy() -> None:
    found = await probe_once({"grpc": {"port": 1}}, target(), timeout_s=5)
    assert "use httpGet, tcpSocket or exec" in found.message


@pytest.mark.parametrize("host", ["x" * 300, "a\x00b", "xn--" + "é" * 70, "\ud800"])
@pytest.mark.parametrize("kind", ["tcpSocket", "httpGet"])
async def test_a_host_that_is_none_is_a_failure(kind: str, host: str) -> None:
    action: Object = {kind: {"host": host, "port": 3333}}
    assert not (await probe_once(action, target(), timeout_s=5)).is_success
