"""One run of a container: its hooks, its probes, and how it is brought to an end."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from canarylab.playground.kube.api import Object
from canarylab.playground.node import inside
from canarylab.playground.node.beside import beside
from canarylab.playground.node.checks import Target
from canarylab.playground.node.health import watch_over
from canarylab.playground.node.hooks import run_hook
from canarylab.playground.node.process import CannotStartError, Command, Process
from canarylab.playground.node.records import Record
from canarylab.playground.node.tools import Place

SHORTEST_GRACE_S = 2.0  # between SIGTERM and SIGKILL, whatever was asked; as in Kubernetes
_NOT_FOUND = 127


class Owner(Protocol):
    """The container whose run this is."""

    record: Record

    @property
    def name(self) -> str: ...

    def becomes(self, record: Record) -> None: ...

    def say(self, reason: str, message: str, *, type: str = "Normal") -> None: ...


class Run:
    """Sees a process through, and can end it."""

    def __init__(
        self, owner: Owner, place: Place, spec: Object, command: Command, process: Process
    ) -> None:
        self._owner, self._spec, self._process = owner, spec, process
        self._grace_s: int = place.pod["spec"].get("terminationGracePeriodSeconds", 30)
        self._target = Target(place.ip, spec, self._run_inside)
        self._patience: asyncio.Timeout | None = None
        self._deadline = math.inf
        self.command = command

    async def to_its_end(self) -> int:
        """Its exit code. If this is cancelled, the process is ended quickly."""
        try:
            async with beside(self._look_after()):
                return await self._process.wait()
        finally:
            if not self._process.has_ended.is_set():
                await self._process.end_quickly()

    async def end(self, grace_s: float) -> None:
        """First preStop, then the stop signal, and when the time is over SIGKILL."""
        now = asyncio.get_running_loop().time
        self._deadline = now() + grace_s
        await self._in_time(self._run_pre_stop())
        self._process.signal(self.command.stop_signal)
        self._deadline = max(self._deadline, now() + SHORTEST_GRACE_S)
        await self._in_time(self._process.has_ended.wait())
        self._process.signal(signal.SIGKILL)
        await self._process.has_ended.wait()

    def hasten(self, grace_s: float) -> None:
        """The end must come within this time, if it was not to come sooner."""
        end = asyncio.get_running_loop().time() + grace_s
        patience = self._patience
        if patience is not None and end < self._deadline and not patience.expired():
            self._deadline = end
            patience.reschedule(end)

    async def _in_time(self, work: Coroutine[Any, Any, object]) -> None:
        """Until it is done or the deadline has come, which may move."""
        with suppress(TimeoutError):
            self._patience = asyncio.timeout_at(self._deadline)
            async with self._patience:
                await work
        self._patience = None

    # What the probes tell.

    def has_started(self) -> None:
        """The startup probe is content, or there is none."""
        self._owner.becomes(replace(self._owner.record, has_started=True))

    def is_ready(self, *, ready: bool) -> None:
        """The readiness probe says so."""
        self._owner.becomes(replace(self._owner.record, is_ready=ready))

    def looked_unwell(self, probe: str, message: str) -> None:
        """One look failed."""
        self._owner.say("Unhealthy", f"{probe} probe failed: {message}", type="Warning")

    async def must_restart(self, probe: str, *, grace_s: int | None) -> None:
        """Enough looks failed; end this run, and the container starts another."""
        name = self._owner.name
        self._owner.say("Killing", f"Container {name} failed {probe} probe, will be restarted")
        await self.end(self._grace_s if grace_s is None else grace_s)

    async def _look_after(self) -> None:
        hook = await run_hook(self._spec, "postStart", self._target)
        if not hook.is_good:
            self._owner.say("FailedPostStartHook", "PostStartHook failed", type="Warning")
            await self.end(self._grace_s)
            return
        await watch_over(self._spec, self._target, self)

    async def _run_pre_stop(self) -> None:
        hook = await run_hook(self._spec, "preStop", self._target)
        if not hook.is_good:
            self._owner.say("FailedPreStopHook", "PreStopHook failed", type="Warning")

    async def _run_inside(self, words: list[str]) -> tuple[int, str]:
        try:
            return await inside.run(Command(words, self.command.environment, self.command.folder))
        except CannotStartError as refusal:
            return _NOT_FOUND, str(refusal)
