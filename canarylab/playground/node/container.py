"""One container of a pod: from its image to its end, and over again.

What happens in the course of one run, hooks and probes and the end, is in `run.py`.
"""

from __future__ import annotations

import asyncio
import secrets
from asyncio.subprocess import Process as Guest
from collections.abc import Sequence

from canarylab.errors import BadRequestError
from canarylab.playground.images import Image
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import key_of, uid_of
from canarylab.playground.node import inside
from canarylab.playground.node.durations import in_words
from canarylab.playground.node.environment import ConfigError
from canarylab.playground.node.launch import command_for
from canarylab.playground.node.process import CannotStartError, Command, Process
from canarylab.playground.node.pulling import Pull
from canarylab.playground.node.records import RUNTIME, Record, Running, Terminated, Waiting
from canarylab.playground.node.restarts import is_restarted
from canarylab.playground.node.run import Run
from canarylab.playground.node.runlogs import RunLogs
from canarylab.playground.node.tools import Place, Tools

_LOOK_AGAIN_S = 2.0  # for a ConfigMap that is not there
_CANNOT_START = 128  # the exit code of a container that never ran


class Container:
    """Runs one container of a pod as often as its restartPolicy says."""

    def __init__(self, tools: Tools, place: Place, spec: Object, record: Record) -> None:
        self._tools, self._place, self._spec = tools, place, spec
        self.record = record
        self.logs = RunLogs(tools.folder_of(place.pod) / spec["name"])
        self._run: Run | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False

    @property
    def name(self) -> str:
        """Its name within the pod."""
        return self.record.name

    async def run(self) -> None:
        """Until it has ended for good, or is stopped, or is cancelled."""
        self._task = asyncio.current_task()
        policy = self._place.pod["spec"].get("restartPolicy", "Always")
        delay_s: float | None = None
        while not self._is_stopping:
            if isinstance(end := self.record.state, Terminated):
                if not is_restarted(policy, end.exit_code):
                    return
                delay_s = self._tools.delays.next(delay_s, ran_s=end.ran_s)
                await self._back_off(end, delay_s)
            await self._run_once()

    async def stop(self, grace_s: float) -> None:
        """End it for good, giving it this long; return when it has ended."""
        self._is_stopping = True
        if self._run is not None:
            self.say("Killing", f"Stopping container {self.name}")
            await self._run.end(grace_s)
        elif self._task is not None:
            self._task.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])

    def hasten(self, grace_s: float) -> None:
        """It is being stopped, and has less time than was said."""
        if self._run is not None:
            self._run.hasten(grace_s)

    async def execute(self, words: Sequence[str]) -> Guest:
        """Start one more command in it, with three pipes."""
        if self._run is None:
            raise BadRequestError(f'container not found ("{self.name}")')
        here = self._run.command
        try:
            return await inside.start(Command(words, here.environment, here.folder))
        except CannotStartError as refusal:
            raise BadRequestError(str(refusal)) from refusal

    def say(self, reason: str, message: str, *, type: str = "Normal") -> None:
        """Record an event about it."""
        pod = self._place.pod
        self._tools.recorder.say(pod, reason, message, type=type, container=self.name)

    def becomes(self, record: Record) -> None:
        """Its record changes, and with it the pod's status."""
        if record != self.record:
            self.record = record
            self._place.changed()

    async def _run_once(self) -> None:
        image = await Pull(self._tools.home.images, self.record.image, self.say, self._wait).image()
        container_id = secrets.token_hex(32)
        command = await self._command(image, container_id)
        record = self.record.running(
            self._tools.now(), image_id=image.id, container_id=f"{RUNTIME}://{container_id}"
        )
        log = self.logs.begin(record.restarts)
        self.say("Created", "Container created")
        try:
            process = await Process.start(command, log)
        except CannotStartError as refusal:
            log.close()
            self.say("Failed", f"Error: {refusal}", type="Warning")
            self._ends(record, _CANNOT_START, "StartError", str(refusal))
            return
        self.becomes(record)
        self.say("Started", "Container started")
        exit_code = await self._see_through(Run(self, self._place, self._spec, command, process))
        self._tools.guard.sweep(container_id)
        self._ends(self.record, exit_code, "Error" if exit_code else "Completed")

    async def _see_through(self, run: Run) -> int:
        self._run = run
        try:
            return await run.to_its_end()
        finally:
            self._run = None

    async def _command(self, image: Image, container_id: str) -> Command:
        while True:
            try:
                return await command_for(self._tools, self._place, self._spec, image, container_id)
            except ConfigError as problem:
                waiting = Waiting("CreateContainerConfigError", str(problem))
            if waiting != self.record.state:
                self.say("Failed", f"Error: {waiting.message}", type="Warning")
                self._wait(waiting)
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _back_off(self, end: Terminated, delay_s: float) -> None:
        left_s = delay_s - (self._tools.now() - end.finished).total_seconds()
        if left_s <= 0:
            return
        pod = self._place.pod
        whole_name = f"{pod['metadata']['name']}_{key_of(pod).namespace}({uid_of(pod)})"
        self.say(
            "BackOff",
            f"Back-off restarting failed container {self.name} in pod {whole_name}",
            type="Warning",
        )
        message = (
            f"back-off {in_words(delay_s)} restarting failed container={self.name} pod={whole_name}"
        )
        self._wait(Waiting("CrashLoopBackOff", message))
        await asyncio.sleep(left_s)

    def _wait(self, waiting: Waiting) -> None:
        self.becomes(self.record.waiting(waiting))

    def _ends(self, record: Record, exit_code: int, reason: str, message: str = "") -> None:
        now = self._tools.now()
        started = record.state.started if isinstance(record.state, Running) else now
        end = Terminated(exit_code, reason, started, now, record.container_id, message)
        self.becomes(record.terminated(end))
