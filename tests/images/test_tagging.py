"""A tag moves to the new image at once, and leaves pods of the old one their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.errors import BuildError
from tests.images.contexts import Workshop


def built_with(workshop: Workshop, text: str) -> Path:
    """The folder of an image that holds this text."""
    workshop.write("a.txt", text)
    workshop.dockerfile("COPY a.txt .")
    return workshop.build().root


def test_the_files_of_the_image_before_stay_for_pods_that_run_in_them(workshop: Workshop) -> None:
    one, two = (built_with(workshop, text) for text in ("one", "two"))

    assert [(root / "a.txt").read_text() for root in (one, two)] == ["one", "two"]


def test_the_files_of_the_image_before_that_go(workshop: Workshop) -> None:
    roots = [built_with(workshop, text) for text in ("one", "two", "three")]

    assert [root.exists() for root in roots] == [False, True, True]


def test_the_same_image_may_have_two_names(workshop: Workshop) -> None:
    workshop.dockerfile("RUN true")
    one, two = workshop.build("app:1"), workshop.build("app:2")

    assert one.id == two.id
    assert one.root != two.root


def test_a_variable_makes_another_image(workshop: Workshop) -> None:
    workshop.dockerfile("ARG V", "ENV V=$V")

    assert workshop.build(V="1").id != workshop.build(V="2").id


def test_the_size_is_that_of_its_files(workshop: Workshop) -> None:
    workshop.write("a.txt", "x" * 1000)
    workshop.dockerfile("COPY a.txt .")

    assert workshop.build().size == 1000


def test_a_place_that_cannot_be_written_is_named(workshop: Workshop) -> None:
    workshop.images.mkdir()
    (workshop.images / "app").write_text("a file where the folder should be")
    workshop.dockerfile("RUN true")

    with pytest.raises(BuildError, match=r"app:1 cannot be written to .*\. Make room"):
        workshop.build()
