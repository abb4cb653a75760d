"""What is a builder of images, to everything above?

There are two: one builds and runs containers with Docker, one folders and plain processes without
it. Both build the same Dockerfile, and both report the same steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from canarylab.errors import SetupError

MAKERS = frozenset({"WORKDIR", "COPY", "RUN"})
"""The instructions that make files."""

WITHOUT_DOCKER = (
    'To build without Docker: `lab.build(builder="process")` in a notebook, '
    "`canarylab build --builder process` in a terminal, or CANARYLAB_BUILDER=process."
)


class Step(NamedTuple):
    """An instruction that is done."""

    number: int
    total: int
    instruction: str
    cached: bool
    """An earlier build made its files."""
    seconds: float

    @property
    def makes_files(self) -> bool:
        """Whether there is anything to reuse; all other instructions only settle something."""
        return self.instruction.split(maxsplit=1)[0].upper() in MAKERS

    def __str__(self) -> str:
        took = f"{self.seconds:.1f} s" if self.makes_files else ""
        return (
            f"{self.number:>3} of {self.total}  {self.instruction:<60} "
            f"{'reused' if self.cached else took}"
        ).rstrip()


Report = Callable[[Step], None]
"""Hears of each step when it is done."""
Say = Callable[[str], None]
"""Hears in a few words what is being done now."""


def silent(words: str) -> None:
    """Say nothing."""


class Built(NamedTuple):
    """An image that is there: what `docker images` shows of it."""

    reference: str
    size: int
    id: str


class LocalRun(Protocol):
    """An image that runs on this machine, outside any cluster, and answers."""

    @property
    def reference(self) -> str:
        """`node_app:1.0`."""
        ...

    @property
    def port(self) -> int:
        """On 127.0.0.1."""
        ...

    @property
    def url(self) -> str:
        """Where it answers."""
        ...


class Builder(Protocol):
    """Builds the app's images and runs them on this machine."""

    @property
    def name(self) -> str:
        """`Docker` or `process`."""
        ...

    def build(self, version: str, report: Report, say: Say = silent) -> Built:
        """Build one version; raise BuildError with the step that failed."""
        ...

    def listed(self) -> list[Built]:
        """The app's images that are there, by name and tag."""
        ...

    def run(self, reference: str, *, port: int) -> LocalRun:
        """Run it and wait until it answers, in place of what this builder ran on that port.

        Raises PortInUseError where somebody else listens there.
        """
        ...

    def running(self) -> list[LocalRun]:
        """What runs, the first started first."""
        ...

    def stop(self, port: int) -> bool:
        """End what runs on this port; False when nothing of ours did."""
        ...

    def stop_all(self) -> list[int]:
        """End everything; which ports are free again."""
        ...


def not_built(reference: str) -> SetupError:
    """What to raise for an image that is not there."""
    return SetupError(f"There is no image {reference} yet. Build it with `lab.build()`.")
