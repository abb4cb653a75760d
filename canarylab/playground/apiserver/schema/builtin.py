"""Which fields may an object have, and of what type?

The answer is generated from the official client (`tools/make_schema.py`) and packed into
`schema.json.gz` as OpenAPI schemas. It is read when first asked for: 0.02 s, once.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

Schema = Mapping[str, Any]

_REFERENCE = "#/components/schemas/"


@cache
def schemas() -> Mapping[str, Schema]:
    """Every schema by its full name, `io.k8s.api.apps.v1.Deployment`."""
    packed = files("canarylab.playground.apiserver.schema").joinpath("schema.json.gz").read_bytes()
    return cast("Mapping[str, Schema]", json.loads(gzip.decompress(packed))["schemas"])


def schema(name: str) -> Schema:
    """One of them.

    >>> sorted(schema("io.k8s.api.apps.v1.DeploymentSpec")["required"])
    ['selector', 'template']
    """
    return schemas()[name]


def name_of(kind: str, group: str) -> str:
    """The full name of the schema of a kind.

    >>> name_of("Deployment", "apps")
    'io.k8s.api.apps.v1.Deployment'
    """
    return _kinds()[kind, group]


def referred(shape: Schema) -> str | None:
    """The full name of the structure this field holds, or that each item of its list is."""
    inner = shape.get("items", shape.get("additionalProperties", shape))
    reference = inner.get("$ref") or next((part["$ref"] for part in inner.get("allOf", [])), None)
    return reference.removeprefix(_REFERENCE) if reference else None


def short(name: str) -> str:
    """The last part of a full name, as Go calls the structure.

    >>> short("io.k8s.api.apps.v1.Deployment")
    'Deployment'
    """
    return name.rpartition(".")[2]


@cache
def _kinds() -> Mapping[tuple[str, str], str]:
    found = {}
    for name, entry in schemas().items():
        for identity in entry.get("x-kubernetes-group-version-kind", []):
            found[identity["kind"], identity["group"]] = name
    return found
