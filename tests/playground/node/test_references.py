"""What a pod's manifest refers to."""

from __future__ import annotations

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.node.references import (
    ConfigError,
    PodAddress,
    References,
    read_references,
)
from tests.playground.fake_api import FakeApi

ADDRESS = PodAddress("127.64.0.5", "127.64.0.1")
WEB: Object = {
    "name": "web",
    "resources": {"limits": {"cpu": "1500m", "memory": "100Mi"}, "requests": {"cpu": "250m"}},
}
FREE: Object = {"name": "free"}
POD: Object = {
    "metadata": {
        "name": "web-1",
        "namespace": "lab",
        "uid": "u-1",
        "labels": {"app": "nodeapp", "env": "prod"},
        "annotations": {"example.com/note": 'a "word"\n'},
    },
    "spec": {
        "nodeName": "playground",
        "serviceAccountName": "robot",
        "initContainers": [{"name": "first", "resources": {"limits": {"cpu": "1"}}}],
        "containers": [WEB, FREE],
    },
}
OBJECTS: dict[tuple[str, str], Object] = {
    ("ConfigMap", "settings"): {
        "kind": "ConfigMap",
        "data": {"COLOUR": "yellow"},
        "binaryData": {"PICTURE": "AP8="},
    },
    ("Secret", "login"): {"kind": "Secret", "data": {"token": "YWJjMTIz"}},
}
REFERENCES = References(POD, ADDRESS, OBJECTS, {"cpu": "2", "memory": "4Gi"})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web-1"),
        ("metadata.namespace", "lab"),
        ("metadata.uid", "u-1"),
        ("metadata.labels['app']", "nodeapp"),
        ("metadata.labels['nobody']", ""),
        ("metadata.labels", 'app="nodeapp"\nenv="prod"'),
        ("metadata.annotations", 'example.com/note="a \\"word\\"\\n"'),
        ("spec.nodeName", "playground"),
        ("spec.serviceAccountName", "robot"),
        ("status.podIP", "127.64.0.5"),
        ("status.podIPs", "127.64.0.5"),
        ("status.hostIP", "127.64.0.1"),
    ],
)
def test_a_field_of_the_pod_can_be_a_value(path: str, value: str) -> None:
    assert REFERENCES.value({"fieldRef": {"fieldPath": path}}, WEB) == value


@pytest.mark.parametrize(
    "path", ["", "metadata.name.x", "metadata.name['a']", "['a']", "spec['", "spec.nodeSelector"]
)
def test_a_path_to_no_field_is_a_configuration_error(path: str) -> None:
    with pytest.raises(ConfigError, match="does not support the field"):
        REFERENCES.field(path)


@pytest.mark.parametrize(
    ("resource", "container", "divisor", "value"),
    [
        ("limits.cpu", WEB, "0", "2"),
        ("limits.cpu", WEB, "1m", "1500"),
        ("requests.cpu", WEB, "1m", "250"),
        ("limits.memory", WEB, "1Mi", "100"),
        ("limits.memory", WEB, "0", str(100 * 2**20)),
        ("limits.cpu", FREE, "0", "2"),
        ("limits.memory", FREE, "1Gi", "4"),
        ("requests.memory", FREE, "0", "0"),
        ("limits.ephemeral-storage", FREE, "0", "0"),
    ],
)
def test_a_resource_of_a_container_can_be_a_value(
    resource: str, container: Object, divisor: str, value: str
) -> None:
    source = {"resourceFieldRef": {"resource": resource, "divisor": divisor}}
    assert REFERENCES.value(source, container) == value


@pytest.mark.parametrize(("name", "value"), [("web", "1500"), ("first", "1000")])
def test_a_resource_can_be_that_of_another_container(name: str, value: str) -> None:
    source = {"resource": "limits.cpu", "containerName": name, "divisor": "1m"}
    assert REFERENCES.value({"resourceFieldRef": source}, FREE) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"configMapKeyRef": {"name": "settings", "key": "COLOUR"}}, "yellow"),
        ({"secretKeyRef": {"name": "login", "key": "token"}}, "abc123"),
        ({"secretKeyRef": {"name": "login", "key": "x", "optional": True}}, None),
        ({"secretKeyRef": {"name": "nobody", "key": "x", "optional": True}}, None),
    ],
)
def test_an_entry_can_be_a_value(source: Object, value: str | None) -> None:
    assert REFERENCES.value(source, WEB) == value


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"configMapKeyRef": {"name": "nobody", "key": "x"}}, 'configmap "nobody" not found'),
        ({"secretKeyRef": {"name": "nobody", "key": "x"}}, 'secret "nobody" not found'),
        (
            {"secretKeyRef": {"name": "login", "key": "x"}},
            "couldn't find key x in Secret lab/login",
        ),
        (
            {"configMapKeyRef": {"name": "settings", "key": "PICTURE"}},
            "couldn't find key PICTURE in ConfigMap lab/settings",
        ),
        (
            {"resourceFieldRef": {"resource": "limits.cpu", "containerName": "x"}},
            "container x not found",
        ),
        (
            {"fileKeyRef": {"volumeName": "a", "path": "b", "key": "c"}},
            r"does not read variables from files \(fileKeyRef\); use a ConfigMap",
        ),
    ],
)
def test_what_is_missing_is_named_in_the_kubelet_s_words(source: Object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        REFERENCES.value(source, WEB)


def test_a_volume_may_use_the_binary_entries_of_a_config_map() -> None:
    assert REFERENCES.entries("ConfigMap", {"name": "settings"}) == {
        "COLOUR": b"yellow",
        "PICTURE": b"\x00\xff",
    }


async def test_the_objects_of_the_pod_s_namespace_are_read() -> None:
    api = FakeApi()
    for kind, namespace in (("Secret", "lab"), ("Secret", "other"), ("ConfigMap", "lab")):
        meta = {"name": f"of-{namespace}", "namespace": namespace}
        await api.put({"apiVersion": "v1", "kind": kind, "metadata": meta})
    allocatable = {"cpu": "2"}
    await api.put(
        {"kind": "Node", "metadata": {"name": "playground"}, "status": {"allocatable": allocatable}}
    )
    pod = {**POD, "spec": {**POD["spec"], "volumes": [{"name": "a"}]}}
    found = await read_references(api, pod, ADDRESS)
    assert set(found.objects) == {("Secret", "of-lab"), ("ConfigMap", "of-lab")}
    assert found.allocatable == allocatable


async def test_a_pod_that_refers_to_nothing_reads_nothing() -> None:
    api = FakeApi()
    await api.put({"kind": "Secret", "metadata": {"name": "a", "namespace": "lab"}})
    assert (await read_references(api, POD, ADDRESS)).objects == {}
