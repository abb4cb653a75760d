"""Bad input on a running cluster: a clear sentence, and nothing changed."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from canarylab import resources
from canarylab.errors import ClusterError, RefusedError
from canarylab.manifests import PRODUCTION, SERVICE, Object, load
from canarylab.release.apply import Applied, apply
from canarylab.release.connection import Connection
from canarylab.release.endpoints import pods_table
from canarylab.release.exec import run_in_pod
from canarylab.release.rollout import scale, wait_until_rolled_out
from canarylab.release.wait import settle
from tests.needs import needs

pytestmark = needs("linux")
MANIFESTS = resources.folder("manifests")
TWO_CAUSES = """The Deployment "nodeapp_production" is invalid:\x20
* metadata.name: Invalid value: "nodeapp_production": a lowercase RFC 1123 subdomain must consist \
of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric \
character (e.g. 'example.com', regex used for validation is \
'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
* spec.template.spec.containers[0].name: Invalid value: "node-app-1.0": must not contain dots"""


def manifest(name: str) -> Object:
    return load(MANIFESTS / name)[0]


def production(**spec: Any) -> Object:
    wanted = copy.deepcopy(manifest("2-production/production.yaml"))
    wanted["spec"].update(spec)
    return wanted


def test_the_manifest_with_two_bad_names_is_refused_in_kubectls_words(
    connection: Connection,
) -> None:
    with pytest.raises(RefusedError) as refused:
        apply(connection, [manifest("2-production/refused/production.yaml")])
    assert refused.value.reply == TWO_CAUSES
    assert pods_table(connection).rows == []


def test_applying_twice_changes_nothing(connection: Connection) -> None:
    wanted = [production(replicas=1)]
    name = "deployment.apps/nodeapp-production"
    assert apply(connection, wanted) == [Applied(name, "created")]
    assert apply(connection, wanted) == [Applied(name, "unchanged")]
    assert apply(connection, [production(replicas=2)]) == [Applied(name, "configured")]


def test_a_custom_kind_can_be_applied_again(connection: Connection) -> None:
    name = "httproute.gateway.networking.k8s.io/nodeapp-split"
    assert apply(connection, [manifest("7-weights/httproute.yaml")]) == [Applied(name, "created")]
    assert apply(connection, [manifest("7-weights/mirror.yaml")]) == [Applied(name, "configured")]
    assert apply(connection, [manifest("7-weights/mirror.yaml")]) == [Applied(name, "unchanged")]


def test_a_kind_that_the_cluster_does_not_know_is_named(connection: Connection) -> None:
    canary = {"apiVersion": "apps/v1", "kind": "Canary", "metadata": {"name": "x"}}
    with pytest.raises(RefusedError, match='no matches for kind "Canary" in version "apps/v1"'):
        apply(connection, [canary])


def test_an_unknown_field_is_refused(connection: Connection) -> None:
    with pytest.raises(RefusedError, match=r'unknown field "spec\.replica"'):
        apply(connection, [production(replica=4)])


def test_an_image_that_was_never_built_ends_the_waiting_with_what_to_do(
    connection: Connection,
) -> None:
    wanted = production(replicas=1)
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = "node_app:9.9"
    apply(connection, [wanted])
    with pytest.raises(ClusterError, match=r"ErrImagePull.*`canarylab build`"):
        wait_until_rolled_out(connection, PRODUCTION)


def test_a_service_without_pods_is_explained(connection: Connection) -> None:
    apply(connection, [manifest("2-production/service.yaml")])
    with pytest.raises(ClusterError, match="has no ready endpoint"):
        settle(connection, SERVICE, "http://127.0.0.1:32089")


def test_scaling_what_is_not_there_is_refused(connection: Connection) -> None:
    with pytest.raises(RefusedError, match=r'deployments\.apps "nobody" not found'):
        scale(connection, "nobody", 2)


def test_a_command_inside_a_pod_gives_its_output_and_its_exit_code(connection: Connection) -> None:
    apply(connection, [production(replicas=1)])
    wait_until_rolled_out(connection, PRODUCTION)
    ((pod, *_),) = pods_table(connection).rows
    program = "console.log(require('os').hostname()); process.exit(3)"
    assert run_in_pod(connection, str(pod), ["node", "-e", program]) == (f"{pod}\n", 3, ())


def test_a_command_inside_a_pod_that_is_not_there_is_refused(connection: Connection) -> None:
    with pytest.raises(ClusterError):
        run_in_pod(connection, "nobody", ["true"])
