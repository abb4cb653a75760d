"""Do probes start, restart and ready a container as they should?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from canarylab.playground.kube.api import Object
from canarylab.playground.node.beside import beside
from canarylab.playground.node.checks import Target
from canarylab.playground.node.health import watch_over
from tests.waiting import until

EXEC = {"exec": {"command": ["pulse"]}, "periodSeconds": 0.01, "failureThreshold": 2}


@dataclass
class Patient:
    """Remembers what the probes said."""

    said: list[str] = field(default_factory=list)
    restarts: list[tuple[str, int | None]] = field(default_factory=list)

    def has_started(self) -> None:
        self.said.append("started")

    def is_ready(self, *, ready: bool) -> None:
        self.said.append("ready" if ready else "not ready")

    def looked_unwell(self, probe: str, message: str) -> None:
        self.said.append(f"{probe}: {message}")

    async def must_restart(self, probe: str, *, grace_s: int | None) -> None:
        self.restarts.append((probe, grace_s))


@asynccontextmanager
async def watched(
    container: Object, pulse: Callable[[], bool] = lambda: True, ip: str = "127.0.0.1"
) -> AsyncIterator[Patient]:
    """A container under watch; `pulse` is what its commands find."""

    async def run(_: list[str]) -> tuple[int, str]:
        return (0, "") if pulse() else (1, "no pulse")

    patient = Patient()
    async with beside(watch_over(container, Target(ip, container, run), patient)):
        yield patient


async def test_a_container_without_probes_is_started_and_ready_at_once() -> None:
    async with watched({}) as patient:
        await until(lambda: patient.said == ["started", "ready"])


async def test_a_container_becomes_ready_when_its_probe_says_so() -> None:
    looks = iter([False, False, True])
    async with watched({"readinessProbe": EXEC}, lambda: next(looks, True)) as patient:
        await until(lambda: "ready" in patient.said)
        unwell = ["Readiness: no pulse", "not ready"]
        assert patient.said[:6] == ["started", *unwell, *unwell, "ready"]


async def test_one_bad_look_does_not_make_it_unready_and_enough_do() -> None:
    looks = iter([True, False, True, False, False])
    async with watched({"readinessProbe": EXEC}, lambda: next(looks, False)) as patient:
        await until(lambda: "not ready" in patient.said)
        assert patient.said.count("Readiness: no pulse") == 3


async def test_liveness_restarts_after_enough_bad_looks() -> None:
    async with watched({"livenessProbe": EXEC}, lambda: False) as patient:
        await until(lambda: patient.restarts == [("liveness", None)])
        assert patient.said.count("Liveness: no pulse") == 2


async def test_a_probe_s_own_grace_period_is_passed_on() -> None:
    probe = {**EXEC, "terminationGracePeriodSeconds": 7}
    async with watched({"livenessProbe": probe}, lambda: False) as patient:
        await until(lambda: patient.restarts == [("liveness", 7)])


async def test_the_other_probes_wait_for_the_startup_probe() -> None:
    looks = iter([False, True])
    container = {"startupProbe": EXEC, "livenessProbe": EXEC, "readinessProbe": EXEC}
    async with watched(container, lambda: next(looks, True)) as patient:
        await until(lambda: "ready" in patient.said)
        assert patient.said[:2] == ["Startup: no pulse", "started"]


async def test_a_container_that_never_starts_is_restarted() -> None:
    async with watched({"startupProbe": EXEC, "readinessProbe": EXEC}, lambda: False) as patient:
        await until(lambda: patient.restarts == [("startup", None)])
        assert "started" not in patient.said


async def test_who_begins_to_listen_is_ready_long_before_the_next_period() -> None:
    """The period is longer than any test may take."""
    container = {"readinessProbe": {"tcpSocket": {"port": 3333}, "periodSeconds": 3_600}}
    async with watched(container, ip="127.95.240.5") as patient:
        await until(lambda: "not ready" in patient.said)
        async with await asyncio.start_server(
            lambda _, writer: writer.close(), "127.95.240.5", 3333
        ):
            await until(lambda: "ready" in patient.said)


async def test_early_looks_that_fail_are_neither_counted_nor_told_of() -> None:
    container = {"readinessProbe": {"tcpSocket": {"port": 3333}, "periodSeconds": 3_600}}
    accepted = asyncio.Event()
    async with watched(container, ip="127.95.240.6") as patient:
        await asyncio.sleep(0.3)  # several early looks
        assert len([words for words in patient.said if words.startswith("Readiness")]) == 1
    assert not accepted.is_set()


async def test_a_container_that_needs_several_successes_is_not_ready_after_an_early_one() -> None:
    probe = {"tcpSocket": {"port": 3333}, "periodSeconds": 3_600, "successThreshold": 2}
    async with watched({"readinessProbe": probe}, ip="127.95.240.7") as patient:
        await until(lambda: "not ready" in patient.said)
        asked = asyncio.Event()

        def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.set()
            writer.close()

        async with await asyncio.start_server(accept, "127.95.240.7", 3333):
            await until(asked.is_set)
        assert "ready" not in patient.said
