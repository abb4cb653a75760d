"""The schema in the package is the one the client's models give."""

from __future__ import annotations

import gzip
import json
from importlib.metadata import version
from typing import Any

import pytest

from tools import make_schema


def in_the_package() -> Any:
    return json.loads(gzip.decompress(make_schema.TARGET.read_bytes()))


@pytest.fixture(scope="module")
def built() -> Any:
    recorded = in_the_package()["client"]
    if version("kubernetes") != recorded:
        pytest.skip(f"the schema was made from kubernetes {recorded}, another one is installed")
    return make_schema.build()


def test_it_is_up_to_date(built: Any) -> None:
    assert built == in_the_package(), "run `python tools/make_schema.py`"


def test_it_is_the_same_to_the_byte(built: Any) -> None:
    assert make_schema.packed(built) == make_schema.packed(make_schema.build())


@pytest.mark.parametrize(
    "table", [make_schema.INT64, make_schema.QUANTITIES, make_schema.INT_OR_STRING]
)
def test_the_tables_name_fields_that_exist(table: set[str]) -> None:
    known = {
        f"{name.rpartition('.')[2]}.{key}"
        for name, schema in in_the_package()["schemas"].items()
        for key in schema["properties"]
    }
    assert table <= known


def test_what_is_added_belongs_to_a_field() -> None:
    schemas = in_the_package()["schemas"]
    added = json.loads(make_schema.ADDITIONS.read_text())
    strangers = [
        f"{name}.{key}"
        for name, fields in added.items()
        for key in fields
        if key not in schemas.get(name, {"properties": {}})["properties"]
    ]
    assert strangers == []
