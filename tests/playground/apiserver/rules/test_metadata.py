"""What the server writes into metadata."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime

import pytest

from canarylab.playground.apiserver.rules.metadata import (
    Generators,
    new_metadata,
    next_version,
    with_generation,
)
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import KINDS

MAKERS = Generators(lambda: datetime(2026, 11, 22, tzinfo=UTC), lambda: "uid-1", random.Random(7))


def born(kind: str = "Pod", **meta: object) -> Object:
    made = new_metadata({"metadata": {"namespace": "lab", **meta}}, KINDS[kind], MAKERS)
    return dict(made["metadata"])


def test_a_new_object_has_a_uid_and_a_date() -> None:
    meta = born(name="web")
    assert meta["uid"] == "uid-1"
    assert meta["creationTimestamp"] == "2026-11-22T00:00:00Z"


def test_nobody_brings_a_uid_or_a_generation_of_his_own() -> None:
    meta = born(name="web", uid="mine", generation=7, deletionTimestamp="x", managedFields=[])
    assert meta["uid"] == "uid-1"
    assert meta["generation"] == 1
    assert {"deletionTimestamp", "managedFields"} & meta.keys() == set()


def test_a_made_up_name_has_five_letters_and_no_vowels() -> None:
    name = born(generateName="nodeapp-")["name"]
    assert re.fullmatch("nodeapp-[bcdfghjklmnpqrstvwxz2456789]{5}", name)


def test_a_made_up_name_is_never_too_long() -> None:
    assert len(born(generateName="n" * 100)["name"]) == 63


def test_a_name_that_was_given_is_kept() -> None:
    assert born(name="web", generateName="nodeapp-")["name"] == "web"


def test_generations_are_counted_where_kubernetes_counts_them() -> None:
    counted = [kind for kind in KINDS if "generation" in born(kind, name="web")]
    assert counted == [
        "Pod", "Deployment", "ReplicaSet", "EndpointSlice", "Ingress", "IngressClass",
        "GatewayClass", "Gateway", "HTTPRoute",
    ]  # fmt: skip


def test_cluster_wide_objects_lose_a_namespace() -> None:
    assert "namespace" not in born("Node", name="playground")


def test_the_next_version_keeps_what_is_the_servers() -> None:
    current = {"metadata": {"name": "web", "uid": "1", "deletionTimestamp": "x", "generation": 4}}
    asked = {"metadata": {"name": "web", "uid": "2", "generation": 9, "labels": {"a": "b"}}}
    meta = next_version(asked, current, KINDS["Pod"])["metadata"]
    expected = {"name": "web", "uid": "1", "deletionTimestamp": "x", "generation": 4}
    assert meta == {**expected, "labels": {"a": "b"}}


def test_fields_stand_in_the_order_a_reader_expects() -> None:
    shuffled = {"status": {}, "spec": {}, "metadata": {"name": "web"}, "kind": "Pod"}
    made = new_metadata(shuffled, KINDS["Pod"], MAKERS)
    assert list(made) == ["kind", "apiVersion", "metadata", "spec", "status"]


@pytest.mark.parametrize(
    ("annotations", "generation"),
    [({"note": "x"}, 2), ({"deployment.kubernetes.io/revision": "2"}, 1), ({}, 1)],
)
def test_annotations_of_a_deployment_count_except_its_controllers_revision(
    annotations: dict[str, str], generation: int
) -> None:
    current = {"kind": "Deployment", "metadata": {"name": "web", "generation": 1}, "spec": {}}
    changed = {**current, "metadata": {"name": "web", "generation": 1, "annotations": annotations}}
    assert with_generation(changed, current)["metadata"]["generation"] == generation
