"""What objects get that nobody wrote down."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from canarylab.playground.apiserver.rules.defaults import with_defaults
from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import deployment, deployment_of, pod, service, template


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
    {"kind": "Event", "metadata": {"name": "said"}},
    {"kind": "EndpointSlice", "metadata": {"name": "some"}, "ports": [{"port": 3333}]},
    {"kind": "Node", "metadata": {"name": "playground"}, "status": {"capacity": {"cpu": "2"}}},
    {"kind": "Endpoints", "metadata": {"name": "a"}, "subsets": [{"ports": [{"port": 1}]}]},
    {"kind": "ReplicaSet", "metadata": {"name": "a"}, "spec": {"template": template()}},
]


@pytest.mark.parametrize("document", EVERYTHING, ids=lambda document: document["kind"])
def test_filling_in_twice_is_filling_in_once(document: Object) -> None:
    once = with_defaults(document)
    assert with_defaults(once) == once


@pytest.mark.parametrize("document", EVERYTHING, ids=lambda document: document["kind"])
def test_the_object_given_stays_as_it_is(document: Object) -> None:
    before = copy.deepcopy(document)
    with_defaults(document)
    assert document == before


def test_a_deployment_gets_what_a_real_one_gets() -> None:
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
def test_only_a_rolling_update_gets_its_knobs(strategy: Object, filled: Object) -> None:
    assert spec(deployment(strategy=strategy))["strategy"] == filled


def test_zero_replicas_are_said() -> None:
    assert spec(deployment(replicas=0))["replicas"] == 0


def test_a_deployment_without_a_spec_gets_one() -> None:
    assert spec({"kind": "Deployment", "metadata": {"name": "a"}})["replicas"] == 1


def test_a_service_gets_what_a_real_one_gets() -> None:
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
def test_a_service_gets_nothing_that_its_type_does_not_have(kind: str, absent: str) -> None:
    assert absent not in spec(service(type=kind))


@pytest.mark.parametrize("target", [{}, {"targetPort": 0}, {"targetPort": ""}])
def test_a_service_port_leads_to_the_same_port(target: Object) -> None:
    assert spec(service(ports=[{"port": 80, **target}]))["ports"][0]["targetPort"] == 80


def test_a_service_remembers_clients_for_three_hours() -> None:
    affinity = spec(service(sessionAffinity="ClientIP"))["sessionAffinityConfig"]
    assert affinity == {"clientIP": {"timeoutSeconds": 10800}}


def test_a_namespace_can_be_selected_by_its_name() -> None:
    namespace = with_defaults({"kind": "Namespace", "metadata": {"name": "lab"}})
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": "lab"}


def test_the_port_of_an_endpoint_slice_has_an_empty_name() -> None:
    piece = with_defaults({"kind": "EndpointSlice", "metadata": {}, "ports": [{"port": 3333}]})
    assert piece["ports"] == [{"name": "", "port": 3333, "protocol": "TCP"}]


def test_the_port_of_endpoints_has_no_name() -> None:
    subsets = [{"ports": [{"port": 3333}]}]
    endpoints = with_defaults({"kind": "Endpoints", "metadata": {}, "subsets": subsets})
    assert endpoints["subsets"] == [{"ports": [{"port": 3333, "protocol": "TCP"}]}]
