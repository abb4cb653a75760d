"""Build the app's images with Docker, or with Podman where kind is told to use that.

The program builds where it is installed, because docker-py knows nothing of BuildKit; all else goes
through docker-py. docker_way.py chooses, the readers in docker_output.py and buildkit_output.py
understand what the builder says, and containers.py runs what was built.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canarylab import resources
from canarylab.docker_engine import engine
from canarylab.errors import BuildError, ClusterError, ToolFailedError
from canarylab.external_tools import Tool, stream
from canarylab.images.app import NAME, reference
from canarylab.images.base import WITHOUT_DOCKER, Built, LocalRun, Report, Say, silent
from canarylab.images.buildkit_output import BuildKitReader
from canarylab.images.containers import Containers
from canarylab.images.docker_failure import explained
from canarylab.images.docker_output import ClassicReader
from canarylab.images.docker_way import Way, way
from canarylab.images.docker_words import in_words
from canarylab.images.output import Reader

if TYPE_CHECKING:
    from docker import DockerClient


class DockerBuilder:
    """Images and containers of a Docker engine."""

    name = "Docker"

    def __init__(
        self,
        home: Path,
        *,
        app: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._clock = app or resources.folder("app"), clock
        self._containers = Containers(home)

    def build(self, version: str, report: Report, say: Say = silent) -> Built:
        """Build one version; the one source becomes it by a build argument."""
        named = reference(version)
        with engine() as client:
            chosen = way()
            reader: Reader = BuildKitReader() if chosen.has_buildkit else ClassicReader()
            hearing = _Hearing(reader, named, report, say, self._clock)
            if chosen.tool is None:
                _build_through_engine(client, self._app, version, hearing)
            else:
                _build_with_program(chosen.tool, chosen, self._app, version, hearing)
            with in_words(f"looking at {named}"):
                return _built(named, client.images.get(named))

    def listed(self) -> list[Built]:
        """What `docker images node_app` lists."""
        with engine() as client, in_words("listing the images"):
            found = client.images.list(name=NAME)
            tagged = [(_without_host(tag), image) for image in found for tag in image.tags]
            return sorted(_built(tag, image) for tag, image in tagged if _is_of_app(tag))

    def run(self, reference: str, *, port: int) -> LocalRun:
        """In a container that listens on 127.0.0.1 alone."""
        return self._containers.start(reference, port=port)

    def running(self) -> list[LocalRun]:
        """The containers of this home that run, those of an earlier kernel included."""
        return list(self._containers.running())

    def stop(self, port: int) -> bool:
        """Stop and remove the container of this port."""
        return self._containers.stop(port)

    def stop_all(self) -> list[int]:
        """Stop and remove every container of this home."""
        return self._containers.stop_all()


@dataclass(frozen=True)
class _Hearing:
    """Passes on what a builder says while it says it."""

    reader: Reader
    reference: str
    report: Report
    say: Say
    clock: Callable[[], float]

    def hear(self, line: str) -> None:
        for step in self.reader.hear(line, self.clock()):
            self.report(step)
        self.say(f"{self.reference}: {self.reader.doing}")


def _build_with_program(
    tool: Tool, chosen: Way, app: Path, version: str, hearing: _Hearing
) -> None:
    wanted = ["--build-arg", f"APP_VERSION={version}", "--tag", hearing.reference, str(app)]
    try:
        stream(tool, "build", *chosen.flags, *wanted, report=hearing.hear, env=chosen.env)
    except ToolFailedError as exc:
        reader = hearing.reader
        raise explained(hearing.reference, reader.failing, reader.last) from exc


def _build_through_engine(client: DockerClient, app: Path, version: str, hearing: _Hearing) -> None:
    try:
        with in_words(f"building {hearing.reference}"):
            _stream(client, app, version, hearing)
    except ClusterError as exc:
        raise BuildError(f"{exc}\n{WITHOUT_DOCKER}") from exc


def _stream(client: DockerClient, app: Path, version: str, hearing: _Hearing) -> None:
    said = client.api.build(
        path=str(app),
        tag=hearing.reference,
        buildargs={"APP_VERSION": version},
        rm=True,
        forcerm=True,
        decode=True,
        timeout=None,  # between two words: a step may be silent for long
    )
    with closing(said):
        for entry in said:
            _pass_on(entry, hearing)


def _pass_on(entry: Mapping[str, Any], hearing: _Hearing) -> None:
    """One entry of the engine's stream, as the docker program would print it."""
    if "error" in entry:
        hearing.hear(entry["error"])
        raise explained(hearing.reference, hearing.reader.failing, hearing.reader.last)
    words = entry.get("stream") or entry.get("status", "")
    named = f"{entry['id']}: " if "id" in entry else ""
    for line in words.splitlines():
        hearing.hear(named + line)


def _built(tag: str, image: Any) -> Built:
    return Built(tag, image.attrs["Size"], image.id)


def _without_host(tag: str) -> str:
    """Podman calls what it built `localhost/node_app:1.0`."""
    return tag.removeprefix("localhost/")


def _is_of_app(tag: str) -> bool:
    return tag.partition(":")[0] == NAME
