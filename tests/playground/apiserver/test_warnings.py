"""Warnings in the words of Kubernetes, and who gets them when."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.apiserver.warnings import creation_warnings, update_warnings
from tests.needs import needs
from tests.playground.apiserver.documents import complete, ingress, service
from tests.playground.apiserver.server import Server, deployment, pod

CLASS = {"name": "old", "annotations": {"kubernetes.io/ingress.class": "nginx"}}
NO_SELECTOR = "a null labelSelector results in matching no pod"
REQUIRED, PREFERRED = (
    f"{kind}DuringSchedulingIgnoredDuringExecution" for kind in ("required", "preferred")
)


def of_container(**fields: Any) -> list[str]:
    """The warnings of a pod with one container that has these fields."""
    return creation_warnings(pod(containers=[{"name": "nodeapp", **fields}]))


def test_the_class_annotation_gives_a_warning() -> None:
    assert creation_warnings({**ingress(), "metadata": CLASS, "spec": {}}) == [
        'annotation "kubernetes.io/ingress.class" is deprecated, '
        "please use 'spec.ingressClassName' instead"
    ]


@pytest.mark.parametrize(
    "obj", [ingress(), {**ingress(), "metadata": CLASS}, {**pod(), "metadata": CLASS}, deployment()]
)
def test_other_objects_give_no_warning(obj: Object) -> None:
    assert creation_warnings(obj) == []


@pytest.mark.parametrize(
    ("obj", "use"),
    [(pod("web-1.0"), "the Pod's hostname"), (deployment("web-1.0"), "Pod names and hostnames")],
)
def test_a_name_with_a_dot(obj: Object, use: str) -> None:
    assert creation_warnings(obj) == [
        f"metadata.name: this is used in {use}, which can result in surprising behavior; "
        "a DNS label is recommended: [must not contain dots]"
    ]


def test_a_variable_that_hides_an_earlier_one() -> None:
    plain, other = {"name": "A", "value": "1"}, {"name": "A", "value": "2"}
    hidden = 'hides previous definition of "A", which may be dropped when using apply'
    assert of_container(env=[plain, {"name": "B"}, other]) == [
        f"spec.containers[0].env[2]: {hidden}"
    ]
    assert of_container(env=[plain, {"name": "A", "value": "$(A)"}]) != []
    assert of_container(env=[plain, {"name": "A", "valueFrom": {}}]) != []
    assert of_container(env=[plain, {"name": "A", "value": "$(A),2"}]) == []


def test_ports_that_are_defined_twice() -> None:
    def port(**fields: Any) -> Object:
        return {"containerPort": 80, "protocol": "TCP", **fields}

    again = "port definition with spec.containers[0].ports[0]"
    second = "spec.containers[0].ports[1]"
    assert of_container(ports=[port(), port(protocol="UDP"), port(containerPort=81)]) == []
    assert of_container(ports=[port(), port()]) == [f"{second}: duplicate {again}"]
    assert of_container(ports=[port(), port(hostPort=8080)]) == [f"{second}: overlapping {again}"]
    fixed = port(hostPort=8080)
    assert of_container(ports=[fixed, port(hostPort=8080, hostIP="10.0.0.1")]) == [
        f"{second}: dangerously ambiguous {again}"
    ]
    assert of_container(ports=[fixed, port(hostPort=8081)]) == []
    assert of_container(ports=[port(name="http", hostIP="10.0.0.1")]) == [
        "spec.containers[0].ports[0]: hostIP set without hostPort: "
        "{Name:http HostPort:0 ContainerPort:80 Protocol:TCP HostIP:10.0.0.1}"
    ]


def test_ports_of_two_containers() -> None:
    containers = [
        {"name": name, "ports": [{"containerPort": 80, "protocol": "TCP"}]} for name in "ab"
    ]
    assert creation_warnings(pod(containers=containers)) == [
        "spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]"
    ]


def test_a_name_of_ports_of_two_containers() -> None:
    containers = [
        {"name": name, "ports": [{"containerPort": port, "name": "http"}]}
        for name, port in (("a", 80), ("b", 81), ("c", 82))
    ]
    first = "spec.containers[0].ports[0]"
    assert creation_warnings(pod(containers=containers)) == [
        f'spec.containers[{index}].ports[0]: duplicate port name "http" with {first}, services and '
        f"probes that select ports by name will use {first}"
        for index in (1, 2)
    ]


def files(*paths: str, **fields: str) -> Object:
    """A source of files with these paths."""
    return {"items": [{"path": path} for path in paths], **fields}


TOKEN = {"serviceAccountToken": {"path": "test"}}


@pytest.mark.parametrize(
    ("volume", "warnings"),
    [
        (
            {"configMap": files("test", "test", name="foo")},
            ['(ConfigMap "foo"): overlapping paths: "test" with "test"'],
        ),
        (
            {"secret": files("test/", "test/app", "testing", secretName="foo")},
            ['(Secret "foo"): overlapping paths: "test/app" with "test"'],
        ),
        (
            {"downwardAPI": files("test/app", "test")},
            ['(DownwardAPI): overlapping paths: "test" with "test/app"'],
        ),
        (
            {"projected": {"sources": [{"configMap": files("test/a", name="foo")}, TOKEN]}},
            [
                '(Projected): overlapping paths: "test" (ServiceAccountToken) with "test/a" '
                '(ConfigMap "foo")'
            ],
        ),
        (
            {"projected": {"sources": [{"secret": files("test/a", name="foo")}, TOKEN]}},
            [
                '(Projected): overlapping paths: "test" (ServiceAccountToken) with "test/a" '
                '(Secret "foo")'
            ],
        ),
        (
            {"projected": {"sources": [TOKEN, {"downwardAPI": files("test/a", "other")}]}},
            [
                '(Projected): overlapping paths: "test/a" (DownwardAPI) with "test" '
                "(ServiceAccountToken)"
            ],
        ),
        ({"projected": {"sources": [TOKEN, {}]}}, ["(Projected) has no sources provided"]),
        ({"configMap": {"name": "foo"}, "projected": {"sources": [TOKEN]}}, []),
    ],
)
def test_files_of_a_volume_that_overlap(volume: Object, warnings: list[str]) -> None:
    obj = pod(volumes=[{"name": "here", **volume}])
    assert creation_warnings(obj) == [f'volume "here" {warning}' for warning in warnings]


EXTERNAL = {"externalIPs": ["192.0.2.1"]}


@pytest.mark.parametrize(
    ("spec", "warnings"),
    [
        ({}, []),
        (
            {"clusterIP": "None", "loadBalancerIP": "192.0.2.1", "sessionAffinity": "ClientIP"},
            [
                "spec.loadBalancerIP is ignored for headless services",
                "spec.SessionAffinity is ignored for headless services",
            ],
        ),
        (
            {"clusterIP": "None", **EXTERNAL},
            [
                "spec.externalIPs is ignored for headless services",
                "spec.externalIPs is deprecated",
            ],
        ),
        (
            {"type": "ExternalName", "externalName": "a.example.com", **EXTERNAL},
            [
                "spec.externalIPs is deprecated",
                'spec.externalIPs is ignored when spec.type is "ExternalName"',
            ],
        ),
        (
            {"externalName": "a.example.com"},
            ['spec.externalName is ignored when spec.type is not "ExternalName"'],
        ),
        (
            {"trafficDistribution": "PreferClose"},
            ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
        ),
    ],
)
def test_a_field_of_a_service(spec: Object, warnings: list[str]) -> None:
    obj = complete(service(**spec))
    assert creation_warnings(obj) == warnings
    assert update_warnings(obj, obj) == warnings


def test_the_old_hints_of_a_service() -> None:
    obj = complete(service())
    hints = "service.kubernetes.io/topology-aware-hints"
    obj["metadata"]["annotations"] = {hints: "auto"}
    assert creation_warnings(obj) == [
        f"annotation {hints} is deprecated, please use service.kubernetes.io/topology-mode instead"
    ]


def test_fractions_of_a_byte() -> None:
    amounts = {"memory": "500m", "cpu": "500m", "ephemeral-storage": "1Gi"}
    invalid = 'fractional byte value "500m" is invalid, must be an integer'
    assert of_container(resources={"limits": amounts, "requests": amounts}) == [
        f"spec.containers[0].resources.limits[memory]: {invalid}",
        f"spec.containers[0].resources.requests[memory]: {invalid}",
    ]
    assert creation_warnings(pod(overhead=amounts)) == [f"spec.overhead[memory]: {invalid}"]


@pytest.mark.parametrize(
    ("spec", "warning"),
    [
        (
            {"hostAliases": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.1"}]},
            'hostAliases[1].ip: duplicate ip "10.0.0.1"',
        ),
        (
            {"imagePullSecrets": [{"name": "a"}, {"name": "b"}, {"name": "a"}]},
            'imagePullSecrets[2].name: duplicate name "a"',
        ),
        (
            {"terminationGracePeriodSeconds": -1},
            "terminationGracePeriodSeconds: must be >= 0; "
            "negative values are invalid and will be treated as 1",
        ),
        (
            {"nodeSelector": {"beta.kubernetes.io/os": "linux", "kubernetes.io/os": "linux"}},
            "nodeSelector[beta.kubernetes.io/os]: "
            'deprecated since v1.14; use "kubernetes.io/os" instead',
        ),
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        REQUIRED: {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [{"key": "node-role.kubernetes.io/master"}]}
                            ]
                        }
                    }
                }
            },
            f"affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0].key: "
            'node-role.kubernetes.io/master is use "node-role.kubernetes.io/control-plane" instead',
        ),
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        PREFERRED: [
                            {
                                "preference": {
                                    "matchExpressions": [{"key": "app.kubernetes.io/created-by"}]
                                }
                            }
                        ]
                    }
                }
            },
            f"affinity.nodeAffinity.{PREFERRED}[0].preference.matchExpressions[0].key: "
            "app.kubernetes.io/created-by is deprecated since v1.9",
        ),
        (
            {"affinity": {"podAffinity": {REQUIRED: [{"topologyKey": "a"}]}}},
            f"affinity.podAffinity.{REQUIRED}[0].labelSelector: {NO_SELECTOR}",
        ),
        (
            {"affinity": {"podAntiAffinity": {PREFERRED: [{"podAffinityTerm": {}}]}}},
            f"affinity.podAntiAffinity.{PREFERRED}[0].podAffinityTerm.labelSelector: {NO_SELECTOR}",
        ),
        (
            {"topologySpreadConstraints": [{"topologyKey": "a"}]},
            f"topologySpreadConstraints[0].labelSelector: {NO_SELECTOR}",
        ),
        (
            {
                "topologySpreadConstraints": [
                    {"topologyKey": "failure-domain.beta.kubernetes.io/zone", "labelSelector": {}}
                ]
            },
            "topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is "
            'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
        ),
        (
            {"volumes": [{"name": "a", "gitRepo": {"repository": "a"}}]},
            "volumes[0].gitRepo: deprecated in v1.11",
        ),
        (
            {"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "storageos": {}}]},
            "volumes[1].storageOS: deprecated in v1.22, non-functional in v1.25+",
        ),
        (
            {"imagePullSecrets": [{"name": "a"}, {}]},
            'imagePullSecrets[1].name: invalid empty name ""',
        ),
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        PREFERRED: [
                            {
                                "preference": {
                                    "matchExpressions": [{"key": "a", "values": ["b", "c d"]}]
                                }
                            }
                        ]
                    }
                }
            },
            f"affinity.nodeAffinity.{PREFERRED}[0].preference.matchExpressions[0].values[1]: c d "
            "is invalid, a valid label must be an empty string or consist of alphanumeric "
            "characters, '-', '_' or '.', and must start and end with an alphanumeric character "
            "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
            "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
    ],
)
def test_a_field_of_a_pod(spec: Object, warning: str) -> None:
    assert creation_warnings(pod(**spec)) == [f"spec.{warning}"]


@pytest.mark.parametrize(
    ("annotation", "warning"),
    [
        (
            "scheduler.alpha.kubernetes.io/critical-pod",
            r"non-functional in v1.16+; use the \"priorityClassName\" field instead",
        ),
        (
            "seccomp.security.alpha.kubernetes.io/pod",
            r"non-functional in v1.27+; use the \"seccompProfile\" field instead",
        ),
        (
            "container.seccomp.security.alpha.kubernetes.io/nodeapp",
            r"non-functional in v1.27+; use the \"seccompProfile\" field instead",
        ),
        (
            "container.apparmor.security.beta.kubernetes.io/nodeapp",
            r"deprecated since v1.30; use the \"appArmorProfile\" field instead",
        ),
    ],
)
def test_an_annotation_of_a_template(annotation: str, warning: str) -> None:
    obj = deployment()
    obj["spec"]["template"]["metadata"]["annotations"] = {annotation: "a"}
    where = f"spec.template.metadata.annotations[{annotation}]"
    assert creation_warnings(obj) == [f"{where}: {warning}"]


def test_a_field_in_place_of_its_annotation_gives_no_warning() -> None:
    security: Object = {"seccompProfile": {}, "appArmorProfile": {}}
    obj = pod(securityContext=security, containers=[{"name": "a", "securityContext": security}])
    obj["metadata"]["annotations"] = {
        "seccomp.security.alpha.kubernetes.io/pod": "a",
        "container.seccomp.security.alpha.kubernetes.io/a": "a",
        "container.apparmor.security.beta.kubernetes.io/a": "a",
    }
    assert creation_warnings(obj) == []


def test_an_update_has_the_warnings_of_a_new_generation() -> None:
    def version(kind: str, generation: int) -> Object:
        obj = deployment()
        obj["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = -1
        meta = {**obj["metadata"], "generation": generation}
        return {**obj, "kind": kind, "metadata": meta}

    for kind in ("Deployment", "ReplicaSet", "Job"):
        assert len(update_warnings(version(kind, 2), version(kind, 1))) == 1
        assert update_warnings(version(kind, 1), version(kind, 1)) == []
    assert update_warnings(version("Pod", 2), version("Pod", 1)) == []


FRACTION = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: node_app:1.0, resources: {limits: {memory: %s}}}]
"""
INVALID = (
    "Warning: spec.template.spec.containers[0].resources.limits[memory]: "
    'fractional byte value "%s" is invalid, must be an integer\n'
)


@needs("kubectl")
async def test_kubectl_prints_the_warnings(server: Server) -> None:
    async def warnings(command: str, memory: str = "500m") -> str:
        return (await server.kubectl(command, stdin=FRACTION % memory)).err

    assert await warnings("create -f -") == INVALID % "500m"
    await server.kubectl("delete deployment web")
    assert await warnings("apply --server-side -f -") == INVALID % "500m"
    assert await warnings("apply --server-side -f -") == ""
    assert await warnings("apply --server-side -f -", "0.1") == INVALID % "100m"
    assert await warnings("replace -f -", "1500m") == INVALID % "1500m"
    assert await warnings("scale deployment web --replicas=2") == INVALID % "1500m"
    assert await warnings("label deployment web a=b") == ""
    assert await warnings("set image deployment web web=node_app:2.0") == INVALID % "1500m"
