"""Which builder: the one that was named, else Docker where its engine answers, else processes."""

from __future__ import annotations

import os
from pathlib import Path

from canarylab.docker_engine import engine
from canarylab.errors import EngineError
from canarylab.external_tools import find
from canarylab.images.base import Builder
from canarylab.images.docker import DockerBuilder
from canarylab.images.without_docker import ProcessBuilder
from canarylab.playground.home import Home

NAMES = ("docker", "process")
VARIABLE = "CANARYLAB_BUILDER"
SOCKET = Path("/var/run/docker.sock")
PATIENCE_S = 2.0  # with an engine that nobody asked for by name


def choose_builder(name: str | None = None, *, home: Home | None = None) -> tuple[Builder, str]:
    """The builder, and one sentence why.

    Raises EngineError where Docker was asked for and does not answer, and ValueError for a name
    that nobody has.
    """
    home = home or Home.of_user()
    named = name or os.environ.get(VARIABLE) or None
    if named is None:
        return _best(home)
    if named not in NAMES:
        raise ValueError(f'There is no builder "{named}". There are: {", ".join(NAMES)}.')
    why = "It was asked for." if name else f"{VARIABLE} names it."
    if named == "process":
        return ProcessBuilder(home), why
    with engine():
        return DockerBuilder(home.root), why


def may_be_there() -> bool:
    """Is there anything that an engine could be reached by? Told at once, without asking it."""
    words = ("DOCKER_HOST", "DOCKER_CONTEXT", "KIND_EXPERIMENTAL_PROVIDER")
    return any(word in os.environ for word in words) or SOCKET.exists() or bool(find("docker"))


def _best(home: Home) -> tuple[Builder, str]:
    if not may_be_there():
        return ProcessBuilder(home), "Docker is not installed here."
    try:
        with engine(timeout_s=PATIENCE_S):
            return DockerBuilder(home.root), "Docker answers here."
    except EngineError as exc:
        return ProcessBuilder(home), f"{exc.problem}."
