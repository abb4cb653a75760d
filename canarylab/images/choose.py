"""Chooses the builder: the one that was named, else Docker if its engine answers.

Without an engine, or without the docker program, images are built as folders (process_build.py).
"""

from __future__ import annotations

import os

from canarylab.docker_engine import engine, engine_answers
from canarylab.errors import EngineError, ToolMissingError
from canarylab.external_tools import WHERE_TO_GET, find
from canarylab.images.builder import Builder, LocalRun
from canarylab.images.docker import DockerBuilder
from canarylab.images.process_build import ProcessBuilder
from canarylab.playground.home import Home

NAMES = ("docker", "process")
VARIABLE = "CANARYLAB_BUILDER"
PING_TIMEOUT_S = 2.0  # for an engine that was not named


def choose_builder(name: str | None = None, *, home: Home | None = None) -> tuple[Builder, str]:
    """Return the builder, and one sentence with the reason.

    Raises EngineError or ToolMissingError if Docker was named and cannot be used, and
    ValueError for an unknown name.
    """
    home = home or Home.of_user()
    named = name or os.environ.get(VARIABLE) or None
    if named is None:
        return _best(home)
    if named not in NAMES:
        raise ValueError(f'There is no builder "{named}". There are: {", ".join(NAMES)}.')
    why = "You chose it." if name else f"The variable {VARIABLE} says so."
    if named == "process":
        return ProcessBuilder(home), why
    with engine():
        if find("docker") is None:
            raise ToolMissingError("docker", WHERE_TO_GET["docker"])
        return DockerBuilder(home.root), why


class BuilderSelection:
    """The builders of one notebook. The last one named is used until another is named."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._used: dict[str, Builder] = {}
        self._current: Builder | None = None

    def use(self, name: str | None = None) -> Builder:
        """Return the builder of that name; without a name the current one, chosen on first use."""
        if name is not None or self._current is None:
            chosen, _ = choose_builder(name, home=self._home)
            self._current = self._used.setdefault(chosen.name, chosen)
        return self._current

    def run(self, reference: str, *, port: int) -> LocalRun:
        """Run an image with the current builder; replace what any of them ran on that port."""
        current = self.use()
        for other in self._used.values():
            if other is not current:
                other.stop(port)
        return current.run(reference, port=port)

    def running(self) -> list[LocalRun]:
        """Return what runs, through any of them."""
        self.use()
        return [run for builder in self._used.values() for run in builder.running()]

    def stop_all(self) -> list[int]:
        """Stop everything; return the ports that are free again."""
        if not self._used:
            return remove_containers(self._home)
        return [port for builder in self._used.values() for port in builder.stop_all()]


def remove_containers(home: Home) -> list[int]:
    """Remove the home's containers, whoever started them; return the ports that are free again.

    Without an engine there are none, and nothing is reported.
    """
    if find("docker") is None or not engine_answers():
        return []
    return DockerBuilder(home.root).stop_all()


def _best(home: Home) -> tuple[Builder, str]:
    if find("docker") is None:  # docker-py, which is slow to import, is not needed then
        return ProcessBuilder(home), "Docker is not installed on this machine."
    try:
        with engine(timeout_s=PING_TIMEOUT_S):
            return DockerBuilder(home.root), "Docker is running on this machine."
    except EngineError as exc:
        return ProcessBuilder(home), f"{exc.problem}."
