"""For tests: a folder with a Dockerfile, and a build of it."""

from __future__ import annotations

import time
from pathlib import Path

from canarylab.images.base import Step
from canarylab.images.process import build
from canarylab.playground.images import Image


class Workshop:
    """A context folder and an images folder, and what the last build reported."""

    def __init__(self, folder: Path) -> None:
        self.context, self.images = folder / "context", folder / "images"
        self.context.mkdir()
        self.steps: list[Step] = []

    def write(self, name: str, text: str) -> Path:
        """A file in the context."""
        file = self.context / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def dockerfile(self, *lines: str) -> None:
        """A Dockerfile of these lines, on a node base."""
        self.write("Dockerfile", "\n".join(["FROM node:24-slim", *lines]))

    def build(self, reference: str = "app:1", **build_args: str) -> Image:
        """Build it."""
        self.steps = []
        return build(
            self.context,
            reference,
            images=self.images,
            build_args=build_args,
            report=self.steps.append,
        )

    def made(self) -> list[str]:
        """The instructions that made files in the last build, the cached ones left out."""
        makers = ("WORKDIR", "COPY", "RUN")
        return [
            step.instruction
            for step in self.steps
            if step.instruction.startswith(makers) and not step.cached
        ]


def files_of(image: Image) -> list[str]:
    """The paths of all files in an image."""
    found = (path for path in image.root.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(str(path.relative_to(image.root)) for path in found)


def wait_until_there(file: Path, *, timeout_s: float = 20.0) -> str:
    """What is in the file, once something is."""
    deadline = time.monotonic() + timeout_s
    while not (file.exists() and file.read_text().strip()):
        assert time.monotonic() < deadline, f"{file} never appeared"
        time.sleep(0.01)
    return file.read_text().strip()


def wait_until_gone(pid: int, *, timeout_s: float = 10.0) -> None:
    """Until no process of that number runs; a zombie does not."""
    deadline = time.monotonic() + timeout_s
    stat = Path(f"/proc/{pid}/stat")
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline, f"{pid} still runs"
        time.sleep(0.01)
