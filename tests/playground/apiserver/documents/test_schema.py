"""What the server knows about the fields of objects."""

from __future__ import annotations

import pytest

from canarylab.playground.apiserver.documents.schema import (
    description,
    name_of,
    referred,
    schema,
    schemas,
    short,
)
from canarylab.playground.kube.kinds import KINDS, Kind

BUILT_IN = [kind for kind in KINDS.values() if not kind.is_custom]


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.kind)
def test_every_built_in_kind_has_a_schema(kind: Kind) -> None:
    assert short(name_of(kind.kind, kind.group)) == kind.kind


def test_every_structure_that_is_mentioned_is_there() -> None:
    mentioned = {
        referred(shape) for found in schemas().values() for shape in found["properties"].values()
    }
    assert mentioned - {None} <= schemas().keys()


def test_a_list_refers_to_what_its_items_are() -> None:
    containers = schema("io.k8s.api.core.v1.PodSpec")["properties"]["containers"]
    assert referred(containers) == "io.k8s.api.core.v1.Container"


def test_a_map_of_texts_refers_to_nothing() -> None:
    labels = schema("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")["properties"]["labels"]
    assert referred(labels) is None


@pytest.mark.parametrize(
    ("structure", "field"),
    [("DeploymentSpec", "replicas"), ("Container", "readinessProbe"), ("ServiceSpec", "type")],
)
def test_fields_are_described(structure: str, field: str) -> None:
    assert len(description(structure, field)) > 40


def test_a_field_that_does_not_exist_has_no_description() -> None:
    with pytest.raises(KeyError):
        description("DeploymentSpec", "replica")
