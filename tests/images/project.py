"""A folder with a Dockerfile for tests, and builds of it without Docker."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from canarylab.images.builder import BuildStep
from canarylab.images.process_build import build
from canarylab.playground.images import Image


class Project:
    """A build context, an images folder, and the steps of the last build."""

    def __init__(self, folder: Path) -> None:
        self.context, self.images = folder / "context", folder / "images"
        self.context.mkdir()
        self.steps: list[BuildStep] = []

    def write(self, name: str, text: str) -> Path:
        """Write a file of the context."""
        file = self.context / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def dockerfile(self, *lines: str) -> None:
        """Write a Dockerfile of these lines, on a node base image."""
        self.write("Dockerfile", "\n".join(["FROM node:24-slim", *lines]))

    def build(self, reference: str = "app:1", **build_args: str) -> Image:
        """Build the context."""
        self.steps = []
        return build(
            self.context,
            reference,
            images=self.images,
            build_args=build_args,
            on_step=self.steps.append,
        )

    def made(self) -> list[str]:
        """Return the instructions of the last build that made files and were not cached."""
        return [step.instruction for step in self.steps if step.makes_files and not step.cached]


def files_of(image: Image) -> list[str]:
    """Return the paths of all files in an image."""
    found = (path for path in image.root.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(str(path.relative_to(image.root)) for path in found)


def wait_until(holds: Callable[[], bool], *, timeout_s: float = 20.0) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"never so in {timeout_s} s"
        time.sleep(0.01)


def wait_until_there(file: Path) -> str:
    """Return the file's text, once it has some."""
    wait_until(lambda: file.exists() and file.read_text().strip() != "")
    return file.read_text().strip()


def wait_until_gone(pid: int) -> None:
    """Wait until no process of that number runs; a zombie does not run."""
    stat = Path(f"/proc/{pid}/stat")
    wait_until(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z")


def unique_sleep() -> str:
    """A command that sleeps for ten minutes and is that of no other test."""
    return f"sleep 600.{secrets.randbelow(10**9)}"


def in_background(command: str) -> str:
    """A shell command that runs another in the background and ends once it has started."""
    return f"sh -c 'touch started; exec {command}' & until [ -e started ]; do :; done"


def is_running(command: str) -> bool:
    """Whether this command runs on this machine, in whatever namespace; a zombie does not run."""
    wanted = "".join(f"{word}\0" for word in command.split())
    return any(wanted == _command_line(file) for file in Path("/proc").glob("[0-9]*/cmdline"))


def _command_line(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:  # it has ended
        return ""
