"""Is the container started, alive and ready? Runs its probes for as long as it runs.

One thing is not as in a real kubelet. There, after a first look that failed, the next comes a
period later, so that a container which is ready after a fifth of a second may count as ready after
ten. Here, in its first ten seconds and until a startup or readiness probe has succeeded once, the
container is asked many times a second between the regular looks. Such an early look can only do
good: when it fails, it is neither counted nor told of.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple, Protocol

from canarylab.playground.kube.api import Object
from canarylab.playground.node.checks import WELL, Finding, Target, check
from canarylab.playground.node.probes import EAGER_FOR_S, Probe, Streak, pause_between_looks


class Patient(Protocol):
    """Whoever the probes are about."""

    def has_started(self) -> None: ...

    def is_ready(self, *, ready: bool) -> None: ...

    def looked_unwell(self, probe: str, message: str) -> None:
        """One regular look failed; `probe` is "Readiness", "Liveness" or "Startup"."""
        ...

    async def must_restart(self, probe: str, *, grace_s: int | None) -> None:
        """Enough looks failed."""
        ...


class Look(NamedTuple):
    """What one look found, and what is believed since."""

    finding: Finding
    verdict: bool | None


async def watch_over(container: Object, target: Target, patient: Patient) -> None:
    """Until cancelled, or until the container must be restarted."""
    if "startupProbe" in container and not await _starts(container, target, patient):
        return
    patient.has_started()
    async with asyncio.TaskGroup() as tasks:
        if "livenessProbe" in container:
            tasks.create_task(_keep_alive(Probe.of(container["livenessProbe"]), target, patient))
        if "readinessProbe" in container:
            tasks.create_task(_keep_ready(Probe.of(container["readinessProbe"]), target, patient))
        else:
            patient.is_ready(ready=True)


async def looks(probe: Probe, target: Target, *, is_eager: bool) -> AsyncGenerator[Look, None]:
    """One look after the other, for ever."""
    clock = asyncio.get_running_loop()
    await asyncio.sleep(probe.delay_s)
    began, streak, was_good = clock.time(), Streak(), False
    while True:
        due = clock.time() + probe.period_s
        finding = await check(probe.how, target, timeout_s=probe.timeout_s)
        was_good, streak = was_good or finding.is_good, streak.after(probe, good=finding.is_good)
        yield Look(finding, streak.verdict)
        if is_eager and not was_good and await _early_success(probe, target, began, due):
            was_good, streak = True, streak.after(probe, good=True)
            yield Look(WELL, streak.verdict)
        await asyncio.sleep(due - clock.time())


async def _early_success(probe: Probe, target: Target, began: float, due: float) -> bool:
    """Does it answer before the next regular look is due? A command is too dear to ask often."""
    clock = asyncio.get_running_loop()
    if "exec" in probe.how:
        return False
    while (age_s := clock.time() - began) < EAGER_FOR_S:
        pause_s = pause_between_looks(age_s)
        if clock.time() + pause_s >= due:
            return False
        await asyncio.sleep(pause_s)
        if (await check(probe.how, target, timeout_s=probe.timeout_s)).is_good:
            return True
    return False


async def _starts(container: Object, target: Target, patient: Patient) -> bool:
    probe = Probe.of(container["startupProbe"])
    async with aclosing(looks(probe, target, is_eager=True)) as found:
        async for look in found:
            _tell(patient, "Startup", look)
            if look.verdict is not None:
                break
    if not look.verdict:
        await patient.must_restart("startup", grace_s=probe.grace_s)
    return bool(look.verdict)


async def _keep_alive(probe: Probe, target: Target, patient: Patient) -> None:
    async with aclosing(looks(probe, target, is_eager=False)) as found:
        async for look in found:
            _tell(patient, "Liveness", look)
            if look.verdict is False:
                await patient.must_restart("liveness", grace_s=probe.grace_s)
                return


async def _keep_ready(probe: Probe, target: Target, patient: Patient) -> None:
    async with aclosing(looks(probe, target, is_eager=True)) as found:
        async for look in found:
            _tell(patient, "Readiness", look)
            patient.is_ready(ready=bool(look.verdict))


def _tell(patient: Patient, probe: str, look: Look) -> None:
    if not look.finding.is_good:
        patient.looked_unwell(probe, look.finding.message)
