"""What builders wrote, recorded, becomes the same steps whoever built."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.images.buildkit_output import BuildKitReader
from canarylab.images.docker_output import ClassicReader
from canarylab.images.output import Reader, steps_of

OUTPUTS = Path(__file__).parent / "outputs"
MAKERS = [
    "WORKDIR /usr/src/app",
    "COPY package.json package-lock.json .npmrc ./",
    "RUN npm ci --omit=dev --prefer-offline",
    "COPY src ./src",
]


def read(name: str) -> Reader:
    reader: Reader = BuildKitReader() if name.startswith("buildkit") else ClassicReader()
    steps_of(reader, (OUTPUTS / f"{name}.txt").read_text())
    return reader


def steps(name: str) -> list[tuple[str, bool]]:
    """The instructions that make files, in the Dockerfile's order, and whether each was reused."""
    reader: Reader = BuildKitReader() if name.startswith("buildkit") else ClassicReader()
    found = steps_of(reader, (OUTPUTS / f"{name}.txt").read_text())
    return [(step.instruction, step.cached) for step in sorted(found) if step.makes_files]


@pytest.mark.parametrize("name", ["classic-built", "buildkit-built"])
def test_a_first_build_reuses_nothing(name: str) -> None:
    assert steps(name) == [(instruction, False) for instruction in MAKERS]


@pytest.mark.parametrize("name", ["classic-second", "buildkit-second"])
def test_a_second_version_reuses_every_step_that_makes_files(name: str) -> None:
    assert steps(name) == [(instruction, True) for instruction in MAKERS]


def test_podman_reuses_what_it_says_it_reuses() -> None:
    reused = [True, True, False, False]
    assert steps("podman-built") == list(zip(MAKERS, reused, strict=True))


@pytest.mark.parametrize(
    ("name", "total"), [("classic-built", 11), ("podman-built", 10), ("buildkit-built", 5)]
)
def test_every_step_is_told_once_with_its_number(name: str, total: int) -> None:
    reader: Reader = BuildKitReader() if name.startswith("buildkit") else ClassicReader()
    told = steps_of(reader, (OUTPUTS / f"{name}.txt").read_text())
    assert sorted(step.number for step in told) == list(range(1, total + 1))
    assert {step.total for step in told} == {total}


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("classic-failed", 3),
        ("podman-failed", 3),
        ("buildkit-failed", 3),
        ("buildkit-failed-new", 3),
    ],
)
def test_the_failing_step_is_known_with_its_own_last_words(name: str, number: int) -> None:
    failing = read(name).failing
    assert failing is not None
    assert failing.number == number
    assert failing.instruction.startswith("RUN echo first &&")
    assert {"no luck", "first"} <= set(failing.said)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("classic-pull", "fetching the base image, 2 of 3 layers"),
        ("podman-pull", "fetching the base image, 1 of 2 layers"),
        ("buildkit-pull", "fetching the base image, 14 of 78 MB"),
        ("classic-built", "writing the image"),
        ("podman-built", "writing the image"),
        ("buildkit-built", "writing the image"),
        ("classic-failed", 'step 3 of 4, RUN echo first && echo "no luck" >&2 && exit 3'),
    ],
)
def test_it_says_what_the_build_is_at(name: str, words: str) -> None:
    assert read(name).doing == words


def test_a_long_instruction_is_cut() -> None:
    reader = ClassicReader()
    reader.hear(f"Step 1/2 : RUN {'x' * 100}", 0.0)
    assert reader.doing == f"step 1 of 2, RUN {'x' * 46} ..."


def test_a_classic_step_took_until_the_next_one() -> None:
    reader = ClassicReader()
    reader.hear("Step 1/2 : RUN sleep", 10.0)
    (step,) = reader.hear("Step 2/2 : RUN wake", 12.5)
    assert step.seconds == 2.5


def test_a_step_of_buildkit_took_what_it_says() -> None:
    reader = BuildKitReader()
    reader.hear("#8 [4/5] RUN sleep", 10.0)
    (step,) = reader.hear("#8 DONE 1.6s", 20.0)
    assert step.seconds == pytest.approx(1.6)


def test_stages_have_names_in_front() -> None:
    reader = BuildKitReader()
    reader.hear("#8 [build  4/15] RUN make", 0.0)
    (step,) = reader.hear("#8 CACHED", 0.0)
    assert (step.number, step.total, step.instruction) == (4, 15, "RUN make")
