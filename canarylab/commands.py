"""Every call to docker, podman, kind and kubectl.

Nothing else in the package starts these programs, so what they are asked can be read here and in
the few places that call here, and a test can put a stand-in of its own on PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import IO, Literal, NamedTuple

from canarylab.errors import SetupError, ToolFailedError, ToolMissingError

Tool = Literal["docker", "podman", "kind", "kubectl"]

ANSWER_TIMEOUT_S = 30.0  # for a question; what builds or loads has no limit of its own
END_TIMEOUT_S = 10.0
LAST_LINES = 15

WHERE_TO_GET: Mapping[Tool, str] = {
    "docker": "Install it from https://docs.docker.com/get-docker/.",
    "podman": "Install it from https://podman.io/docs/installation.",
    "kind": "Install it from https://kind.sigs.k8s.io/docs/user/quick-start/#installation.",
    "kubectl": "Install it from https://kubernetes.io/docs/tasks/tools/.",
}


class Finished(NamedTuple):
    """A program that has ended."""

    status: int
    output: str
    """What it wrote to stdout."""
    complaint: str
    """What it wrote to stderr."""

    @property
    def succeeded(self) -> bool:
        """Whether it ended with exit status 0."""
        return self.status == 0


def find(tool: Tool) -> Path | None:
    """Where the program lies, or None where it is not installed."""
    found = shutil.which(tool)
    return Path(found) if found else None


def asked(
    tool: Tool,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    timeout_s: float = ANSWER_TIMEOUT_S,
) -> Finished:
    """Ask a question and wait for the answer, whatever its exit status.

    Raises ToolMissingError where the program is not installed, and ToolFailedError where it does
    not end in time.
    """
    command = _command(tool, arguments)
    try:
        done = subprocess.run(
            command,
            env=_with(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=timeout_s,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as exc:
        said = f"It did not answer within {timeout_s:.0f} s."
        raise ToolFailedError([tool, *arguments], status=None, output=said) from exc
    return Finished(done.returncode, done.stdout, done.stderr)


def answer(
    tool: Tool,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    timeout_s: float = ANSWER_TIMEOUT_S,
) -> str:
    """What the program wrote to stdout; raise ToolFailedError where it did not succeed."""
    done = asked(tool, *arguments, env=env, timeout_s=timeout_s)
    if not done.succeeded:
        said = _last_lines(done.complaint.splitlines() or done.output.splitlines())
        raise ToolFailedError([tool, *arguments], status=done.status, output=said)
    return done.output


def follow(
    tool: Tool,
    *arguments: str,
    report: Callable[[str], None],
    env: Mapping[str, str] | None = None,
    holding: Collection[int] = (),
) -> None:
    """Run to the end, however long it takes; `report` hears each line, stdout and stderr alike.

    Raises ToolFailedError, with the last lines, where it does not succeed. Whatever interrupts the
    wait, Ctrl-C included, ends the program first. `holding` are file descriptors that it inherits:
    a lock among them stays held for as long as the program lives, even if this one is killed.
    """
    kept: list[str] = []
    with subprocess.Popen(
        _command(tool, arguments),
        env=_with(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches this program first, which then ends that one
        pass_fds=tuple(holding),
        text=True,
        errors="replace",
    ) as process:
        try:
            _tell(process.stdout, report, kept)
            status = process.wait()
        except BaseException:
            _end(process)
            raise
    if status:
        raise ToolFailedError([tool, *arguments], status=status, output=_last_lines(kept))


def _tell(lines: IO[str] | None, report: Callable[[str], None], kept: list[str]) -> None:
    for line in lines or ():
        words = line.rstrip("\n")
        kept.append(words)
        del kept[:-LAST_LINES]
        report(words)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _command(tool: Tool, arguments: Collection[str]) -> list[str]:
    program = find(tool)
    if program is None:
        raise ToolMissingError(tool, WHERE_TO_GET[tool])
    if not os.access(program, os.X_OK):
        raise SetupError(f"{program} cannot be run. Make it executable, or install {tool} anew.")
    return [str(program), *arguments]


def _with(more: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if more is None else {**os.environ, **more}


def _last_lines(lines: Collection[str]) -> str:
    return "\n".join([line for line in lines if line.strip()][-LAST_LINES:])
