"""What pods get that nobody wrote down."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.apiserver.rules.defaults import with_defaults
from canarylab.playground.apiserver.rules.pod_defaults import pull_policy
from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import container, deployment, pod, template


def spec(**given: Any) -> Any:
    return with_defaults(pod(**given))["spec"]


def only_container(**fields: Any) -> Any:
    return spec(containers=[container(**fields)])["containers"][0]


def test_a_pod_gets_what_a_real_one_gets() -> None:
    real = {
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "serviceAccount": "default",
        "serviceAccountName": "default",
        "terminationGracePeriodSeconds": 30,
    }
    assert {name: value for name, value in spec().items() if name != "containers"} == real


@pytest.mark.parametrize("name", ["serviceAccount", "serviceAccountName"])
def test_both_names_of_the_service_account_say_the_same(name: str) -> None:
    filled = spec(**{name: "robot"})
    assert (filled["serviceAccount"], filled["serviceAccountName"]) == ("robot", "robot")


def test_a_template_gets_no_service_account() -> None:
    filled = with_defaults(deployment())["spec"]["template"]["spec"]
    assert "serviceAccountName" not in filled


def test_a_service_account_in_a_template_is_said_twice() -> None:
    given = deployment(template=template(serviceAccountName="robot"))
    filled = with_defaults(given)["spec"]["template"]["spec"]
    assert filled["serviceAccount"] == "robot"


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("node_app:1.0", "IfNotPresent"),
        ("node_app:latest", "Always"),
        ("node_app", "Always"),
        ("registry:5000/node_app", "Always"),
        ("registry:5000/node_app:1.0", "IfNotPresent"),
        ("node_app@sha256:0123", "IfNotPresent"),
        ("", "Always"),
    ],
)
def test_an_image_that_may_change_is_always_pulled(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_a_pull_policy_that_was_said_is_kept() -> None:
    assert only_container(image="node_app", imagePullPolicy="Never")["imagePullPolicy"] == "Never"


def test_a_probe_gets_what_a_real_one_gets() -> None:
    probe = {"httpGet": {"port": 3333}, "periodSeconds": 1}
    assert only_container(readinessProbe=probe)["readinessProbe"] == {
        "failureThreshold": 3,
        "httpGet": {"path": "/", "port": 3333, "scheme": "HTTP"},
        "periodSeconds": 1,
        "successThreshold": 1,
        "timeoutSeconds": 1,
    }


@pytest.mark.parametrize("name", ["livenessProbe", "readinessProbe", "startupProbe"])
def test_every_probe_is_filled_in(name: str) -> None:
    assert only_container(**{name: {"tcpSocket": {"port": 1}}})[name]["periodSeconds"] == 10


def test_a_hook_gets_a_path() -> None:
    hooks = {"preStop": {"httpGet": {"port": 3333}}, "postStart": {"exec": {"command": ["ls"]}}}
    filled = only_container(lifecycle=hooks)["lifecycle"]
    assert filled["preStop"]["httpGet"] == {"path": "/", "port": 3333, "scheme": "HTTP"}


def test_a_port_is_tcp() -> None:
    ports = only_container(ports=[{"containerPort": 3333}])["ports"]
    assert ports == [{"containerPort": 3333, "protocol": "TCP"}]


def test_a_variable_from_a_field_says_of_which_version() -> None:
    source = {"fieldRef": {"fieldPath": "metadata.name"}}
    env = only_container(env=[{"name": "POD", "valueFrom": source}])["env"]
    assert env[0]["valueFrom"]["fieldRef"] == {"apiVersion": "v1", "fieldPath": "metadata.name"}


@pytest.mark.parametrize(
    ("volume", "filled"),
    [
        ({}, {"emptyDir": {}}),
        ({"configMap": {"name": "a"}}, {"configMap": {"name": "a", "defaultMode": 420}}),
        ({"secret": {"defaultMode": 256}}, {"secret": {"defaultMode": 256}}),
        ({"hostPath": {"path": "/a"}}, {"hostPath": {"path": "/a", "type": ""}}),
        ({"nfs": {"path": "/a"}}, {"nfs": {"path": "/a"}}),
    ],
)
def test_a_volume_gets_what_a_real_one_gets(volume: Object, filled: Object) -> None:
    assert spec(volumes=[{"name": "here", **volume}])["volumes"] == [{"name": "here", **filled}]


def test_who_limits_a_resource_asks_for_all_of_it() -> None:
    limits = {"cpu": "1", "memory": "64Mi"}
    resources = only_container(resources={"limits": limits, "requests": {"cpu": "500m"}})
    assert resources["resources"]["requests"] == {"cpu": "500m", "memory": "64Mi"}


def test_a_template_is_not_asked_for_resources() -> None:
    limited = template(containers=[container(resources={"limits": {"cpu": "1"}})])
    filled = with_defaults(deployment(template=limited))["spec"]["template"]["spec"]
    assert filled["containers"][0]["resources"] == {"limits": {"cpu": "1"}}
