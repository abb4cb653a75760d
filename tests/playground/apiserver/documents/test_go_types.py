"""What Go knows about fields."""

from __future__ import annotations

import pytest

from canarylab.playground.apiserver.documents.go_types import KEPT_WHEN_EMPTY, PLAIN_VALUES, go_type
from canarylab.playground.apiserver.documents.schema import schemas, short


def fields() -> set[str]:
    return {
        f"{short(name)}.{key}" for name, found in schemas().items() for key in found["properties"]
    }


@pytest.mark.parametrize("table", [PLAIN_VALUES, KEPT_WHEN_EMPTY])
def test_the_tables_name_fields_that_exist(table: frozenset[str]) -> None:
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
    assert go_type(schemas()[full]["properties"][key], f"{short(full)}.{key}") == type_
