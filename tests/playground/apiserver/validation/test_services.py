"""Validation of Services."""

from __future__ import annotations

import pytest

from canarylab.playground.kube.api import Object
from tests.playground.apiserver.documents import errors_of, service

HTTP, ALT = {"name": "http", "port": 80}, {"name": "alt", "port": 8080}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"type": "NodePort", "ports": [{"port": 80, "targetPort": "http", "nodePort": 32089}]},
        {"type": "LoadBalancer", "externalTrafficPolicy": "Local"},
        {"type": "ExternalName", "externalName": "example.com.", "ports": []},
        {"clusterIP": "None", "ports": []},
        {"ports": [HTTP, ALT]},
        {"ports": [{**HTTP, "protocol": "TCP"}, {"name": "dns", "port": 80, "protocol": "UDP"}]},
        {"sessionAffinity": "ClientIP"},
        {"externalIPs": ["192.0.2.1"], "externalTrafficPolicy": "Local"},
    ],
)
def test_valid_services_are_accepted(spec: Object) -> None:
    assert errors_of(service(**spec)) == []


RANGE = "provided port is not in the valid range. The range of valid ports is 30000-32767"
ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ({"ports": []}, ["spec.ports: Required value"]),
        ({"ports": [{"port": 80}, ALT]}, ["spec.ports[0].name: Required value"]),
        (
            {"ports": [HTTP, {**ALT, "name": "http"}]},
            ['spec.ports[1].name: Duplicate value: "http"'],
        ),
        (
            {"ports": [HTTP, {**HTTP, "name": "alt"}]},
            ['spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}'],
        ),
        (
            {"ports": [{"port": 0, "targetPort": 1}]},
            ["spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"],
        ),
        (
            {"ports": [{"port": 1, "protocol": "ICMP"}]},
            [
                'spec.ports[0].protocol: Unsupported value: "ICMP": '
                'supported values: "SCTP", "TCP", "UDP"'
            ],
        ),
        (
            {"ports": [{"port": 1, "targetPort": "no_name"}]},
            [
                'spec.ports[0].targetPort: Invalid value: "no_name": '
                "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
            ],
        ),
        (
            {"ports": [{"port": 80, "nodePort": 32089}]},
            ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
        ),
        (
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]},
            [f"spec.ports[0].nodePort: Invalid value: 80: {RANGE}"],
        ),
        (
            {
                "type": "NodePort",
                "ports": [{**HTTP, "nodePort": 30000}, {**ALT, "nodePort": 30000}],
            },
            ["spec.ports[1].nodePort: Duplicate value: 30000"],
        ),
        (
            {"type": "NodePort", "clusterIP": "None"},
            [
                'spec.clusterIPs[0]: Invalid value: "None": '
                "may not be set to 'None' for NodePort services"
            ],
        ),
        ({"type": "ExternalName"}, ["spec.externalName: Required value"]),
        (
            {"type": "ExternalName", "externalName": "a", "clusterIP": "10.0.0.1"},
            ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"],
        ),
        (
            {"clusterIP": "here"},
            [f'spec.clusterIPs[0]: Invalid value: "here": {ADDRESS}'],
        ),
        (
            {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}},
            [
                "spec.sessionAffinityConfig: Forbidden: "
                "must not be set when session affinity is None"
            ],
        ),
        (
            {
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}},
            },
            [
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: "
                "must be greater than 0 and less than 86400"
            ],
        ),
        (
            {"externalTrafficPolicy": "Local"},
            [
                'spec.externalTrafficPolicy: Invalid value: "Local": '
                "may only be set for externally-accessible services"
            ],
        ),
        (
            {"internalTrafficPolicy": "Nearby"},
            [
                'spec.internalTrafficPolicy: Unsupported value: "Nearby": '
                'supported values: "Cluster", "Local"'
            ],
        ),
    ],
)
def test_invalid_services_are_refused(spec: Object, problems: list[str]) -> None:
    assert errors_of(service(**spec)) == problems


@pytest.mark.parametrize(
    ("after", "problems"),
    [
        ({"clusterIP": "10.0.0.1"}, []),
        ({"type": "ExternalName", "externalName": "example.com"}, []),
        ({}, ["spec.clusterIPs[0]: Invalid value: []: primary clusterIP can not be unset"]),
        (
            {"clusterIP": "10.0.0.2"},
            ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set'],
        ),
        (
            {"clusterIP": "None"},
            ['spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set'],
        ),
    ],
)
def test_a_cluster_ip_is_immutable(after: Object, problems: list[str]) -> None:
    assert errors_of(service(**after), service(clusterIP="10.0.0.1")) == problems
