"""The schemas of built-in kinds, and the Go types of their fields."""

from __future__ import annotations

import pytest

from canarylab.playground.apiserver.schema.builtin import (
    KEPT_WHEN_EMPTY,
    OMITTED_WHEN_ZERO,
    go_name,
    go_type,
    referenced_schema,
    schema_name,
    schemas,
    structure_schema,
)
from canarylab.playground.kube.kinds import KINDS, Kind

BUILT_IN = [kind for kind in KINDS.values() if not kind.is_custom]


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.kind)
def test_every_built_in_kind_has_a_schema(kind: Kind) -> None:
    assert go_name(schema_name(kind.kind, kind.api_version)) == kind.kind


def test_every_schema_that_is_referred_to_exists() -> None:
    mentioned = {
        referenced_schema(shape)
        for found in schemas().values()
        for shape in found["properties"].values()
    }
    assert mentioned - {None} <= schemas().keys()


def test_a_list_refers_to_the_schema_of_its_items() -> None:
    containers = structure_schema("io.k8s.api.core.v1.PodSpec")["properties"]["containers"]
    assert referenced_schema(containers) == "io.k8s.api.core.v1.Container"


def test_a_map_of_strings_refers_to_no_schema() -> None:
    labels = structure_schema("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")["properties"][
        "labels"
    ]
    assert referenced_schema(labels) is None


def fields() -> set[str]:
    return {
        f"{go_name(name)}.{key}" for name, found in schemas().items() for key in found["properties"]
    }


@pytest.mark.parametrize("table", [OMITTED_WHEN_ZERO, KEPT_WHEN_EMPTY])
def test_the_tables_of_go_types_name_fields_that_exist(table: frozenset[str]) -> None:
    assert table <= fields()


@pytest.mark.parametrize(
    ("name", "key", "type_"),
    [
        ("core.v1.PodSpec", "containers", "[]v1.Container"),
        ("core.v1.PodSpec", "restartPolicy", "v1.RestartPolicy"),
        ("core.v1.PodSpec", "nodeSelector", "map[string]string"),
        ("core.v1.PodSpec", "hostNetwork", "bool"),
        ("core.v1.PodSpec", "terminationGracePeriodSeconds", "int64"),
        ("core.v1.Container", "command", "[]string"),
        ("core.v1.ContainerPort", "containerPort", "int32"),
        ("apps.v1.DeploymentSpec", "template", "v1.PodTemplateSpec"),
    ],
)
def test_a_field_has_a_type_in_go(name: str, key: str, type_: str) -> None:
    full = f"io.k8s.api.{name}"
    assert go_type(schemas()[full]["properties"][key], f"{go_name(full)}.{key}") == type_
