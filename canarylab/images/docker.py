"""Builds images with a Docker engine.

The docker program builds, because docker-py does not support BuildKit; docker-py does everything
else. The program chooses BuildKit or the classic builder by itself, and
`BuildOutput` reads what either prints. Podman works through its Docker-compatible socket, with
DOCKER_HOST and DOCKER_BUILDKIT=0.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from canarylab import resources
from canarylab.display import Report, no_report
from canarylab.docker_engine import engine, engine_errors
from canarylab.errors import LAST_LINES_ADVICE, BuildError, ToolFailedError
from canarylab.external_tools import LAST_LINES, stream
from canarylab.images.builder import (
    APP_NAME,
    WITHOUT_DOCKER,
    BuildSource,
    BuildStep,
    BuiltImage,
    LocalRun,
    OnStep,
    app_source,
    is_npm_unreachable,
    shorten_output,
)
from canarylab.images.local_runs import ContainerRuns
from canarylab.playground.images import parse_reference

if TYPE_CHECKING:
    from docker.models.images import Image as DockerImage

# kind cannot load an image with attestations.
_BUILD_ENV = {"BUILDKIT_PROGRESS": "plain", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
_KEPT_LINES = 1_000  # of the output of a step: npm's usage may be longer than what is shown
_LONGEST_INSTRUCTION = 50  # characters of it in a status line, so that no terminal wraps the line

_CLASSIC = "classic"
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BUILDKIT_LINE = re.compile(r"#(\d+) (.*)")
_BUILDKIT_STEP = re.compile(r"\[(?:\S+ )?\s*(\d+)/(\d+)\] (.*)")
_BUILDKIT_DONE = re.compile(r"DONE (\d+(?:\.\d+)?)s")
_BUILDKIT_BYTES = re.compile(r"(sha256:\w+) ([\d.]+)([kMGT]?B) / ([\d.]+)([kMGT]?B)\b")
_BUILDKIT_TIME = re.compile(r"\d+\.\d+ ?")
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_CLASSIC_STEP = re.compile(r"(?:Step|STEP) (\d+)/(\d+) ?: (.*)")
_CLASSIC_CACHED = re.compile(r"\s*-{2,3}> Using cache\b")
_CLASSIC_END = re.compile(r"Successfully built \w+|COMMIT\b")
_CLASSIC_NOTE = re.compile(r"\s*-{2,3}> |Removing intermediate container |Sending build context ")
_CLASSIC_LAYER = re.compile(
    r"(?P<id>\w{12,}): (?P<state>Pulling fs layer|Waiting|Downloading|Verifying Checksum|"
    r"Download complete|Extracting|Pull complete|Already exists)\b"
)
_EXIT_STATUS = re.compile(r"(?:exit code:|non-zero code:|exit status) (\d+)")
_DISK_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_RATE_LIMIT = re.compile(r"toomanyrequests|too many requests|pull rate limit", re.IGNORECASE)
_OFFLINE = re.compile(
    r"no such host|name resolution|dial tcp|network is unreachable|i/o timeout|"
    r"TLS handshake timeout|Client\.Timeout exceeded|connection refused|proxyconnect",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"manifest unknown|pull access denied|repository does not exist|not found", re.IGNORECASE
)


class DockerBuilder:
    """Builds images with a Docker engine, and runs them in containers."""

    name = "docker"

    def __init__(
        self,
        home: Path,
        *,
        app: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._clock = app or resources.folder("app"), clock
        self._containers = ContainerRuns(home)

    def build(self, version: str, on_step: OnStep, report: Report = no_report) -> BuiltImage:
        """Build one version of the app."""
        return self.build_folder(app_source(version)._replace(folder=self._app), on_step, report)

    def build_folder(
        self, source: BuildSource, on_step: OnStep, report: Report = no_report
    ) -> BuiltImage:
        """Build any folder with a Dockerfile."""
        folder, reference, build_args = source
        given = [
            word
            for name, value in build_args.items()
            for word in ("--build-arg", f"{name}={value}")
        ]
        arguments = [*given, "--tag", reference, str(folder)]
        with engine() as client:
            self._run_build(reference, arguments, on_step, report)
            with engine_errors(f"reading the image {reference}"):
                image = client.images.get(reference)
            if _is_of_another_version(image, build_args.get("APP_VERSION")):
                self._run_build(reference, ["--no-cache", *arguments], on_step, report)
                with engine_errors(f"reading the image {reference}"):
                    image = client.images.get(reference)
            return _built_image(reference, image)

    def list_images(self) -> list[BuiltImage]:
        """Return what `docker images node_app` lists."""
        with engine() as client, engine_errors("listing the images"):
            found = client.images.list(name=APP_NAME)
            tagged = [(parse_reference(tag), image) for image in found for tag in image.tags]
            own = [(str(tag), image) for tag, image in tagged if tag.name == APP_NAME]
            return sorted(_built_image(reference, image) for reference, image in own)

    def run(self, reference: str, *, port: int) -> LocalRun:
        """Run an image in a container that listens on 127.0.0.1 only."""
        return self._containers.start(reference, port=port)

    def running(self) -> list[LocalRun]:
        """Return the running containers of this home, those of an earlier kernel included."""
        return list(self._containers.running())

    def stop(self, port: int) -> bool:
        """Stop and remove the container of this port."""
        return self._containers.stop(port)

    def stop_all(self) -> list[int]:
        """Stop and remove every container of this home; return the ports that are free again."""
        return self._containers.stop_all()

    def _run_build(
        self, reference: str, arguments: list[str], on_step: OnStep, report: Report
    ) -> None:
        output = BuildOutput()

        def read(line: str) -> None:
            for step in output.read(line, self._clock()):
                on_step(step)
            report(f"{reference}: {output.activity}")

        try:
            # The classic builder keeps the container of a failed step without --force-rm.
            stream("docker", "build", "--force-rm", *arguments, report=read, env=_BUILD_ENV)
        except ToolFailedError as exc:
            raise explain_failure(reference, output) from exc


@dataclass
class RunningStep:
    """A step that has begun."""

    number: int
    total: int
    instruction: str
    started: float
    cached: bool = False
    output: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))
    """Its own last lines."""

    def finish(self, at: float) -> BuildStep:
        """Return the completed step."""
        seconds = max(0.0, at - self.started)
        return BuildStep(self.number, self.total, self.instruction, self.cached, seconds)

    def __str__(self) -> str:
        shown = self.instruction[:_LONGEST_INSTRUCTION]
        dots = " ..." if shown != self.instruction else ""
        return f"step {self.number} of {self.total}, {shown}{dots}"


class BuildOutput:
    """Reads the steps of a build from the lines that `docker build` prints.

    BuildKit runs steps side by side, so each line carries a number; instructions that make no files
    are not mentioned:

        #8 [4/5] RUN npm ci
        #8 1.527 added 68 packages in 1s
        #8 DONE 1.6s

    In the classic builder, and in Podman's, a step ends where the next one begins:

        Step 5/11 : RUN npm ci                 STEP 5/11: RUN npm ci
         ---> Using cache                      --> Using cache 37db7e77db24
         ---> 37db7e77db24                     --> 37db7e77db24
    """

    def __init__(self) -> None:
        self.activity = "sending the folder to the engine"
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._steps: dict[str, RunningStep] = {}  # by BuildKit's number, else by _CLASSIC
        self._reported: set[str] = set()
        self._failed = _CLASSIC
        self._bytes: dict[str, tuple[float, float]] = {}  # of the base image: fetched, in all
        self._layers: dict[str, bool] = {}  # of the base image, and whether each is fetched

    @property
    def failed_step(self) -> RunningStep | None:
        """The step that BuildKit marks with ERROR, or the classic builder's last one."""
        return self._steps.get(self._failed)

    def read(self, line: str, at: float) -> list[BuildStep]:
        """Read one line that came at this time; return the steps that it completes."""
        text = _COLOURS.sub("", line).rstrip().rpartition("\r")[2]
        if text.strip():
            self.last_lines.append(text)
        numbered = _BUILDKIT_LINE.fullmatch(text)
        if numbered and _CLASSIC not in self._steps:
            return self._read_buildkit(numbered[1], numbered[2], at)
        return self._read_classic(text, at)

    def _read_buildkit(self, key: str, text: str, at: float) -> list[BuildStep]:
        if begun := _BUILDKIT_STEP.match(text):
            step = _running_step(begun, at)
            self.activity = str(self._steps.setdefault(key, step))
        elif key in self._steps:
            return self._read_inside_step(key, text, at)
        elif text.startswith("exporting"):
            self.activity = "writing the image"
        return []

    def _read_inside_step(self, key: str, text: str, at: float) -> list[BuildStep]:
        step = self._steps[key]
        self.activity = str(step)
        done = _BUILDKIT_DONE.fullmatch(text)
        if text == "CACHED" or done:
            step.cached = text == "CACHED"
            step.started = at - float(done[1]) if done else at  # BuildKit's own figure is better
            return self._report(key, at)
        if part := _BUILDKIT_BYTES.match(text):
            self._count_bytes(*part.groups())
        elif text.startswith("ERROR: "):
            self._failed = key
        elif not text.startswith(("sha256:", "extracting ", "resolve ")):
            step.output.append(_BUILDKIT_TIME.sub("", text, count=1))
        return []

    def _report(self, key: str, at: float) -> list[BuildStep]:
        if key in self._reported:  # a base image is done twice: when found, and when fetched
            return []
        self._reported.add(key)
        return [self._steps[key].finish(at)]

    def _count_bytes(self, name: str, fetched: str, unit: str, size: str, size_unit: str) -> None:
        self._bytes[name] = float(fetched) * _UNITS[unit], float(size) * _UNITS[size_unit]
        here, total = (sum(column) / 1e6 for column in zip(*self._bytes.values(), strict=True))
        self.activity = f"fetching the base image, {here:.0f} of {total:.0f} MB"

    def _read_classic(self, text: str, at: float) -> list[BuildStep]:
        begun = _CLASSIC_STEP.match(text)
        if begun or _CLASSIC_END.match(text):
            ended = self._steps.pop(_CLASSIC, None)
            self.activity = "writing the image"
            if begun:
                self._steps[_CLASSIC] = _running_step(begun, at)
                self.activity = str(self._steps[_CLASSIC])
            return [ended.finish(at)] if ended else []
        if layer := _CLASSIC_LAYER.match(text):
            self._layers[layer["id"]] = layer["state"] in {"Pull complete", "Already exists"}
            done = sum(self._layers.values())
            self.activity = f"fetching the base image, {done} of {len(self._layers)} layers"
        elif (step := self._steps.get(_CLASSIC)) and _CLASSIC_CACHED.match(text):
            step.cached = True
        elif step and text.strip() and not _CLASSIC_NOTE.match(text):
            step.output.append(text)
        return []


def explain_failure(reference: str, output: BuildOutput) -> BuildError:
    """Return the error for a failed build, from the last lines of its output.

    Every message ends with the way to go on without Docker.
    """
    failed, last = output.failed_step, output.last_lines
    text = "\n".join([*last, *(failed.output if failed else ())])
    if _DISK_FULL.search(text):
        return _build_error(
            last,
            f"The engine's disk is full, so {reference} could not be built. "
            "`docker system df` shows what takes the space, `docker system prune` frees some.",
        )
    if failed is None or failed.instruction.upper().startswith(("FROM", "ARG")):
        return _build_error(*_explain_base_image(reference, last))
    if is_npm_unreachable(text):
        return _build_error(
            (),
            f"{reference}: `{failed.instruction}` could not fetch its packages, because npm's "
            "registry cannot be reached from here. Check the network and the proxy, and build "
            "again.",
        )
    status = _EXIT_STATUS.search("\n".join(reversed(last)))
    ended = f"ended with exit status {status[1]}" if status else "failed"
    step = f"{reference}, step {failed.number} of {failed.total}"
    problem = f"{step}: `{failed.instruction}` {ended}. {LAST_LINES_ADVICE}"
    return _build_error([shorten_output("\n".join(failed.output or last))], problem)


def _running_step(begun: re.Match[str], at: float) -> RunningStep:
    number, total, instruction = begun.groups()
    return RunningStep(int(number), int(total), " ".join(instruction.split()), at)


def _explain_base_image(reference: str, lines: Sequence[str]) -> tuple[Sequence[str], str]:
    """The lines of output that help, and what they mean."""
    text = "\n".join(lines)
    if _RATE_LIMIT.search(text):
        return lines, (
            f"The base image of {reference} could not be fetched: Docker Hub has counted too many "
            "downloads from this address. Log in with `docker login`, or try again in a few hours."
        )
    if _OFFLINE.search(text):
        return (), (
            f"The base image of {reference} could not be fetched: the registry cannot be reached "
            "from here. Check the network and the proxy, and build again."
        )
    if _NOT_FOUND.search(text):
        return lines, (
            f"The base image of {reference} is not in the registry. "
            "Correct the name in the FROM line of the Dockerfile, and build again."
        )
    return lines, (
        f"{reference} could not be built. Fix what the lines above name, and build again."
    )


def _build_error(lines: Iterable[str], explanation: str) -> BuildError:
    return BuildError("\n".join([*lines, explanation, WITHOUT_DOCKER]))


def _is_of_another_version(image: DockerImage, version: str | None) -> bool:
    """Whether the engine reused the ENV line of another version.

    Buildah, Podman's builder, does so whatever the build argument is (its issue 5501).
    """
    variables: list[str] = image.attrs["Config"].get("Env") or []
    found = [each.partition("=")[2] for each in variables if each.startswith("APP_VERSION=")]
    return version is not None and bool(found) and found != [version]


def _built_image(reference: str, image: DockerImage) -> BuiltImage:
    return BuiltImage(reference, image.attrs["Size"], str(image.id))
