"""Metadata that the server writes."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.apiserver.metadata import (
    Generators,
    new_metadata,
    next_version,
    with_generation,
)
from canarylab.playground.kube.kinds import KINDS

MAKERS = Generators(lambda: datetime(2026, 11, 22, tzinfo=UTC), lambda: "uid-1", random.Random(7))


def born(kind: str = "Pod", **meta: object) -> Object:
    made = new_metadata({"metadata": {"namespace": "lab", **meta}}, KINDS[kind], MAKERS)
    return dict(made["metadata"])


def test_a_new_object_has_a_uid_and_a_creation_timestamp() -> None:
    meta = born(name="web")
    assert meta["uid"] == "uid-1"
    assert meta["creationTimestamp"] == "2026-11-22T00:00:00Z"


def test_uid_and_generation_of_the_client_are_ignored() -> None:
    meta = born(name="web", uid="mine", generation=7, deletionTimestamp="x", managedFields=[])
    assert meta["uid"] == "uid-1"
    assert meta["generation"] == 1
    assert {"deletionTimestamp", "managedFields"} & meta.keys() == set()


def test_a_generated_name_ends_in_five_letters_without_vowels() -> None:
    name = born(generateName="nodeapp-")["name"]
    assert re.fullmatch("nodeapp-[bcdfghjklmnpqrstvwxz2456789]{5}", name)


def test_a_generated_name_has_at_most_63_characters() -> None:
    assert len(born(generateName="n" * 100)["name"]) == 63


def test_a_given_name_is_kept() -> None:
    assert born(name="web", generateName="nodeapp-")["name"] == "web"


def test_kinds_with_a_generation() -> None:
    counted = [kind for kind in KINDS if "generation" in born(kind, name="web")]
    assert counted == [
        "Pod", "Deployment", "ReplicaSet", "Job", "PodDisruptionBudget", "EndpointSlice",
        "Ingress", "IngressClass", "GatewayClass", "Gateway", "HTTPRoute", "ReferenceGrant",
    ]  # fmt: skip


def test_a_namespace_is_dropped_from_cluster_scoped_objects() -> None:
    assert "namespace" not in born("Node", name="playground")


def test_the_next_version_keeps_the_fields_of_the_server() -> None:
    current = {"metadata": {"name": "web", "uid": "1", "deletionTimestamp": "x", "generation": 4}}
    asked = {"metadata": {"name": "web", "uid": "2", "generation": 9, "labels": {"a": "b"}}}
    meta = next_version(asked, current, KINDS["Pod"])["metadata"]
    expected = {"name": "web", "uid": "1", "deletionTimestamp": "x", "generation": 4}
    assert meta == {**expected, "labels": {"a": "b"}}


def test_fields_are_in_the_usual_order() -> None:
    shuffled = {"status": {}, "spec": {}, "metadata": {"name": "web"}, "kind": "Pod"}
    made = new_metadata(shuffled, KINDS["Pod"], MAKERS)
    assert list(made) == ["kind", "apiVersion", "metadata", "spec", "status"]


@pytest.mark.parametrize(
    ("annotations", "generation"),
    [({"note": "x"}, 2), ({"deployment.kubernetes.io/revision": "2"}, 1), ({}, 1)],
)
def test_annotations_of_a_deployment_increase_its_generation_except_the_revision(
    annotations: dict[str, str], generation: int
) -> None:
    current = {"kind": "Deployment", "metadata": {"name": "web", "generation": 1}, "spec": {}}
    changed = {**current, "metadata": {"name": "web", "generation": 1, "annotations": annotations}}
    assert with_generation(changed, current)["metadata"]["generation"] == generation
