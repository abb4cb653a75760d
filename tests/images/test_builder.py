"""What a builder is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.images.builder import read_source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM node")
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "value"),
    [("V=2.0", "2.0"), ("V=", ""), ("V=a=b", "a=b"), ("V", "of the environment")],
)
def test_a_build_argument_has_a_value_or_takes_it_from_the_environment(
    folder: Path, typed: str, value: str
) -> None:
    source = read_source(folder, "web:1", [typed], {"V": "of the environment"})
    assert source.build_args == {"V": value}


def test_a_build_argument_that_has_no_value_anywhere_is_left_out(folder: Path) -> None:
    assert read_source(folder, "web:1", ["V"], {}).build_args == {}


def test_a_name_without_a_tag_is_tagged_latest(folder: Path) -> None:
    assert read_source(folder, "web", []).reference == "web:latest"


@pytest.mark.parametrize("typed", ["=2", "2V=1", "a-b=1", ""])
def test_a_build_argument_has_a_name(folder: Path, typed: str) -> None:
    with pytest.raises(ValueError, match="is not a build argument"):
        read_source(folder, "web:1", [typed])
