"""Processes of pods: starting them, waiting for their end, signals, exec, and the reaper.

Each is the leader of a session and a group of its own, so that a signal to the group reaches what
it started, and Ctrl-C in the daemon's terminal does not reach it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from asyncio.subprocess import Process as AsyncioProcess
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from canarylab.playground.node import pod_root, reaper
from canarylab.playground.node.logs import ContainerLog, OutputCollector
from canarylab.playground.node.mount_pod_root import Plan
from canarylab.playground.node.streams import ContainerInput, ExecStreams, Terminal, pipe_writer

_DAEMON_SHUTDOWN_GRACE_S = 1.0  # between SIGTERM and SIGKILL when the daemon ends
STARTING_S = 1.0  # until a program handles signals; the system does not tell when it begins to
_OUTPUT_DRAIN_S = 0.2  # a dead process's output is in the pipe; a descendant may keep it open
_MAX_REPORT = 4096  # bytes
_MAX_OUTPUT = 1 << 20  # bytes of a hook or a probe, more than any message shows
_PIECE, _PIECES_IN_PIPE = 1 << 16, 16  # bytes; most that the system keeps, in such pieces
_SHOWN = 256  # characters of a command in a message
_RESTART_PAUSE_S = 0.5
_POLL_S = 0.02  # only if the system has no pidfd

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Command:
    """A command line, its environment, its folder, the signal that ends it, and its root.

    With a root, all paths are those of the root. `stdin` keeps an input open, `stdin_once` until
    the first client that attached has left; `terminal` is for all three streams.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    stop_signal: int = signal.SIGTERM
    root: Plan | None = None
    stdin: bool = False
    stdin_once: bool = False
    terminal: bool = False

    @property
    def has_own_pids(self) -> bool:
        """Whether it becomes process 1 of a PID namespace."""
        return self.root is not None and self.root["own_pids"]

    def beside(self, pid: int, argv: Sequence[str], *, terminal: bool = False) -> Command:
        """Return another command for the container of this one, which runs as `pid`."""
        root = None if self.root is None else {"pid": pid, "own_pids": False}
        return replace(self, argv=argv, root=root, stdin=False, terminal=terminal)

    def variables(self) -> dict[str, str]:
        """Return the environment, with TERM if there is a terminal."""
        return ({"TERM": "xterm"} if self.terminal else {}) | dict(self.environment)


class CannotStartError(Exception):
    """The system refused to run a command; the message is in the words of a container runtime."""


class Process:
    """A running command whose output goes to a log."""

    def __init__(
        self, popen: subprocess.Popen[bytes], log: ContainerLog, *, has_own_pids: bool = False
    ) -> None:
        self._popen, self._log, self._has_own_pids = popen, log, has_own_pids
        self._started = asyncio.get_running_loop().time()
        self._collectors: list[tuple[asyncio.ReadTransport, OutputCollector]] = []
        self.input = ContainerInput(None, None, is_once=False)
        self.has_ended = asyncio.Event()

    @classmethod
    async def start(cls, command: Command, log: ContainerLog) -> Process:
        """Start a command; raise CannotStartError if the system refuses it."""
        process: Process | None = None
        terminal = Terminal() if command.terminal else None
        try:
            async with _starting(command) as start:
                start.popen = _popen(command, start, terminal)
                process = cls(start.popen, log, has_own_pids=command.has_own_pids)
                await process._connect(command, terminal)
        except BaseException:
            if process is not None:
                await process.terminate()
            if terminal is not None:
                terminal.close()
            raise
        return process

    @property
    def pid(self) -> int:
        """The process id, which is also that of its group and its session."""
        return self._popen.pid

    async def wait(self) -> int:
        """Wait for the end and the rest of the output; return the exit code.

        Its group ends with it, as all of a container ends with its first process.
        """
        code = await wait_for_exit(self._popen)
        self.signal(signal.SIGKILL)
        with suppress(TimeoutError):
            async with asyncio.timeout(_OUTPUT_DRAIN_S):  # `wait_for` may swallow a cancellation
                for _, collector in self._collectors:
                    await collector.is_done.wait()
        for transport, _ in self._collectors:
            transport.close()
        for pipe in (self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                pipe.close()  # no collector closes it if the start was cut short
        self._log.close()
        self.input.close()
        self.has_ended.set()
        return code

    async def stop(self, number: int) -> None:
        """Send the stop signal, not before the program has had time to start; wait for the end.

        Process 1 of a namespace loses a signal that it does not handle yet, and so does Node until
        its program has begun: then deleting a new pod would take its whole grace period.
        """
        if self._has_own_pids:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._started + STARTING_S):
                    await self.has_ended.wait()
        self.signal(number)
        await self.has_ended.wait()

    async def terminate(self) -> None:
        """Send SIGTERM and soon SIGKILL; for when the daemon itself ends."""
        waits = not self._has_own_pids or _handles(self.pid, signal.SIGTERM)
        self.signal(signal.SIGTERM if waits else signal.SIGKILL)
        try:
            async with asyncio.timeout(_DAEMON_SHUTDOWN_GRACE_S):
                await self.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.wait()

    def signal(self, number: int) -> None:
        """Send a signal to process 1 of the container, or to what is left of a whole group.

        The kernel ends all of a namespace with its process 1, and gives that one no signal, other
        than SIGKILL, that it does not handle.
        """
        if self._has_own_pids:
            self._popen.send_signal(number)
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _connect(self, command: Command, terminal: Terminal | None) -> None:
        if terminal is not None:
            terminal.close_slave()
            stdin = await terminal.open_input() if command.stdin else None
            self.input = ContainerInput(stdin, terminal, is_once=command.stdin_once)
            await self._collect("stdout", terminal.output())
            return
        if self._popen.stdin is not None:
            stdin = await pipe_writer(self._popen.stdin)
            self.input = ContainerInput(stdin, None, is_once=command.stdin_once)
        await self._collect("stdout", self._popen.stdout)
        await self._collect("stderr", self._popen.stderr)

    async def _collect(self, stream: str, pipe: IO[bytes] | None) -> None:
        loop = asyncio.get_running_loop()
        transport, collector = await loop.connect_read_pipe(
            lambda: OutputCollector(self._log, stream, self.input.on_output), pipe
        )
        self._collectors.append((transport, collector))


async def exec_with_streams(command: Command) -> ExecStreams:
    """Start a command with three pipes, or a terminal.

    Raise CannotStartError if the system refuses it.
    """
    if not command.terminal:
        return ExecStreams(*await _create_subprocess(command, stdin=PIPE, stdout=PIPE, stderr=PIPE))
    terminal = Terminal()
    slave = terminal.slave
    try:
        started = await _create_subprocess(command, stdin=slave, stdout=slave, stderr=slave)
        return await ExecStreams.of_terminal(*started, terminal)
    except BaseException:
        terminal.close()
        raise


async def exec_and_wait(command: Command) -> tuple[int, str]:
    """Run a command; return its exit code and output.

    Cancelling kills its whole group. What it leaves behind at its end, or in another group, is the
    container's, and nobody waits for it: asyncio waits for the end of pipes that it has made.
    """
    output = _OutputPipe()
    try:
        process, pid = await _create_subprocess(
            command, stdin=DEVNULL, stdout=output.writing, stderr=STDOUT
        )
        try:
            code = await process.wait()
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            await process.wait()
            raise
        return exit_code(code), output.text()
    finally:
        output.close()


class _OutputPipe:
    """A pipe for the output of a command; what does not fit is dropped."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._came = bytearray()
        asyncio.get_running_loop().add_reader(self._reading, self._read)

    def text(self) -> str:
        """What has come so far."""
        for _ in range(_PIECES_IN_PIPE):
            self._read()
        return self._came.decode(errors="replace")

    def close(self) -> None:
        """Stop reading."""
        asyncio.get_running_loop().remove_reader(self._reading)
        os.close(self._reading)
        os.close(self.writing)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            piece = os.read(self._reading, _PIECE)
            self._came += piece[: _MAX_OUTPUT - len(self._came)]


async def wait_for_exit(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process; return its exit code.

    A pidfd tells the event loop, so that no thread waits, and a descendant that keeps a pipe open
    delays nothing.
    """
    if process.poll() is not None:
        return exit_code(process.returncode)
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return await _poll_for_exit(process)
    try:
        await _wait_readable(pidfd)
    finally:
        os.close(pidfd)
    return exit_code(process.wait())


def exit_code(returncode: int) -> int:
    """Turn a return code into an exit code: 128 + n for signal n, as shells and Kubernetes do.

    >>> exit_code(3), exit_code(-15)
    (3, 143)
    """
    return returncode if returncode >= 0 else 128 - returncode


@asynccontextmanager
async def background_task(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a coroutine during a `with`, then cancel it; raise at the end what it raised."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()):
        raise error


class ReaperSupervisor:
    """Runs the program `reaper.py`, which kills all pods if the daemon is killed.

    The program sees the daemon's end by the end of a pipe, even after `kill -9`. Every container
    has the id of this run in its environment, by which the program finds its processes. If the
    program is killed it is started again; if both are killed at once, the next daemon of the same
    home kills what is left. A process that dropped its environment is found by its mark.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._process, self._pipe = self._start()

    @classmethod
    @asynccontextmanager
    async def running(cls, run_ids: Path) -> AsyncIterator[ReaperSupervisor]:
        """Run a reaper during a `with`; the file `run_ids` has the runs before this one."""
        reaper.kill_earlier_runs(run_ids)
        started = cls(secrets.token_hex(16))
        _write_run_id(run_ids, started.run_id)
        try:
            async with background_task(started._restart_when_killed()):
                yield started
        finally:
            await started._stop()

    def run_id_of(self, container_id: str) -> str:
        """Return the run id in a container's environment: that of this run, and its own."""
        return f"{self.run_id}/{container_id}"

    def kill_container(self, container_id: str) -> None:
        """Send the id of a container to the reaper, which kills what is left of it."""
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            # If the reaper does not read, the end of the run kills everything.
            os.write(self._pipe, f"{self.run_id_of(container_id)}\n".encode())

    def _start(self) -> tuple[subprocess.Popen[bytes], int]:
        """Start the program; the run id is in the pipe before the program reads it."""
        lines, pipe = os.pipe()
        os.set_blocking(pipe, False)
        os.write(pipe, f"{self.run_id}\n".encode())
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-E", reaper.__file__],
                stdin=lines,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the daemon's terminal must not end it
                env={},
                cwd="/",
            )
        except OSError:
            os.close(pipe)
            raise
        finally:
            os.close(lines)
        return process, pipe

    async def _restart_when_killed(self) -> None:
        while True:
            await wait_for_exit(self._process)
            try:
                process, pipe = self._start()
            except OSError as error:
                logger.warning("the reaper cannot be started now: %s", error)
                await asyncio.sleep(_RESTART_PAUSE_S)
                continue
            os.close(self._pipe)
            self._process, self._pipe = process, pipe

    async def _stop(self) -> None:
        os.close(self._pipe)
        await wait_for_exit(self._process)


@dataclass
class _Start:
    """What the system is told to start."""

    argv: list[str]
    folder: Path
    passed_on: list[int]
    popen: subprocess.Popen[bytes] | None = None
    """What was started; at the end of `_starting`, the command."""
    report: pod_root.Report = field(default_factory=pod_root.Report)


@asynccontextmanager
async def _starting(command: Command) -> AsyncIterator[_Start]:
    """Yield what starts a command; at the end, wait until its root is made and it is started."""
    if command.root is None:
        yield _Start(list(command.argv), command.folder, [])
        return
    reading, writing = os.pipe()
    plan = pod_root.write_plan(
        {**command.root, "terminal": command.terminal},
        folder=str(command.folder),
        has_ctype="LC_CTYPE" in command.environment,
        report=writing,
    )
    argv = pod_root.program(plan, command.argv)
    start = _Start(argv, Path("/"), [writing, plan])
    try:
        try:
            yield start
        finally:
            os.close(plan)
            os.close(writing)
            await _finish(_read_report(reading, start))
    finally:
        os.close(reading)
    if start.report.error is not None:
        step, number, words = start.report.error
        if step == "exec":
            raise _cannot_start(command, OSError(number, os.strerror(number)))
        raise CannotStartError(f"failed to create the container's {step}: {words}")


async def _read_report(reading: int, start: _Start) -> None:
    """Read what the program says until it has started the command, which then takes its place."""
    text = b""
    while True:
        await _wait_readable(reading)
        if not (piece := os.read(reading, _MAX_REPORT)):
            break
        text += piece
    start.report = pod_root.read_report(text.decode(errors="replace"))
    pid = start.report.pid
    if start.popen is not None and pid is not None:
        start.popen.wait()  # it ended when it had written this
        start.popen.pid, start.popen.returncode = pid, None


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Wait for work also if this is cancelled meanwhile."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _popen(
    command: Command, start: _Start, terminal: Terminal | None = None
) -> subprocess.Popen[bytes]:
    stdin = subprocess.PIPE if command.stdin else subprocess.DEVNULL
    output = subprocess.PIPE
    if terminal is not None:
        stdin = output = terminal.slave
    reaper.set_mark(command.environment.get(reaper.RUN_ID))
    try:
        return subprocess.Popen(
            start.argv,
            stdin=stdin,
            stdout=output,
            stderr=output,
            env=command.variables(),
            preexec_fn=_take_terminal(command),  # noqa: PLW1509  one ioctl
            cwd=start.folder,
            pass_fds=start.passed_on,
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        raise _cannot_start(command, error) from error
    finally:
        reaper.set_mark(None)


async def _create_subprocess(
    command: Command, *, stdin: int, stdout: int, stderr: int
) -> tuple[AsyncioProcess, int]:
    """Start a command; return what ends like it, and its own id, also that of its group."""
    process: AsyncioProcess | None = None
    start: _Start | None = None
    try:
        async with _starting(command) as start:
            process = await asyncio.create_subprocess_exec(
                *start.argv,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                env=command.variables(),
                preexec_fn=_take_terminal(command),
                cwd=start.folder,
                pass_fds=start.passed_on,
                start_new_session=True,
            )
            # Afterwards: this process must not bear the mark while it waits.
            reaper.set_mark(command.environment.get(reaper.RUN_ID), process.pid)
    except (OSError, ValueError) as error:
        raise _cannot_start(command, error) from error
    except BaseException:
        if process is not None and start is not None:
            with suppress(ProcessLookupError):
                os.killpg(start.report.pid or process.pid, signal.SIGKILL)
            await process.communicate()
        raise
    return process, start.report.pid or process.pid


def _take_terminal(command: Command) -> Callable[[], None] | None:
    """What takes the terminal in a new process, unless the program of the root does."""
    return Terminal.take if command.terminal and command.root is None else None


def _cannot_start(command: Command, error: OSError | ValueError) -> CannotStartError:
    """The error for a command; a ValueError is about a NUL or about what is not Unicode."""
    name = command.argv[0][:_SHOWN]
    if isinstance(error, ValueError):
        return CannotStartError(f'exec: "{name}": {error}')
    if command.root is None and not command.folder.is_dir():
        return CannotStartError(f'no such working directory: "{command.folder}"')
    reason = (
        "executable file not found in $PATH"
        if isinstance(error, FileNotFoundError) and "/" not in command.argv[0]
        else (error.strerror or str(error)).lower()
    )
    return CannotStartError(f'exec: "{name}": {reason}')


def _handles(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal: a bit in the mask of its status."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False  # it has ended
    mask = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(mask >> (number - 1) & 1)


async def _wait_readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    is_readable = asyncio.Event()
    loop.add_reader(descriptor, is_readable.set)
    try:
        await is_readable.wait()
    finally:
        loop.remove_reader(descriptor)


async def _poll_for_exit(process: subprocess.Popen[bytes]) -> int:
    while process.poll() is None:
        await asyncio.sleep(_POLL_S)
    return exit_code(process.wait())


def _write_run_id(run_ids: Path, run_id: str) -> None:
    """Replace the earlier ids: their processes have just been killed."""
    run_ids.parent.mkdir(parents=True, exist_ok=True)
    run_ids.touch(mode=0o600)
    run_ids.write_text(f"{run_id}\n")
