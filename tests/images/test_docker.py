"""What the docker program prints becomes steps, and failures are explained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from canarylab.errors import BuildError, ToolFailedError
from canarylab.images import docker
from canarylab.images.builder import WITHOUT_DOCKER, BuildStep, BuiltImage
from canarylab.images.docker import BuildOutput, DockerBuilder, explain_failure

OUTPUTS = Path(__file__).parent / "outputs"
FILE_INSTRUCTIONS = [
    "WORKDIR /usr/src/app",
    "COPY package.json package-lock.json .npmrc ./",
    "RUN npm ci --omit=dev --prefer-offline",
    "COPY src ./src",
]
FAILED = ["classic-failed", "podman-failed", "buildkit-failed", "buildkit-failed-new"]


def read(text: str) -> tuple[BuildOutput, list[BuildStep]]:
    """Read a whole output at once."""
    output = BuildOutput()
    return output, [step for line in text.splitlines() for step in output.read(line, 0.0)]


def recorded(name: str) -> tuple[BuildOutput, list[BuildStep]]:
    return read((OUTPUTS / f"{name}.txt").read_text())


def file_steps(name: str) -> list[tuple[str, bool]]:
    """Return the instructions that make files, in the Dockerfile's order, and whether cached."""
    return [
        (step.instruction, step.cached) for step in sorted(recorded(name)[1]) if step.makes_files
    ]


# steps


@pytest.mark.parametrize("name", ["classic-built", "buildkit-built"])
def test_a_first_build_reuses_nothing(name: str) -> None:
    assert file_steps(name) == [(instruction, False) for instruction in FILE_INSTRUCTIONS]


@pytest.mark.parametrize("name", ["classic-second", "buildkit-second"])
def test_a_second_version_reuses_every_step_that_makes_files(name: str) -> None:
    assert file_steps(name) == [(instruction, True) for instruction in FILE_INSTRUCTIONS]


def test_steps_of_podman_are_read_too() -> None:
    cached = [True, True, False, False]
    assert file_steps("podman-built") == list(zip(FILE_INSTRUCTIONS, cached, strict=True))


@pytest.mark.parametrize(
    ("name", "total"), [("classic-built", 11), ("podman-built", 10), ("buildkit-built", 5)]
)
def test_every_step_is_reported_once_with_its_number(name: str, total: int) -> None:
    steps = recorded(name)[1]
    assert sorted(step.number for step in steps) == list(range(1, total + 1))
    assert {step.total for step in steps} == {total}


@pytest.mark.parametrize("name", FAILED)
def test_the_failed_step_is_known_with_its_own_last_lines(name: str) -> None:
    failed = recorded(name)[0].failed_step
    assert failed is not None
    assert failed.number == 3
    assert failed.instruction.startswith("RUN echo first &&")
    assert {"no luck", "first"} <= set(failed.output)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("classic-pull", "fetching the base image, 2 of 3 layers"),
        ("buildkit-pull", "fetching the base image, 14 of 78 MB"),
        ("classic-built", "writing the image"),
        ("podman-built", "writing the image"),
        ("buildkit-built", "writing the image"),
        ("classic-failed", 'step 3 of 4, RUN echo first && echo "no luck" >&2 && exit 3'),
    ],
)
def test_the_activity_of_the_build_is_known(name: str, words: str) -> None:
    assert recorded(name)[0].activity == words


def test_before_the_first_line_the_folder_is_sent() -> None:
    assert BuildOutput().activity == "sending the folder to the engine"


def test_a_long_instruction_is_cut() -> None:
    output, _ = read(f"Step 1/2 : RUN {'x' * 100}")
    assert output.activity == f"step 1 of 2, RUN {'x' * 46} ..."


def test_a_classic_step_took_until_the_next_one() -> None:
    output = BuildOutput()
    output.read("Step 1/2 : RUN sleep", 10.0)
    (step,) = output.read("Step 2/2 : RUN wake", 12.5)
    assert step.seconds == 2.5


def test_a_step_of_buildkit_took_what_buildkit_says() -> None:
    output = BuildOutput()
    output.read("#8 [4/5] RUN sleep", 10.0)
    (step,) = output.read("#8 DONE 1.6s", 20.0)
    assert step.seconds == pytest.approx(1.6)


def test_the_name_of_a_stage_is_left_out() -> None:
    _, (step,) = read("#8 [build  4/15] RUN make\n#8 CACHED")
    assert (step.number, step.total, step.instruction) == (4, 15, "RUN make")


def test_a_line_of_a_classic_step_that_looks_like_buildkit_is_its_output() -> None:
    output, steps = read("Step 1/2 : RUN cat notes\n#1 [1/2] RUN not a step\nStep 2/2 : RUN true")
    assert [step.instruction for step in steps] == ["RUN cat notes"]
    assert output.failed_step is not None


def test_colours_and_overwritten_text_are_left_out() -> None:
    output = BuildOutput()
    for line in ("\x1b[91mno luck\x1b[0m", "10 %\r20 %"):
        output.read(line, 0.0)
    assert list(output.last_lines) == ["no luck", "20 %"]


# failures


def explanation(output: BuildOutput) -> str:
    return str(explain_failure("node_app:1.0", output))


@pytest.mark.parametrize("name", FAILED)
def test_a_failed_step_is_named_with_its_status_after_its_last_lines(name: str) -> None:
    text = explanation(recorded(name)[0])
    assert '`RUN echo first && echo "no luck" >&2 && exit 3` ended with exit status 3.' in text
    assert text.index("no luck") < text.index("node_app:1.0, step 3 of ")


@pytest.mark.parametrize("prefix", ["", "#7 1.5 "])
def test_a_failed_npm_says_the_cause_and_not_its_usage(prefix: str) -> None:
    said = ["code EUSAGE", "", "Usage:", "npm ci", *map(str, range(50)), 'Run "npm help ci"']
    begun = "#7 [3/4] RUN npm ci" if prefix else "Step 3/4 : RUN npm ci"
    output, _ = read("\n".join([begun, *(f"{prefix}npm error {each}" for each in said)]))
    output.read("#7 ERROR: process did not complete: exit code: 1", 0.0)

    assert explanation(output).splitlines()[:3] == [
        "npm error code EUSAGE",
        "npm error",
        'npm error Run "npm help ci"',
    ]


@pytest.mark.parametrize("name", ["classic-offline", "buildkit-offline"])
def test_a_registry_out_of_reach_is_explained(name: str) -> None:
    text = explanation(recorded(name)[0])
    assert text.startswith("The base image of node_app:1.0 could not be fetched: the registry ")


@pytest.mark.parametrize("name", ["classic-rate-limit", "buildkit-rate-limit"])
def test_too_many_downloads_are_explained(name: str) -> None:
    text = explanation(recorded(name)[0])
    assert "Docker Hub has counted too many downloads from this address" in text
    assert "`docker login`" in text


@pytest.mark.parametrize(
    "lines",
    [
        "failed to register layer: write /usr/lib/x: no space left on device",
        "Step 4/5 : RUN npm ci\nnpm error ENOSPC: no space left on device, write",
    ],
)
def test_a_full_disk_is_explained_in_any_step(lines: str) -> None:
    assert "The engine's disk is full" in explanation(read(lines)[0])


def test_an_unknown_base_image_points_to_the_from_line() -> None:
    line = "manifest for nobody/nothing:1 not found: manifest unknown: manifest unknown"
    assert "Correct the name in the FROM line" in explanation(read(line)[0])


def test_npm_without_a_network_is_not_a_failure_of_the_base_image() -> None:
    lines = "Step 4/5 : RUN npm ci\nnpm error code ECONNREFUSED\nexit code: 1"
    text = explanation(read(lines)[0])
    assert text == (
        "node_app:1.0: `RUN npm ci` could not fetch its packages, because npm's registry cannot "
        f"be reached from here. Check the network and the proxy, and build again.\n{WITHOUT_DOCKER}"
    )


@pytest.mark.parametrize("name", [*FAILED, "classic-offline", "buildkit-rate-limit"])
def test_every_explanation_ends_with_the_way_without_docker(name: str) -> None:
    assert explanation(recorded(name)[0]).endswith(WITHOUT_DOCKER)


# the docker program and the engine


class FakeDocker:
    """The docker program, and the engine as docker-py shows it.

    The image that a build makes has the APP_VERSION of the first build until the cache is off, as
    with Podman, if `reuses_env`.
    """

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.fails: Callable[[list[str]], str | None] = lambda arguments: None
        self.reuses_env = False
        self.version = ""
        self.images = self

    def stream(self, tool: str, *arguments: str, report: object, env: object = None) -> None:
        """Stand in for `external_tools.stream`."""
        words = [tool, *arguments]
        self.calls.append(words)
        if output := self.fails(words):
            raise ToolFailedError(words, status=1, output=output)
        if "build" in words and not (
            self.version and self.reuses_env and "--no-cache" not in words
        ):
            argument = next(word for word in words if word.startswith("APP_VERSION="))
            self.version = argument.partition("=")[2]

    @contextmanager
    def engine(self) -> Iterator[FakeDocker]:
        """Stand in for `engine`."""
        yield self

    def get(self, reference: str) -> SimpleNamespace:
        """`images.get`."""
        config = {"Env": ["NODE_ENV=production", f"APP_VERSION={self.version}"]}
        return SimpleNamespace(attrs={"Size": 1, "Config": config}, id=f"sha256:{self.version}")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    fake = FakeDocker()
    monkeypatch.setattr(docker, "stream", fake.stream)
    monkeypatch.setattr(docker, "engine", fake.engine)
    return fake


def test_the_version_is_a_build_argument(fake: FakeDocker, tmp_path: Path) -> None:
    image = DockerBuilder(tmp_path, app=tmp_path).build("2.0", lambda step: None)
    argument = ["--build-arg", "APP_VERSION=2.0", "--tag", "node_app:2.0", str(tmp_path)]
    assert fake.calls == [["docker", "build", "--force-rm", *argument]]
    assert image == BuiltImage("node_app:2.0", 1, "sha256:2.0")


def test_an_engine_that_reuses_the_other_version_builds_again_without_its_cache(
    fake: FakeDocker, tmp_path: Path
) -> None:
    fake.reuses_env = True
    builder = DockerBuilder(tmp_path, app=tmp_path)
    for version in ("1.0", "2.0"):
        assert builder.build(version, lambda step: None).id == f"sha256:{version}"
    assert ["--no-cache" in call for call in fake.calls] == [False, False, True]


def test_a_failed_build_is_a_build_error(fake: FakeDocker, tmp_path: Path) -> None:
    fake.fails = lambda arguments: "no luck"
    with pytest.raises(BuildError, match=r"node_app:1\.0 could not be built"):
        DockerBuilder(tmp_path, app=tmp_path).build("1.0", lambda step: None)
