"""The interface of the two builders, what they build, and the names of the app's images.

A builder makes images from a folder with a Dockerfile and runs them on this machine: docker.py in
containers, process_build.py in folders and plain processes. Both report the same steps.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from canarylab import resources
from canarylab.display import Report, no_report
from canarylab.errors import BuildError, SetupError
from canarylab.playground.images import parse_reference

APP_NAME = "node_app"
VERSIONS = ("1.0", "2.0")
LOCAL_PORTS = {"1.0": 8888, "2.0": 9999}

FILE_INSTRUCTIONS = frozenset({"WORKDIR", "COPY", "ADD", "RUN"})
"""The instructions that make files; all others only set properties of the image."""

WITHOUT_DOCKER = (
    'To build without Docker: `lab.build(builder="process")` in a notebook, '
    "`canarylab build --builder process` in a terminal, or CANARYLAB_BUILDER=process."
)


_NPM_UNREACHABLE = re.compile(
    r"npm (?:error|ERR!) code (?:ENOTCACHED|EAI_AGAIN|ENOTFOUND|ENETUNREACH|EHOSTUNREACH|"
    r"ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b|"
    r"trouble with your network connection|^yarn: Yarn is not in this image",
    re.MULTILINE,
)
_NPM_ERROR = re.compile(r"npm (?:error|ERR!)")
_NPM_USAGE = re.compile(
    r"^(npm (?:error|ERR!)) Usage:\n(?:\1.*\n)*?(?=\1 Run \"npm help )", re.MULTILINE
)
_SHOWN_LINES = 20


def is_npm_unreachable(output: str) -> bool:
    """Whether npm says that it could not fetch packages from its registry.

    >>> is_npm_unreachable("npm error code EAI_AGAIN"), is_npm_unreachable("npm error code E404")
    (True, False)
    """
    return _NPM_UNREACHABLE.search(output) is not None


def shorten_output(output: str) -> str:
    """Return the last lines; of npm's errors the first lines too, which name the cause."""
    text = "\n".join(output.rstrip().splitlines())
    lines = _NPM_USAGE.sub("", text).splitlines()
    earlier = enumerate(lines[:-_SHOWN_LINES])
    first = next((number for number, line in earlier if _NPM_ERROR.match(line)), None)
    if first is None:
        return "\n".join(lines[-_SHOWN_LINES:])
    half = _SHOWN_LINES // 2
    return "\n".join((*lines[first : first + half], "...", *lines[-half:]))


def app_reference(version: str) -> str:
    """Return the name and tag of a version's image; raise ValueError for a number.

    >>> app_reference("2.0")
    'node_app:2.0'
    """
    if not isinstance(version, str):
        raise ValueError(f'This is not a version: {version!r}. Give a text in quotes, as in "2.0".')
    return f"{APP_NAME}:{version}"


class BuildSource(NamedTuple):
    """What is built: `docker build --tag REFERENCE --build-arg NAME=VALUE FOLDER`."""

    folder: Path
    reference: str
    build_args: Mapping[str, str] = {}


def app_source(version: str) -> BuildSource:
    """Return what a version of the app is built from; the versions differ by a build argument."""
    reference = app_reference(version)
    return BuildSource(resources.folder("app"), reference, {"APP_VERSION": version})


def read_source(
    folder: Path, tag: str, build_args: Iterable[str], environment: Mapping[str, str] = os.environ
) -> BuildSource:
    """Check a folder, a tag and build arguments as they are typed.

    An argument without a value takes it from the environment, as in Docker. Raises BuildError for a
    folder without a Dockerfile, ImageNameError for the tag, and ValueError for an argument.
    """
    if not (folder / "Dockerfile").exists():
        problem = (
            f"There is no Dockerfile in {folder}"
            if folder.is_dir()
            else f"There is no folder {folder}"
        )
        raise BuildError(f"{problem}. Name the folder that has the app and its Dockerfile.")
    return BuildSource(folder, str(parse_reference(tag)), dict(_arguments(build_args, environment)))


def note_latest(reference: str) -> str | None:
    """Say that a cluster does not use a built image whose tag is latest.

    https://kubernetes.io/docs/concepts/containers/images/#imagepullpolicy-defaulting

    >>> note_latest("web:1.0")
    """
    name, tag = parse_reference(reference)
    if tag != "latest":
        return None
    return (
        f"A real cluster asks a registry for {reference} whenever a pod of it starts, unless "
        "the pod's imagePullPolicy is IfNotPresent or Never. Give the image another tag, as in "
        f"--tag {name}:1.0."
    )


def _arguments(
    build_args: Iterable[str], environment: Mapping[str, str]
) -> Iterable[tuple[str, str]]:
    for text in build_args:
        name, equals, value = text.partition("=")
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ValueError(
                f'"{text}" is not a build argument. Write a name and a value, as in '
                "--build-arg APP_VERSION=2.0."
            )
        if equals or name in environment:
            yield name, value if equals else environment[name]


class BuildStep(NamedTuple):
    """One instruction of a Dockerfile, completed."""

    number: int
    total: int
    instruction: str
    cached: bool
    """The files come from an earlier build."""
    seconds: float

    @property
    def makes_files(self) -> bool:
        """Whether the step has files that a later build can reuse."""
        return self.instruction.split(maxsplit=1)[0].upper() in FILE_INSTRUCTIONS

    def __str__(self) -> str:
        took = f"{self.seconds:.1f} s" if self.makes_files else ""
        return (
            f"{self.number:>3} of {self.total}  {self.instruction:<60} "
            f"{'reused' if self.cached else took}"
        ).rstrip()


OnStep = Callable[[BuildStep], None]
"""Called with each step when it is completed."""


class BuiltImage(NamedTuple):
    """One line of `docker images`."""

    reference: str
    size: int
    """In bytes."""
    id: str
    notes: tuple[str, ...] = ()
    """What the image has otherwise than its Dockerfile says; sentences."""


class LocalRun(Protocol):
    """An image that runs on this machine, outside any cluster."""

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
        """`http://127.0.0.1:8888`."""
        ...


class Builder(Protocol):
    """Builds images and runs them on this machine."""

    @property
    def name(self) -> str:
        """`docker` or `process`, the value of `--builder`."""
        ...

    def build(self, version: str, on_step: OnStep, report: Report = no_report) -> BuiltImage:
        """Build one version of the app; raise BuildError with the step that failed."""
        ...

    def build_folder(
        self, source: BuildSource, on_step: OnStep, report: Report = no_report
    ) -> BuiltImage:
        """Build any folder with a Dockerfile; raise BuildError with the step that failed."""
        ...

    def list_images(self) -> list[BuiltImage]:
        """Return the app's images, by name and tag."""
        ...

    def run(self, reference: str, *, port: int) -> LocalRun:
        """Run an image and wait until it answers; replace what this builder ran on that port.

        Raises PortInUseError if another program listens there.
        """
        ...

    def running(self) -> list[LocalRun]:
        """Return what runs, in the order of starting."""
        ...

    def stop(self, port: int) -> bool:
        """Stop what runs on this port; return False if this builder runs nothing there."""
        ...

    def stop_all(self) -> list[int]:
        """Stop everything; return the ports that are free again."""
        ...


def not_built_error(reference: str) -> SetupError:
    """Return the error for an image that does not exist."""
    version = reference.partition(":")[2]
    return SetupError(f'There is no image {reference} yet. `lab.build("{version}")` builds it.')
