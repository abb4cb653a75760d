"""Bodies that real kubectl sends, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.errors import BadRequestError
from canarylab.kube_objects import Key
from canarylab.playground.apiserver.decode import decode
from canarylab.playground.apiserver.protobuf import MAGIC, decode_protobuf, field_numbers
from canarylab.playground.apiserver.schema.builtin import go_name, schemas
from canarylab.playground.kube.kinds import KINDS
from tests.needs import needs
from tests.playground.apiserver.server import Server

# kubectl 1.32: create namespace lab
NAMESPACE = bytes.fromhex(
    """
    6b3873000a0f0a02763112094e616d657370616365121b0a130a036c616212001a0022002a00320038004200
    12001a020a001a002200
    """
)
# kubectl 1.32: create configmap settings --from-literal=colour=blue --from-literal=size=3
CONFIG_MAP = bytes.fromhex(
    """
    6b3873000a0f0a0276311209436f6e6669674d617012350a180a0873657474696e677312001a0022002a0032
    0038004200120e0a06636f6c6f75721204626c756512090a0473697a651201331a002200
    """
)
# kubectl 1.33: create deployment nodeapp --image=node_app:1.0 --replicas=3 --port=3333
DEPLOYMENT = bytes.fromhex(
    """
    6b3873000a150a07617070732f7631120a4465706c6f796d656e7412da010a270a076e6f646561707012001a
    0022002a003200380042005a0e0a0361707012076e6f646561707012a001080312100a0e0a0361707012076e
    6f64656170701a81010a200a0012001a0022002a003200380042005a0e0a0361707012076e6f646561707012
    5d123f0a0e6e6f64652d6170702d68646b716b120c6e6f64655f6170703a312e302a00320b0a00100018851a
    22002a0042006a007200800100880100900100a201001a00320042004a0052005800600068008201008a0100
    9a0100c2010022020a00280038001a0c0800100018002000280038001a002200
    """
)
# kubectl 1.32: create service nodeport nodeapp-svc --tcp=80:3333 --node-port=32089
SERVICE = bytes.fromhex(
    """
    6b3873000a0d0a0276311207536572766963651282010a2f0a0b6e6f64656170702d73766312001a0022002a
    003200380042005a120a03617070120b6e6f64656170702d737663124b0a1d0a0738302d3333333312035443
    5018502207080010851a1a0028d9fa0112120a03617070120b6e6f64656170702d7376631a0022084e6f6465
    506f72743a00420052005a00600068001a020a001a002200
    """
)
# kubectl 1.32: create service loadbalancer lb --tcp=80:web
SERVICE_BY_NAME = bytes.fromhex(
    """
    6b3873000a0d0a027631120753657276696365126a0a1d0a026c6212001a0022002a003200380042005a090a
    0361707012026c6212450a1c0a0638302d776562120354435018502209080110001a03776562280012090a03
    61707012026c621a00220c4c6f616442616c616e6365723a00420052005a00600068001a020a001a002200
    """
)
# kubectl 1.32: create configmap bin --from-file=b=bin.dat
BINARY = bytes.fromhex(
    """
    6b3873000a0f0a0276311209436f6e6669674d617012200a130a0362696e12001a0022002a00320038004200
    1a090a0162120400fffe011a002200
    """
)
# kubectl 1.32: create ingress one --rule=foo.bar.com/canary*=nodeapp-svc-canary:80 --class=nginx
INGRESS = bytes.fromhex(
    """
    6b3873000a1f0a146e6574776f726b696e672e6b38732e696f2f76311207496e677265737312660a130a036f
    6e6512001a0022002a00320038004200124b1a420a0b666f6f2e6261722e636f6d12330a310a2f0a072f6361
    6e617279121c221a0a126e6f64656170702d7376632d63616e61727912040a0010501a065072656669782205
    6e67696e781a020a001a002200
    """
)
# kubectl 1.32: create ingress two --default-backend=nodeapp-svc:http
#               --rule=a.b/x=svc:web,tls=secret
INGRESS_BY_NAME = bytes.fromhex(
    """
    6b3873000a1f0a146e6574776f726b696e672e6b38732e696f2f76311207496e6772657373126f0a130a0374
    776f12001a0022002a0032003800420012540a1922170a0b6e6f64656170702d73766312080a046874747010
    00120d0a03612e6212067365637265741a280a03612e6212210a1f0a1d0a022f781210220e0a037376631207
    0a0377656210001a0545786163741a020a001a002200
    """
)


def read(body: bytes) -> Any:
    """As it goes into the store; every field has to be one that exists."""
    document = decode_protobuf(body)
    return decode(KINDS[document["kind"]], document, validation="Strict").obj


def test_a_namespace() -> None:
    assert read(NAMESPACE)["metadata"] == {"name": "lab"}


def test_a_config_map() -> None:
    assert read(CONFIG_MAP) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"colour": "blue", "size": "3"},
    }


def test_an_ingress() -> None:
    there = {"service": {"name": "nodeapp-svc-canary", "port": {"number": 80}}}
    paths = [{"path": "/canary", "backend": there, "pathType": "Prefix"}]
    assert read(INGRESS) == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "one"},
        "spec": {
            "ingressClassName": "nginx",
            "rules": [{"host": "foo.bar.com", "http": {"paths": paths}}],
        },
        "status": {"loadBalancer": {}},
    }


def test_an_ingress_with_ports_by_name_and_a_certificate() -> None:
    spec = read(INGRESS_BY_NAME)["spec"]
    assert spec["defaultBackend"]["service"]["port"] == {"name": "http"}
    assert spec["tls"] == [{"hosts": ["a.b"], "secretName": "secret"}]


def test_bytes_in_a_config_map() -> None:
    assert read(BINARY)["binaryData"] == {"b": "AP/+AQ=="}


def test_a_deployment() -> None:
    port = {"containerPort": 3333}
    container = {"name": "node-app-hdkqk", "image": "node_app:1.0", "ports": [port]}
    assert read(DEPLOYMENT) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "nodeapp", "labels": {"app": "nodeapp"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "nodeapp"}},
            "strategy": {},
            "template": {
                "metadata": {"labels": {"app": "nodeapp"}},
                "spec": {"containers": [{**container, "resources": {}}]},
            },
        },
        "status": {},
    }


def test_a_service() -> None:
    assert read(SERVICE)["spec"] == {
        "ports": [
            {
                "name": "80-3333",
                "protocol": "TCP",
                "port": 80,
                "targetPort": 3333,
                "nodePort": 32089,
            }
        ],
        "selector": {"app": "nodeapp-svc"},
        "type": "NodePort",
    }


def test_a_port_by_name() -> None:
    assert read(SERVICE_BY_NAME)["spec"]["ports"][0]["targetPort"] == "web"


NEWER = {
    "ClusterTrustBundleProjection.user", "ConfigMapVolumeSource.defaultUser",
    "Container.restartPolicyRules", "DownwardAPIVolumeFile.user",
    "DownwardAPIVolumeSource.defaultUser", "EmptyDirVolumeSource.mode", "EnvVarSource.fileKeyRef",
    "EphemeralContainer.restartPolicyRules", "GRPCAction.mode", "HTTPGetAction.protocol",
    "KeyToPath.user", "ListMeta.shardInfo", "NodeSpec.podPreemptionPolicy",
    "NodeStatus.declaredFeatures", "NodeSystemInfo.runningInUserNamespace",
    "PodSpec.evictionResponders", "PodSpec.schedulingGroup",
    "PodStatus.allocatedResources", "PodStatus.extendedResourceClaimStatus",
    "PodStatus.nodeAllocatableResourceClaimStatuses", "PodStatus.resources",
    "PodStatus.volumeHealth", "ProjectedVolumeSource.defaultUser", "ResourceHealth.message",
    "SecretVolumeSource.defaultUser", "ServiceAccountTokenProjection.user",
    "VolumeMount.bindMountOptions", "VolumeMountStatus.volumeStatus",
    "VolumeProjection.podCertificate",
}  # fmt: skip
"""Fields that kubectl 1.33 does not know."""


def test_every_field_has_a_number() -> None:
    without = {
        f"{go_name(structure)}.{field}"
        for structure, numbers in field_numbers().items()
        for field in schemas()[structure]["properties"]
        if field not in {"apiVersion", "kind", *names(numbers)}
    }
    assert without == NEWER


def names(numbers: Any) -> list[str]:
    """The fields that have a number, those of inlined structures too."""
    return [
        name
        for field in numbers.values()
        for name in (names(field) if isinstance(field, dict) else [field])
    ]


def envelope(kind: bytes, raw: bytes, api_version: bytes = b"v1") -> bytes:
    type_meta = _field(1, api_version) + _field(2, kind)
    return MAGIC + _field(1, type_meta) + _field(2, raw)


def _field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2, len(value)]) + value


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{}", "does not begin as Kubernetes' protobuf does"),
        (MAGIC, "ends too early, or is damaged"),
        (DEPLOYMENT[:-30], "ends too early, or is damaged"),
        (envelope(b"Gadget", b""), "an object of kind Gadget cannot be read in this form"),
        (envelope(b"ConfigMap", b"\x7a\x01x"), "field 15 of ConfigMap cannot be read in this form"),
        (envelope(b"ConfigMap", b"\x09" + bytes(8)), "field 1 has an unsupported wire type"),
        (envelope(b"ConfigMap", b"\x08\x01"), "field 1 of ConfigMap has another wire type"),
        (envelope(b"ConfigMap", b"\x0a\x03\x0a\x01\xff"), "ends too early, or is damaged"),
    ],
)
def test_an_unreadable_body_is_refused_with_advice(body: bytes, why: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        decode_protobuf(body)
    assert why in str(caught.value)
    assert "use kubectl apply -f" in str(caught.value)


def test_a_negative_number() -> None:
    minus_one = b"\xff" * 9 + b"\x01"
    spec = b"\x08" + minus_one
    body = envelope(b"Deployment", _field(2, spec), b"apps/v1")
    assert decode_protobuf(body)["spec"] == {"replicas": -1}


def test_a_time() -> None:
    meta = b"\x42\x04\x08\x80\xa3\x05"  # field 8 is a Time, whose field 1 is 86400
    body = envelope(b"ConfigMap", _field(1, meta))
    assert decode_protobuf(body)["metadata"] == {"creationTimestamp": "1970-01-02T00:00:00Z"}


@needs("kubectl")
@pytest.mark.parametrize(
    ("command", "made"),
    [
        ("create namespace other", "namespace/other created"),
        ("create configmap settings --from-literal=colour=blue", "configmap/settings created"),
        (
            "create deployment nodeapp --image=node_app:1.0 --replicas=2 --port=3333",
            "deployment.apps/nodeapp created",
        ),
        ("create service nodeport nodeapp-svc --tcp=80:3333", "service/nodeapp-svc created"),
        ("create service clusterip headless --clusterip=None", "service/headless created"),
        ("create service externalname out --external-name=example.com", "service/out created"),
        ("auth can-i create deployments", "yes"),
    ],
)
async def test_bodies_of_this_kubectl_are_read(server: Server, command: str, made: str) -> None:
    result = await server.kubectl(command)
    assert (result.out.strip(), result.err) == (made, "")


RICH_POD = """
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {note: kept}
spec:
  activeDeadlineSeconds: 3600
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions: [{key: kubernetes.io/os, operator: In, values: [linux]}]
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 1
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector: {matchLabels: {a: b}}
  dnsConfig: {nameservers: [10.0.0.1], options: [{name: ndots, value: "2"}]}
  enableServiceLinks: false
  hostAliases: [{ip: 10.0.0.2, hostnames: [db]}]
  imagePullSecrets: [{name: registry}]
  nodeSelector: {kubernetes.io/os: linux}
  securityContext:
    fsGroup: 1000
    supplementalGroups: [1, 2]
    seccompProfile: {type: RuntimeDefault}
  terminationGracePeriodSeconds: 0
  tolerations: [{key: spot, operator: Exists, effect: NoExecute, tolerationSeconds: 5}]
  topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: {matchLabels: {a: b}}
  volumes:
  - {name: empty, emptyDir: {sizeLimit: 1Mi}}
  - name: settings
    configMap: {name: colours, optional: true, items: [{key: a, path: b, mode: 256}]}
  - {name: key, secret: {secretName: key, defaultMode: 256}}
  - {name: labels, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
  containers:
  - name: nodeapp
    image: node_app:1.0
    command: [node]
    args: [server.js]
    workingDir: /app
    ports: [{name: http, containerPort: 3333}]
    envFrom: [{prefix: A_, configMapRef: {name: colours, optional: true}}]
    env:
    - {name: PLAIN, value: blue}
    - {name: SECRET, valueFrom: {secretKeyRef: {name: key, key: a, optional: true}}}
    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: MEMORY, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}
    resources: {limits: {cpu: 500m, memory: 64Mi}, requests: {cpu: 100m}}
    volumeMounts:
    - {name: empty, mountPath: /data, subPath: a}
    - {name: key, mountPath: /key, readOnly: true}
    livenessProbe: {tcpSocket: {port: http}, periodSeconds: 7}
    readinessProbe: {httpGet: {path: /, port: 3333, httpHeaders: [{name: a, value: b}]}}
    startupProbe: {exec: {command: ["true"]}, failureThreshold: 30}
    lifecycle: {preStop: {sleep: {seconds: 0}}}
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    stdin: true
    tty: true
"""


@needs("kubectl")
async def test_kubectl_debugs_a_copy_of_a_pod(server: Server) -> None:
    made = await server.kubectl("apply -f -", stdin=RICH_POD)
    assert (made.out, made.err) == ("pod/web created\n", "")
    copied = await server.kubectl(
        "debug web --copy-to=copy -c debugger --image=node_app:2.0 --keep-liveness "
        "--keep-readiness --keep-startup --keep-annotations --profile=general -- node -e 1"
    )
    assert (copied.code, copied.err) == (0, "")
    original = await server.api.get("Pod", Key("default", "web"))
    copy = await server.api.get("Pod", Key("default", "copy"))
    *containers, debugger = copy["spec"]["containers"]
    assert (debugger["name"], debugger["image"]) == ("debugger", "node_app:2.0")
    added = {"shareProcessNamespace": True}
    assert {**copy["spec"], "containers": containers} == {**original["spec"], **added}
    annotations = original["metadata"]["annotations"]
    assert copy["metadata"]["annotations"] == annotations


@needs("kubectl")
async def test_kubectl_debugs_a_copy_with_another_image(server: Server) -> None:
    await server.kubectl("run web --image=node_app:1.0")
    copied = await server.kubectl("debug web --copy-to=copy --set-image=*=node_app:2.0")
    assert copied.code == 0
    copy = await server.api.get("Pod", Key("default", "copy"))
    assert [one["image"] for one in copy["spec"]["containers"]] == ["node_app:2.0"]


def test_a_number_of_more_than_ten_bytes_is_refused() -> None:
    with pytest.raises(BadRequestError, match="damaged"):
        decode_protobuf(MAGIC + b"\x08" + b"\xff" * 300_000)
