"""What is a bundle, and who can use it?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from canarylab.bundle.manifest import (
    FORMAT,
    PARTS,
    Entry,
    Machine,
    Manifest,
    is_for,
    parse,
    part_of,
)
from canarylab.errors import SetupError

HERE = Machine("linux", "amd64", "3.12")
SAID = Manifest(
    [Entry("wheels/a-1.whl", 3, "abc"), Entry("images.tar.gz", 5, "def")],
    HERE,
    ["node_app:1.0"],
    "2026-11-23T00:00:00+00:00",
    "0.3.0",
)


def test_what_is_written_is_read() -> None:
    assert parse(SAID.to_json().encode(), "class.tar") == SAID
    assert SAID.parts() == ["wheels", "images"]


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b"3", b'"format"', json.dumps({"format": FORMAT}).encode()]
)
def test_what_is_none_of_ours_is_refused(text: bytes) -> None:
    with pytest.raises(SetupError, match=r"class\.tar is no bundle of canarylab\. Name one"):
        parse(text, "class.tar")


@pytest.mark.parametrize("field", ["entries", "machine", "images", "created", "canarylab"])
def test_every_field_is_needed(field: str) -> None:
    written: dict[str, Any] = json.loads(SAID.to_json())
    del written[field]
    with pytest.raises(SetupError, match="is no bundle"):
        parse(json.dumps(written).encode(), "class.tar")


def test_a_later_format_is_named() -> None:
    later = json.dumps({"format": FORMAT + 1}).encode()
    with pytest.raises(SetupError, match=rf"format {FORMAT + 1}, and .* reads format {FORMAT}\."):
        parse(later, "class.tar")


@pytest.mark.parametrize(
    "name",
    ["../evil.whl", "wheels/../evil.whl", "/etc/passwd", "wheels/.whl", "wheels/a/b.whl", "", "a"],
)
def test_a_name_that_leads_elsewhere_belongs_to_no_part(name: str) -> None:
    assert part_of(name) is None


@pytest.mark.parametrize(
    ("there", "usable"),
    [
        (HERE, {"wheels", "playground", "images"}),
        (HERE._replace(python="3.11"), {"playground", "images"}),
        (HERE._replace(system="darwin"), {"images"}),
        (HERE._replace(processor="arm64"), set()),
    ],
)
def test_each_part_is_for_some_machines(there: Machine, usable: set[str]) -> None:
    assert {part for part in PARTS if is_for(part, HERE, there)} == usable
