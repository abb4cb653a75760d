"""Resetting to a stage deletes what the lessons made, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab import resources
from canarylab.errors import ClusterError
from canarylab.manifests import load
from canarylab.release.apply import apply
from canarylab.release.connection import Connection, Object
from canarylab.release.stages import names_left, promote, reset_to
from tests.needs import needs

pytestmark = needs("linux")
HERE = "default"


def ingress(name: str, **labels: str) -> Object:
    backend = {"service": {"name": "nobody", "port": {"number": 80}}}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"ingressClassName": "nginx", "defaultBackend": backend},
    }


def names(found: Any) -> list[str]:
    return [each.metadata.name for each in found.items]


def test_an_ingress_of_the_lessons_goes_and_any_other_stays(connection: Connection) -> None:
    networking = connection.networking
    networking.create_namespaced_ingress(HERE, ingress("ours", app="nodeapp"))
    networking.create_namespaced_ingress(HERE, ingress("theirs"))

    reset_to(connection, "empty", resources.folder("manifests"))

    assert names(networking.list_namespaced_ingress(HERE)) == ["theirs"]
    networking.delete_namespaced_ingress("theirs", HERE)


def test_a_route_of_the_lessons_goes(connection: Connection) -> None:
    routes = connection.dynamic.resources.get(
        api_version="gateway.networking.k8s.io/v1", kind="HTTPRoute"
    )
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "ours", "labels": {"app": "nodeapp"}},
        "spec": {"parentRefs": [{"name": "gateway"}]},
    }
    routes.create(namespace=HERE, body=route)

    reset_to(connection, "empty", resources.folder("manifests"))

    assert routes.get(namespace=HERE).items == []


@pytest.mark.parametrize("stage", ["02-production", "03-canary", "09-production"])
def test_what_a_stage_needs_stays(connection: Connection, stage: Any) -> None:
    manifests = resources.folder("manifests")
    reset_to(connection, stage, manifests)
    before = connection.core.read_namespaced_service("nodeapp-svc", HERE).metadata.uid

    reset_to(connection, stage, manifests)

    assert connection.core.read_namespaced_service("nodeapp-svc", HERE).metadata.uid == before


def test_a_service_gets_back_the_selector_of_its_manifest(connection: Connection) -> None:
    manifests = resources.folder("manifests")
    reset_to(connection, "02-production", manifests)
    narrower = {"spec": {"selector": {"env": "canary"}}}
    connection.core.patch_namespaced_service("nodeapp-svc", HERE, narrower)

    reset_to(connection, "02-production", manifests)

    service = connection.core.read_namespaced_service("nodeapp-svc", HERE)
    assert service.spec.selector == {"app": "nodeapp"}


def test_a_deployment_gets_back_the_environment_of_its_manifest(connection: Connection) -> None:
    manifests = resources.folder("manifests")
    reset_to(connection, "02-production", manifests)
    container = {"name": "nodeapp", "env": [{"name": "ERROR_RATE", "value": "0.1"}]}
    faulty = {"spec": {"template": {"spec": {"containers": [container]}}}}
    connection.apps.patch_namespaced_deployment("nodeapp-production", HERE, faulty)

    reset_to(connection, "02-production", manifests)

    deployment = connection.apps.read_namespaced_deployment("nodeapp-production", HERE)
    assert deployment.spec.template.spec.containers[0].env is None
    assert deployment.status.ready_replicas == 3


def test_a_config_map_of_the_lessons_goes_and_any_other_stays(connection: Connection) -> None:
    core = connection.core
    core.create_namespaced_config_map(HERE, {"metadata": {"name": "theirs"}})
    ours = {"metadata": {"name": "ours", "labels": {"app": "nodeapp"}}}
    core.create_namespaced_config_map(HERE, ours)

    reset_to(connection, "empty", resources.folder("manifests"))

    assert "ours" not in names(core.list_namespaced_config_map(HERE))
    core.delete_namespaced_config_map("theirs", HERE)


def test_what_is_left_is_named(connection: Connection) -> None:
    reset_to(connection, "02-production", resources.folder("manifests"))
    assert names_left(connection) == ["deployment/nodeapp-production", "service/nodeapp-svc"]


def test_no_image_is_promoted_to_a_production_without_pods(connection: Connection) -> None:
    manifests = resources.folder("manifests")
    for name in ("02-production/production", "03-canary/canary"):
        (manifest,) = load(manifests / f"{name}.yaml")
        manifest["spec"]["replicas"] = 0
        apply(connection, [manifest])

    with pytest.raises(ClusterError, match="nodeapp-production has no pods"):
        promote(connection, "image")

    found = names(connection.apps.list_namespaced_deployment(HERE))
    assert found == ["nodeapp-canary", "nodeapp-production"]
