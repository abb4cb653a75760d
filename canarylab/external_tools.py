"""Every call of the programs docker, kind and kubectl.

No other module starts them, so a test can replace them here, or put stand-ins on PATH.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Literal

from canarylab.errors import SetupError, ToolFailedError, ToolMissingError

Tool = Literal["docker", "kind", "kubectl"]

ANSWER_TIMEOUT_S = 30.0  # of `run`; what builds or loads has no limit of its own
END_TIMEOUT_S = 10.0
LAST_LINES = 15  # of a failed program; a line that says ERROR takes the place of a later one

WHERE_TO_GET: Mapping[Tool, str] = {
    "docker": "Install it from https://docs.docker.com/get-docker/.",
    "kind": "Install it from https://kind.sigs.k8s.io/docs/user/quick-start/#installation.",
    "kubectl": "Install it from https://kubernetes.io/docs/tasks/tools/.",
}


def find(tool: Tool) -> Path | None:
    """The program's path, or None if it is not installed."""
    found = shutil.which(tool)
    return Path(found) if found else None


def run(
    tool: Tool, *arguments: str, timeout_s: float = ANSWER_TIMEOUT_S
) -> subprocess.CompletedProcess[str]:
    """Run the program and wait for it, whatever its exit status.

    Raises ToolMissingError if the program is not installed, and ToolFailedError if it does not
    end in time.
    """
    command = _command(tool, arguments)
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=timeout_s,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as exc:
        output = f"It did not answer within {timeout_s:.0f} s."
        raise ToolFailedError([tool, *arguments], status=None, output=output) from exc


def check_output(tool: Tool, *arguments: str) -> str:
    """What the program writes to stdout; raise ToolFailedError if its exit status is not 0."""
    done = run(tool, *arguments)
    if done.returncode:
        output = _last_lines(done.stderr.splitlines() or done.stdout.splitlines())
        raise ToolFailedError([tool, *arguments], status=done.returncode, output=output)
    return done.stdout


def stream(
    tool: Tool,
    *arguments: str,
    report: Callable[[str], None],
    env: Mapping[str, str] | None = None,
    pass_fds: Collection[int] = (),
) -> None:
    """Run the program to its end without a time limit; `report` gets each line that it writes.

    Raises ToolFailedError, with the last lines and those that say ERROR, if its exit status is
    not 0. Whatever interrupts the wait, Ctrl-C included, first ends the program and those that it
    started. They inherit the file descriptors in `pass_fds`: a lock among them is held until
    the last has ended, even if this process is killed.
    """
    kept: list[str] = []
    with subprocess.Popen(
        _command(tool, arguments),
        env=None if env is None else {**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches this process first, which then ends the program
        pass_fds=tuple(pass_fds),
        text=True,
        errors="replace",
    ) as process:
        try:
            _report_lines(process.stdout, report, kept)
            status = process.wait()
        except BaseException:
            _terminate(process)
            raise
    if status:
        raise ToolFailedError([tool, *arguments], status=status, output=_last_lines(kept))


@contextmanager
def running(tool: Tool, *arguments: str, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program for the length of a `with` block; it writes to the file `output`."""
    command = _command(tool, arguments)
    with (
        output.open("wb") as file,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # as in `stream`
        ) as process,
    ):
        try:
            yield process
        finally:
            _terminate(process)


def keep(kept: list[str], line: str) -> None:
    """Add a line of output, and drop another if there are too many.

    kind writes the error first, then all that kubeadm has said.

    >>> kept = [f"line {number}" for number in range(LAST_LINES)]
    >>> kept[0] = "ERROR: failed to create cluster"
    >>> keep(kept, "the last line")
    >>> kept[0], kept[1], kept[-1], len(kept)
    ('ERROR: failed to create cluster', 'line 2', 'the last line', 15)
    """
    kept.append(line)
    if len(kept) > LAST_LINES:
        del kept[next((index for index, each in enumerate(kept) if "ERROR" not in each), 1)]


def _report_lines(lines: IO[str] | None, report: Callable[[str], None], kept: list[str]) -> None:
    for line in lines or ():
        text = line.rstrip("\n")
        keep(kept, text)
        report(text)


def _terminate(process: subprocess.Popen[Any]) -> None:
    """End the program's process group: kind leaves a `docker pull` of its own behind."""
    _signal_group(process, signal.SIGTERM)
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        pass
    finally:  # also when a second Ctrl-C ends the wait
        _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[Any], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _command(tool: Tool, arguments: Collection[str]) -> list[str]:
    program = find(tool)
    if program is None:
        raise ToolMissingError(tool, WHERE_TO_GET[tool])
    if not os.access(program, os.X_OK):
        raise SetupError(f"{program} cannot be run. Make it executable, or install {tool} again.")
    return [str(program), *arguments]


def _last_lines(lines: Collection[str]) -> str:
    return "\n".join([line for line in lines if line.strip()][-LAST_LINES:])
