"""Validation of volumes, volume mounts and references of variables."""

from __future__ import annotations

import pytest

from canarylab.kube_objects import Object
from tests.playground.apiserver.documents import container, deployment, errors_of, pod, template

LABEL = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
LIMIT = {"path": "cpu", "resourceFieldRef": {"containerName": "web", "resource": "limits.cpu"}}
MODE = "must be a number between 0 and 0777 (octal), both inclusive"


def about_volume(**volume: object) -> list[str]:
    """What is expected about a pod that has this volume."""
    return [
        sentence.removeprefix("spec.volumes[0].")
        for sentence in errors_of(pod(volumes=[{"name": "v", **volume}]))
    ]


@pytest.mark.parametrize(
    "volume",
    [
        {"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"configMap": {"name": "a", "items": [{"key": "a", "path": "b/c", "mode": 0o400}]}},
        {"secret": {"secretName": "a", "optional": True}},
        {"downwardAPI": {"items": [LABEL, LIMIT]}},
        {
            "projected": {
                "sources": [
                    {"secret": {"name": "a"}},
                    {"downwardAPI": {"items": [LABEL]}},
                    {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
                ]
            }
        },
        {"hostPath": {"path": "/var"}},
        {"nfs": {"server": "a", "path": "/b"}},
        {"ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
        {"persistentVolumeClaim": {"claimName": "data"}},
        {"image": {"reference": "node_app:1.0"}},
    ],
)
def test_valid_volumes_are_accepted(volume: Object) -> None:
    assert about_volume(**volume) == []


@pytest.mark.parametrize(
    ("volume", "problem"),
    [
        (
            {"emptyDir": {}, "secret": {"secretName": "a"}},
            "secret: Forbidden: may not specify more than 1 volume type",
        ),
        (
            {"emptyDir": {"sizeLimit": "-1"}},
            "emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
        ),
        (
            {"hostPath": {"path": "/a/../b"}},
            "hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
        ),
        (
            {"hostPath": {"path": "/a", "type": "Folder"}},
            'hostPath.type: Unsupported value: "Folder": supported values: "", "BlockDevice", '
            '"CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
        ),
        ({"configMap": {}}, "configMap.name: Required value"),
        ({"secret": {}}, "secret.secretName: Required value"),
        ({"persistentVolumeClaim": {}}, "persistentVolumeClaim.claimName: Required value"),
        (
            {"secret": {"secretName": "a", "defaultMode": 512}},
            f"secret.defaultMode: Invalid value: 512: {MODE}",
        ),
        (
            {"configMap": {"name": "a", "items": [{"path": "b"}]}},
            "configMap.items[0].key: Required value",
        ),
        (
            {"configMap": {"name": "a", "items": [{"key": "b", "path": "/c"}]}},
            'configMap.items[0].path: Invalid value: "/c": must be a relative path',
        ),
        (
            {"configMap": {"name": "a", "items": [{"key": "b", "path": "c/../d"}]}},
            "configMap.items[0].path: Invalid value: \"c/../d\": must not contain '..'",
        ),
        (
            {"configMap": {"name": "a", "items": [{"key": "b", "path": "..c"}]}},
            "configMap.items[0].path: Invalid value: \"..c\": must not start with '..'",
        ),
        (
            {"configMap": {"name": "a", "items": [{"key": "b", "path": "c", "mode": -1}]}},
            f"configMap.items[0].mode: Invalid value: -1: {MODE}",
        ),
        (
            {"downwardAPI": {"items": [{"path": "a"}]}},
            "downwardAPI: Required value: one of fieldRef and resourceFieldRef is required",
        ),
        (
            {"downwardAPI": {"items": [{**LABEL, **LIMIT}]}},
            'downwardAPI: Invalid value: "resource": fieldRef and resourceFieldRef can not be '
            "specified simultaneously",
        ),
        (
            {"downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "status.podIP"}}]}},
            'downwardAPI.fieldRef.fieldPath: Unsupported value: "status.podIP": supported values: '
            '"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", '
            '"metadata.uid"',
        ),
        (
            {"downwardAPI": {"items": [{"path": "a", "resourceFieldRef": {}}]}},
            "downwardAPI.resourceFieldRef.containerName: Required value",
        ),
        (
            {"projected": {"sources": [{"secret": {}}]}},
            "projected.sources[0].secret.name: Required value",
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": ""}}]}},
            "projected.path: Required value",
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 5}}]}},
            "projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 5: may not "
            "specify a duration less than 10 minutes",
        ),
        (
            {"projected": {"sources": [{"downwardAPI": {"items": [LABEL, LABEL]}}]}},
            'projected: Invalid value: "labels": conflicting duplicate paths',
        ),
        (
            {"projected": {"sources": [{"secret": {"name": "a"}, "configMap": {"name": "a"}}]}},
            "projected.sources[0]: Forbidden: may not specify more than 1 volume type per source",
        ),
        ({"nfs": {"server": "a"}}, "nfs.path: Required value"),
        (
            {"nfs": {"server": "a", "path": "b"}},
            'nfs.path: Invalid value: "b": must be an absolute path',
        ),
        ({"ephemeral": {}}, "ephemeral.volumeClaimTemplate: Required value"),
        ({"image": {}}, "image.reference: Required value"),
    ],
)
def test_invalid_volumes_are_refused(volume: Object, problem: str) -> None:
    assert about_volume(**volume)[0] == problem


def test_the_image_of_a_template_may_be_filled_in_later() -> None:
    volume = {"name": "v", "image": {}}
    assert errors_of(deployment(template=template(volumes=[volume]))) == []


def about(**fields: object) -> list[str]:
    """What is expected about a pod whose container has these fields."""
    document = pod(containers=[container(**fields)], volumes=[{"name": "here"}, {"name": "A"}])
    return [
        sentence.removeprefix("spec.containers[0].")
        for sentence in errors_of(document)
        if sentence.startswith("spec.containers")
    ]


@pytest.mark.parametrize(
    ("mount", "problem"),
    [
        ({"name": "A"}, 'volumeMounts[0].name: Not found: "A"'),  # the volume is invalid
        (
            {"subPath": "/a"},
            'volumeMounts.subPath: Invalid value: "/a": must be a relative path',
        ),
        (
            {"subPath": "a/.."},
            "volumeMounts.subPath: Invalid value: \"a/..\": must not contain '..'",
        ),
        (
            {"subPath": "a", "subPathExpr": "b"},
            'volumeMounts[0].subPathExpr: Invalid value: "b": subPathExpr and subPath are '
            "mutually exclusive",
        ),
        (
            {"mountPropagation": "Both"},
            'volumeMounts.mountPropagation: Unsupported value: "Both": supported values: '
            '"Bidirectional", "HostToContainer", "None"',
        ),
        (
            {"recursiveReadOnly": "Enabled"},
            "volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is "
            "true",
        ),
    ],
)
def test_invalid_mounts_are_refused(mount: Object, problem: str) -> None:
    assert about(volumeMounts=[{"name": "here", "mountPath": "/a", **mount}]) == [problem]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            {"secretKeyRef": {"name": "a"}},
            "secretKeyRef.key: Required value",
        ),
        (
            {"fieldRef": {"fieldPath": "spec.nodeSelector"}},
            'fieldRef.fieldPath: Invalid value: "spec.nodeSelector": error converting fieldPath: '
            "field label not supported: spec.nodeSelector",
        ),
        (
            {"fieldRef": {"fieldPath": "metadata.name['a']"}},
            "fieldRef.fieldPath: Invalid value: \"metadata.name['a']\": error converting "
            "fieldPath: field label does not support subscript: metadata.name['a']",
        ),
        (
            {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v2"}},
            'fieldRef.fieldPath: Invalid value: "metadata.name": error converting fieldPath: '
            "unsupported pod version: v2",
        ),
        (
            {"resourceFieldRef": {"resource": "limits.disk"}},
            'resourceFieldRef.resource: Unsupported value: "limits.disk": supported values: '
            '"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", '
            '"requests.ephemeral-storage", "requests.memory"',
        ),
        (
            {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1k"}},
            'resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and '
            "1 are supported with the cpu resource",
        ),
    ],
)
def test_invalid_references_are_refused(source: Object, problem: str) -> None:
    expected = f"env[0].valueFrom.{problem}"
    assert about(env=[{"name": "A", "valueFrom": source}]) == [expected]


@pytest.mark.parametrize(
    "source",
    [
        {"fieldRef": {"fieldPath": "metadata.labels['example.com/track']"}},
        {"fieldRef": {"fieldPath": "metadata.annotations['Example.com/Track']"}},
        {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}},
        {"resourceFieldRef": {"resource": "requests.hugepages-2Mi"}},
        {"secretKeyRef": {"name": "a", "key": ".b", "optional": True}},
    ],
)
def test_valid_references_are_accepted(source: Object) -> None:
    assert about(env=[{"name": "A", "valueFrom": source}]) == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"secretRef": {}}, "envFrom[0].secretRef.name: Required value"),
        (
            {"secretRef": {"name": "a"}, "configMapRef": {"name": "a"}},
            'envFrom: Invalid value: "": may not have more than one field specified at a time',
        ),
    ],
)
def test_invalid_sources_of_all_variables_are_refused(source: Object, problem: str) -> None:
    assert about(envFrom=[source]) == [problem]
