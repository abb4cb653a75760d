"""Validation of Services."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Object
from tests.playground.apiserver.documents import backend, errors_of, ingress, path, service

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


SERVICE_RULE = "a lowercase RFC 1123 label must consist of lower case"
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
WILDCARD = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character (e.g. '*.example.com', regex used for validation is "
    r"'\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
PATH = "spec.rules[0].http.paths[0]"


def on_host(host: str) -> Object:
    return ingress(rules=[{"host": host, "http": {"paths": [path()]}}])


def to(service: Object | None = None, **fields: Any) -> Object:
    """An Ingress with a path that leads there."""
    return ingress(path(backend={**({"service": service} if service else {}), **fields}))


def of_class(**spec: Any) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "nginx"},
        "spec": {"controller": "k8s.io/ingress-nginx", **spec},
    }


@pytest.mark.parametrize(
    "document",
    [
        ingress(path(), path("/canary")),
        ingress(path("/canary(/|$)(.*)", "ImplementationSpecific")),
        ingress(path("", "ImplementationSpecific")),
        ingress(rules=[], defaultBackend=backend()),
        ingress(rules=[{"host": "a.example"}]),
        ingress(tls=[{"hosts": ["a.example", "*.b.example"], "secretName": "certificate"}]),
        on_host("*.bar.com"),
        to({"name": "a", "port": {"name": "http"}}),
        to(resource={"apiGroup": "example.com", "kind": "Bucket", "name": "a"}),
        of_class(),
        of_class(parameters={"kind": "Settings", "name": "a"}),
        of_class(parameters={"kind": "A", "name": "a", "scope": "Namespace", "namespace": "b"}),
    ],
)
def test_valid_ingresses_are_accepted(document: Object) -> None:
    assert errors_of(document) == []


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (
            on_host("10.0.0.1"),
            'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
        ),
        (on_host("a.*.com"), f'spec.rules[0].host: Invalid value: "a.*.com": {WILDCARD}'),
        (
            ingress(rules=[{"http": {"paths": []}}]),
            "spec.rules[0].http.paths: Required value",
        ),
        (ingress(path("", "Exact")), f'{PATH}.path: Invalid value: "": must be an absolute path'),
        (
            ingress(path("a", "ImplementationSpecific")),
            f'{PATH}.path: Invalid value: "a": must be an absolute path',
        ),
        (ingress(path("/a//b")), f"{PATH}.path: Invalid value: \"/a//b\": must not contain '//'"),
        (ingress(path("/a/..")), f"{PATH}.path: Invalid value: \"/a/..\": cannot end with '/..'"),
        (
            to({"name": "a", "port": {"name": "b", "number": 80}}),
            f'{PATH}.backend: Invalid value: "": cannot set both port name & port number',
        ),
        (
            to({"name": "a", "port": {"number": 70000}}),
            f"{PATH}.backend.service.port.number: Invalid value: 70000: "
            "must be between 1 and 65535, inclusive",
        ),
        (
            to({"name": "", "port": {"number": 80}}),
            f"{PATH}.backend.service.name: Required value",
        ),
        (to(), f'{PATH}.backend: Invalid value: "": resource or service backend is required'),
        (
            to({"name": "a", "port": {"number": 80}}, resource={"kind": "Bucket", "name": "a"}),
            f'{PATH}.backend: Invalid value: "": cannot set both resource and service backends',
        ),
        (
            to(resource={"kind": "a/b", "name": "a"}),
            f"{PATH}.backend.resource.kind: Invalid value: \"a/b\": may not contain '/'",
        ),
        (
            to(resource={"apiGroup": "a..b", "kind": "Bucket", "name": "a"}),
            f'{PATH}.backend.resource.apiGroup: Invalid value: "a..b": {SUBDOMAIN}',
        ),
        (
            ingress(tls=[{"hosts": ["a.*.com"]}]),
            f'spec.tls[0].hosts[0]: Invalid value: "a.*.com": {WILDCARD}',
        ),
        (
            ingress(tls=[{"secretName": "a..b"}]),
            f'spec.tls[0].secretName: Invalid value: "a..b": {SUBDOMAIN}',
        ),
        (
            ingress(ingressClassName="a..b"),
            f'spec.ingressClassName: Invalid value: "a..b": {SUBDOMAIN}',
        ),
        (
            of_class(
                parameters={"kind": "A", "name": "a", "scope": "Namespace", "namespace": "a.b"}
            ),
            'spec.parameters.namespace: Invalid value: "a.b": must not contain dots',
        ),
        (
            of_class(controller="nginx"),
            'spec.controller: Invalid value: "nginx": '
            'must be a domain-prefixed path (such as "acme.io/foo")',
        ),
        (of_class(controller=""), "spec.controller: Required value"),
        (
            of_class(controller="a.b/" + "c" * 250),
            "spec.controller: Too long: may not be more than 250 bytes",
        ),
        (
            of_class(controller="a.b/c d"),
            'spec.controller: Invalid value: "c d": Invalid path (regex used for validation is '
            r"'[A-Za-z0-9/\-._~%!$&'()*+,;=:]+')",
        ),
        (
            of_class(parameters={"kind": "A", "name": "a", "scope": "Namespace"}),
            "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
        ),
        (
            of_class(parameters={"kind": "A", "name": "a", "namespace": "b"}),
            "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
        ),
    ],
)
def test_invalid_ingresses_are_refused(document: Object, problem: str) -> None:
    assert errors_of(document) == [problem]


def test_a_port_of_a_service_has_a_name_without_dots() -> None:
    ports = [{"name": "a.b", "port": 80}]
    assert errors_of(service(ports=ports)) == [
        'spec.ports[0].name: Invalid value: "a.b": must not contain dots'
    ]


def test_a_backend_has_the_name_of_a_service() -> None:
    [problem] = errors_of(to({"name": "Node_App", "port": {"number": 80}}))
    assert problem.startswith(
        f'{PATH}.backend.service.name: Invalid value: "Node_App": {SERVICE_RULE}'
    )


def test_all_backends_and_paths_are_validated() -> None:
    broken = ingress(path("a"), path("b"), defaultBackend={})
    assert [problem.partition(": ")[0] for problem in errors_of(broken)] == [
        "spec.defaultBackend",
        f"{PATH}.path",
        "spec.rules[0].http.paths[1].path",
    ]


def classed(annotation: str) -> Object:
    meta = {"name": "a", "annotations": {"kubernetes.io/ingress.class": annotation}}
    return {**ingress(), "metadata": meta}


def test_field_and_annotation_of_a_new_ingress_name_the_same_class() -> None:
    assert errors_of(classed("other")) == [
        'annotations.kubernetes.io/ingress.class: Invalid value: "other": '
        "must match `ingressClassName` when both are specified"
    ]


@pytest.mark.parametrize(
    ("document", "before"), [(classed("nginx"), None), (classed("other"), classed("nginx"))]
)
def test_the_class_annotation_is_accepted(document: Object, before: Object | None) -> None:
    assert errors_of(document, before) == []


def test_the_controller_of_an_ingress_class_is_immutable() -> None:
    assert errors_of(of_class(controller="example.com/other"), of_class()) == [
        'spec.controller: Invalid value: "example.com/other": field is immutable'
    ]


def test_a_service_of_ten_thousand_ports_is_refused_in_one_sentence() -> None:
    ports = [{"name": f"p{number}", "port": number} for number in range(1, 10_001)]
    assert errors_of(service(ports=ports)) == [
        "spec.ports: Too many: 10000: must have at most 100 items"
    ]
