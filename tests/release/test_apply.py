"""Applying manifests: the patch, and the refusals of the API server in kubectl's words."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from canarylab import resources
from canarylab.errors import ApiRefusedError
from canarylab.kube_objects import Object
from canarylab.manifests import load
from canarylab.release.apply import LAST_APPLIED, Applied, apply, patch_for
from canarylab.release.connection import Connection
from canarylab.release.endpoints import pods_table
from tests.needs import needs

MANIFESTS = resources.folder("manifests")
TWO_CAUSES = """The Deployment "nodeapp_production" is invalid:\x20
* metadata.name: Invalid value: "nodeapp_production": a lowercase RFC 1123 subdomain must consist \
of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric \
character (e.g. 'example.com', regex used for validation is \
'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
* spec.template.spec.containers[0].name: Invalid value: "node-app-1.0": must not contain dots"""


def live_after(applied: dict[str, object]) -> dict[str, object]:
    return {"metadata": {"annotations": {LAST_APPLIED: json.dumps(applied)}}}


def test_a_field_that_left_the_manifest_is_removed() -> None:
    before = {"metadata": {"name": "web", "labels": {"a": "1", "b": "2"}}, "spec": {"paused": True}}
    now = {"metadata": {"name": "web", "labels": {"a": "1"}}, "spec": {}}
    patch = patch_for(now, live_after(before))
    assert patch["spec"] == {"paused": None}
    assert patch["metadata"]["labels"] == {"a": "1", "b": None}


def test_a_field_that_somebody_else_set_is_left_alone() -> None:
    live = live_after({"metadata": {"name": "web"}, "spec": {}}) | {"spec": {"replicas": 5}}
    assert patch_for({"metadata": {"name": "web"}, "spec": {}}, live)["spec"] == {}


def container(**fields: Any) -> Object:
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", **fields}]}}}}


ENV = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


@pytest.mark.parametrize(
    ("before", "now", "patched"),
    [
        ({"env": ENV}, {}, {"env": None}),
        ({"env": ENV}, {"env": ENV[:1]}, {"env": [ENV[0], {"$patch": "delete", "name": "B"}]}),
        (
            {"ports": [{"containerPort": 80}, {"containerPort": 81}]},
            {"ports": [{"containerPort": 80}]},
            {"ports": [{"containerPort": 80}, {"$patch": "delete", "containerPort": 81}]},
        ),
        ({"args": ["a", "b"]}, {"args": ["a"]}, {"args": ["a"]}),
    ],
)
def test_what_left_a_container_is_removed(before: Object, now: Object, patched: Object) -> None:
    patch = patch_for(container(**now), live_after(container(**before)))
    assert patch["spec"]["template"]["spec"]["containers"] == [{"name": "web", **patched}]


def test_a_container_that_left_the_manifest_is_removed() -> None:
    before = container()
    before["spec"]["template"]["spec"]["containers"].append({"name": "gone"})
    patch = patch_for(container(), live_after(before))
    gone = {"$patch": "delete", "name": "gone"}
    assert patch["spec"]["template"]["spec"]["containers"] == [{"name": "web"}, gone]


@needs("linux")
def test_a_variable_that_left_the_manifest_leaves_the_pods(connection: Connection) -> None:
    wanted = production(replicas=0)
    wanted["spec"]["template"]["spec"]["containers"][0]["env"] = ENV
    apply(connection, [wanted])
    apply(connection, [production(replicas=0)])
    live = connection.apps.read_namespaced_deployment("nodeapp-production", "default")
    assert live.spec.template.spec.containers[0].env is None


def test_the_manifest_is_remembered_as_kubectl_does() -> None:
    manifest = {
        "metadata": {"name": "web", "annotations": {"mine": "yes"}},
        "spec": {"replicas": 1},
    }
    annotations = patch_for(manifest, {})["metadata"]["annotations"]
    assert json.loads(annotations[LAST_APPLIED]) == manifest
    assert annotations["mine"] == "yes"


def manifest(name: str) -> Object:
    return load(MANIFESTS / name)[0]


def production(**spec: Any) -> Object:
    wanted = copy.deepcopy(manifest("02-production/production.yaml"))
    wanted["spec"].update(spec)
    return wanted


@needs("linux")
def test_the_manifest_with_two_bad_names_is_refused_in_kubectls_words(
    connection: Connection,
) -> None:
    with pytest.raises(ApiRefusedError) as refused:
        apply(connection, [manifest("02-production/refused/production.yaml")])
    assert refused.value.reply == TWO_CAUSES
    assert pods_table(connection).rows == []


@needs("linux")
def test_applying_twice_changes_nothing(connection: Connection) -> None:
    wanted = [production(replicas=1)]
    name = "deployment.apps/nodeapp-production"
    assert apply(connection, wanted) == [Applied(name, "created")]
    assert apply(connection, wanted) == [Applied(name, "unchanged")]
    assert apply(connection, [production(replicas=2)]) == [Applied(name, "configured")]


@needs("linux")
def test_a_custom_kind_can_be_applied_again(connection: Connection) -> None:
    name = "httproute.gateway.networking.k8s.io/nodeapp-split"
    assert apply(connection, [manifest("08-gateway-api/httproute.yaml")]) == [
        Applied(name, "created")
    ]
    assert apply(connection, [manifest("08-gateway-api/mirror.yaml")]) == [
        Applied(name, "configured")
    ]
    assert apply(connection, [manifest("08-gateway-api/mirror.yaml")]) == [
        Applied(name, "unchanged")
    ]


@needs("linux")
def test_a_kind_that_the_cluster_does_not_know_is_named(connection: Connection) -> None:
    canary = {"apiVersion": "apps/v1", "kind": "Canary", "metadata": {"name": "x"}}
    with pytest.raises(ApiRefusedError, match='no matches for kind "Canary" in version "apps/v1"'):
        apply(connection, [canary])


@needs("linux")
def test_an_unknown_field_is_refused(connection: Connection) -> None:
    with pytest.raises(ApiRefusedError, match=r'unknown field "spec\.replica"'):
        apply(connection, [production(replica=4)])


@needs("linux")
@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"kind": "ConfigMap", "data": {"colour": True}}, "colour"),
        (
            {
                "kind": "Pod",
                "spec": {
                    "containers": [
                        {"name": "web", "image": "a", "env": [{"name": "PORT", "value": 1}]}
                    ]
                },
            },
            "PORT",
        ),
    ],
)
def test_a_value_that_has_to_be_in_quotes_is_named(
    connection: Connection, fields: Object, name: str
) -> None:
    wrong = {"apiVersion": "v1", "metadata": {"name": "web"}, **fields}
    with pytest.raises(ApiRefusedError, match=f"Put the value of {name} in quotes"):
        apply(connection, [wrong])
