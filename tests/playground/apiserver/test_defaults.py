"""Defaults of all kinds."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.apiserver.defaults import (
    TOKEN_FOLDER,
    pull_policy,
    qos_class,
    with_defaults,
    with_initial_status,
    with_token,
)
from tests.playground.apiserver.documents import (
    container,
    deployment,
    deployment_of,
    pod,
    service,
    template,
)


def spec(document: Object) -> Any:
    return with_defaults(document)["spec"]


EVERYTHING = [
    deployment(),
    deployment_of(readinessProbe={"httpGet": {"port": 3333}}, env=[{"name": "A"}]),
    deployment(strategy={"type": "Recreate"}),
    pod(volumes=[{"name": "here"}]),
    service(),
    service(type="NodePort", sessionAffinity="ClientIP"),
    service(type="ExternalName", externalName="example.com"),
    {"kind": "Namespace", "metadata": {"name": "lab"}},
    {"kind": "ConfigMap", "metadata": {"name": "settings"}},
    {"kind": "Secret", "metadata": {"name": "login"}, "stringData": {"token": "abc123"}},
    {"kind": "Event", "metadata": {"name": "said"}},
    {"kind": "EndpointSlice", "metadata": {"name": "some"}, "ports": [{"port": 3333}]},
    {"kind": "Node", "metadata": {"name": "playground"}, "status": {"capacity": {"cpu": "2"}}},
    {"kind": "Endpoints", "metadata": {"name": "a"}, "subsets": [{"ports": [{"port": 1}]}]},
    {"kind": "ReplicaSet", "metadata": {"name": "a"}, "spec": {"template": template()}},
]


@pytest.mark.parametrize("document", EVERYTHING, ids=lambda document: document["kind"])
def test_defaults_are_idempotent(document: Object) -> None:
    once = with_defaults(document)
    assert with_defaults(once) == once


@pytest.mark.parametrize("document", EVERYTHING, ids=lambda document: document["kind"])
def test_the_given_object_is_not_changed(document: Object) -> None:
    before = copy.deepcopy(document)
    with_defaults(document)
    assert document == before


def test_defaults_of_a_deployment() -> None:
    assert spec(deployment()) == {
        "progressDeadlineSeconds": 600,
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "selector": {"matchLabels": {"app": "nodeapp", "env": "prod"}},
        "strategy": {
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
            "type": "RollingUpdate",
        },
        "template": {
            "metadata": {"labels": {"app": "nodeapp", "env": "prod"}},
            "spec": {
                "containers": [
                    {
                        "image": "node_app:1.0",
                        "imagePullPolicy": "IfNotPresent",
                        "name": "nodeapp",
                        "resources": {},
                        "terminationMessagePath": "/dev/termination-log",
                        "terminationMessagePolicy": "File",
                    }
                ],
                "dnsPolicy": "ClusterFirst",
                "restartPolicy": "Always",
                "schedulerName": "default-scheduler",
                "securityContext": {},
                "terminationGracePeriodSeconds": 30,
            },
        },
    }


@pytest.mark.parametrize(
    ("strategy", "filled"),
    [
        (
            {"rollingUpdate": {"maxSurge": 0}},
            {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%"},
            },
        ),
        ({"type": "Recreate"}, {"type": "Recreate"}),
        ({"type": "Canary"}, {"type": "Canary"}),
    ],
)
def test_recreate_has_no_rolling_update(strategy: Object, filled: Object) -> None:
    assert spec(deployment(strategy=strategy))["strategy"] == filled


def test_zero_replicas_are_kept() -> None:
    assert spec(deployment(replicas=0))["replicas"] == 0


def test_a_deployment_without_a_spec_gets_one() -> None:
    assert spec({"kind": "Deployment", "metadata": {"name": "a"}})["replicas"] == 1


def test_defaults_of_a_service() -> None:
    ports = [{"port": 80, "targetPort": 3333, "nodePort": 32089}]
    assert spec(service(type="NodePort", ports=ports)) == {
        "externalTrafficPolicy": "Cluster",
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{"nodePort": 32089, "port": 80, "protocol": "TCP", "targetPort": 3333}],
        "selector": {"app": "nodeapp"},
        "sessionAffinity": "None",
        "type": "NodePort",
    }


@pytest.mark.parametrize(
    ("kind", "absent"),
    [
        ("ClusterIP", "externalTrafficPolicy"),
        ("ExternalName", "ipFamilies"),
        ("ExternalName", "internalTrafficPolicy"),
        ("NodePort", "allocateLoadBalancerNodePorts"),
    ],
)
def test_defaults_of_a_service_depend_on_its_type(kind: str, absent: str) -> None:
    assert absent not in spec(service(type=kind))


@pytest.mark.parametrize("target", [{}, {"targetPort": 0}, {"targetPort": ""}])
def test_the_target_port_defaults_to_the_port(target: Object) -> None:
    assert spec(service(ports=[{"port": 80, **target}]))["ports"][0]["targetPort"] == 80


def test_client_ip_affinity_lasts_three_hours() -> None:
    affinity = spec(service(sessionAffinity="ClientIP"))["sessionAffinityConfig"]
    assert affinity == {"clientIP": {"timeoutSeconds": 10800}}


def test_a_namespace_can_be_selected_by_its_name() -> None:
    namespace = with_defaults({"kind": "Namespace", "metadata": {"name": "lab"}})
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": "lab"}


def test_the_port_name_of_an_endpoint_slice_is_empty() -> None:
    piece = with_defaults({"kind": "EndpointSlice", "metadata": {}, "ports": [{"port": 3333}]})
    assert piece["ports"] == [{"name": "", "port": 3333, "protocol": "TCP"}]


def test_the_port_of_endpoints_has_no_default_name() -> None:
    subsets = [{"ports": [{"port": 3333}]}]
    endpoints = with_defaults({"kind": "Endpoints", "metadata": {}, "subsets": subsets})
    assert endpoints["subsets"] == [{"ports": [{"port": 3333, "protocol": "TCP"}]}]


def pod_spec(**given: Any) -> Any:
    return with_defaults(pod(**given))["spec"]


def only_container(**fields: Any) -> Any:
    return pod_spec(containers=[container(**fields)])["containers"][0]


NOT_READY, UNREACHABLE = (
    {
        "key": f"node.kubernetes.io/{name}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    for name in ("not-ready", "unreachable")
)
SPOT = {"key": "spot", "operator": "Exists"}
SHORT = {**NOT_READY, "tolerationSeconds": 5}


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ([], [NOT_READY, UNREACHABLE]),
        ([SPOT], [NOT_READY, UNREACHABLE]),
        ([SHORT], [UNREACHABLE]),
        ([{"key": "node.kubernetes.io/unreachable", "operator": "Exists"}], [NOT_READY]),
        ([{**NOT_READY, "effect": "NoSchedule"}], [NOT_READY, UNREACHABLE]),
        ([{"operator": "Exists"}], []),
        ([{"operator": "Exists", "effect": "NoExecute"}], []),
        ([{"operator": "Exists", "effect": "NoSchedule"}], [NOT_READY, UNREACHABLE]),
    ],
)
def test_a_pod_tolerates_a_lost_node_for_five_minutes(
    given: list[Object], added: list[Object]
) -> None:
    assert spec(pod(tolerations=given))["tolerations"] == [*given, *added]


def test_a_template_gets_no_tolerations() -> None:
    assert "tolerations" not in spec(deployment())["template"]["spec"]


def test_defaults_of_a_pod() -> None:
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
        "tolerations": [NOT_READY, UNREACHABLE],
    }
    assert {name: value for name, value in pod_spec().items() if name != "containers"} == real


@pytest.mark.parametrize("name", ["serviceAccount", "serviceAccountName"])
def test_both_fields_of_the_service_account_are_equal(name: str) -> None:
    filled = pod_spec(**{name: "robot"})
    assert (filled["serviceAccount"], filled["serviceAccountName"]) == ("robot", "robot")


def test_a_template_gets_no_service_account() -> None:
    filled = with_defaults(deployment())["spec"]["template"]["spec"]
    assert "serviceAccountName" not in filled


def test_a_service_account_in_a_template_is_in_both_fields() -> None:
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
def test_the_pull_policy_follows_from_the_tag(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_a_given_pull_policy_is_kept() -> None:
    assert only_container(image="node_app", imagePullPolicy="Never")["imagePullPolicy"] == "Never"


def test_defaults_of_a_probe() -> None:
    probe = {"httpGet": {"port": 3333}, "periodSeconds": 1}
    assert only_container(readinessProbe=probe)["readinessProbe"] == {
        "failureThreshold": 3,
        "httpGet": {"path": "/", "port": 3333, "scheme": "HTTP"},
        "periodSeconds": 1,
        "successThreshold": 1,
        "timeoutSeconds": 1,
    }


@pytest.mark.parametrize("name", ["livenessProbe", "readinessProbe", "startupProbe"])
def test_every_probe_gets_defaults(name: str) -> None:
    assert only_container(**{name: {"tcpSocket": {"port": 1}}})[name]["periodSeconds"] == 10


def test_an_http_hook_gets_a_path() -> None:
    hooks = {"preStop": {"httpGet": {"port": 3333}}, "postStart": {"exec": {"command": ["ls"]}}}
    filled = only_container(lifecycle=hooks)["lifecycle"]
    assert filled["preStop"]["httpGet"] == {"path": "/", "port": 3333, "scheme": "HTTP"}


def test_the_default_protocol_is_tcp() -> None:
    ports = only_container(ports=[{"containerPort": 3333}])["ports"]
    assert ports == [{"containerPort": 3333, "protocol": "TCP"}]


def test_a_field_reference_gets_an_api_version() -> None:
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
        (
            {"downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            {
                "downwardAPI": {
                    "defaultMode": 420,
                    "items": [
                        {
                            "path": "a",
                            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"},
                        }
                    ],
                }
            },
        ),
        (
            {
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "token"}},
                        {"downwardAPI": {"items": [{"resourceFieldRef": {"resource": "a"}}]}},
                    ]
                }
            },
            {
                "projected": {
                    "defaultMode": 420,
                    "sources": [
                        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
                        {
                            "downwardAPI": {
                                "items": [{"resourceFieldRef": {"resource": "a", "divisor": "0"}}]
                            }
                        },
                    ],
                }
            },
        ),
    ],
)
def test_defaults_of_a_volume(volume: Object, filled: Object) -> None:
    assert pod_spec(volumes=[{"name": "here", **volume}])["volumes"] == [{"name": "here", **filled}]


def test_limits_are_the_default_of_requests() -> None:
    limits = {"cpu": "1", "memory": "64Mi"}
    resources = only_container(resources={"limits": limits, "requests": {"cpu": "500m"}})
    assert resources["resources"]["requests"] == {"cpu": "500m", "memory": "64Mi"}


def test_a_template_gets_no_requests() -> None:
    limited = template(containers=[container(resources={"limits": {"cpu": "1"}})])
    filled = with_defaults(deployment(template=limited))["spec"]["template"]["spec"]
    assert filled["containers"][0]["resources"] == {"limits": {"cpu": "1"}}


def resources(**kinds: dict[str, str]) -> Object:
    return {"containers": [{"name": "nodeapp", "resources": kinds}]}


BOTH = {"cpu": "1", "memory": "64Mi"}


@pytest.mark.parametrize(
    ("spec", "quality"),
    [
        (resources(), "BestEffort"),
        (resources(requests={"cpu": "1"}), "Burstable"),
        (resources(limits={"memory": "64Mi"}), "Burstable"),
        (resources(limits=BOTH), "Guaranteed"),
        (resources(limits=BOTH, requests=BOTH), "Guaranteed"),
        (resources(limits=BOTH, requests={"cpu": "500m"}), "Burstable"),
    ],
)
def test_quality_of_service_follows_from_requests_and_limits(spec: Object, quality: str) -> None:
    assert qos_class(spec) == quality


def test_a_new_node_keeps_its_status() -> None:
    node = {"kind": "Node", "metadata": {"name": "playground"}, "status": {"phase": "fine"}}
    assert with_initial_status(node)["status"] == {"phase": "fine"}


def test_text_of_a_secret_is_stored_as_base64() -> None:
    given = {"kind": "Secret", "data": {"token": "b2xk", "user": "YW5u"}}
    assert with_defaults({**given, "stringData": {"token": "abc123"}}) == {
        "kind": "Secret",
        "data": {"token": "YWJjMTIz", "user": "YW5u"},
        "type": "Opaque",
    }


def test_each_container_gets_the_token_of_the_account() -> None:
    made = with_token(pod(), None, "abcde")["spec"]
    assert [volume["name"] for volume in made["volumes"]] == ["kube-api-access-abcde"]
    assert made["containers"][0]["volumeMounts"] == [
        {"name": "kube-api-access-abcde", "readOnly": True, "mountPath": TOKEN_FOLDER}
    ]


@pytest.mark.parametrize(
    ("asked", "account", "has_token"),
    [
        (None, {}, True),
        (None, {"automountServiceAccountToken": False}, False),
        (True, {"automountServiceAccountToken": False}, True),
        (False, {}, False),
    ],
)
def test_the_pod_and_then_its_account_say_whether_there_is_a_token(
    asked: bool | None, account: Object, has_token: bool
) -> None:
    given = pod() if asked is None else pod(automountServiceAccountToken=asked)
    assert ("volumes" in with_token(given, account, "abcde")["spec"]) is has_token


def test_a_container_that_mounts_something_there_itself_gets_no_token() -> None:
    own = {"name": "own", "mountPath": TOKEN_FOLDER}
    given = pod(containers=[container(volumeMounts=[own])])
    assert with_token(given, None, "abcde") == given
