"""Whatever a client sends, it gets an object or a refusal, and the server stays up.

Every value of every document is replaced, one at a time, by each of a list of odd ones, and the
outcome goes all the way: read, patched, applied, filled in, validated, printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from canarylab.errors import ApiError
from canarylab.kube_objects import Object
from canarylab.playground.apiserver import decode as decoding
from canarylab.playground.apiserver.decode import decode, decode_configuration, omitempty
from canarylab.playground.apiserver.defaults import with_defaults
from canarylab.playground.apiserver.managed_fields import FieldManager, apply
from canarylab.playground.apiserver.patch import PatchStyle, apply_patch, decode_patched
from canarylab.playground.apiserver.tables import build_table
from canarylab.playground.apiserver.validation import validate
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.documents import (
    autoscaler,
    complete,
    deployment,
    deployment_of,
    disruption_budget,
    gateway,
    gateway_class,
    http_route,
    ingress,
    job,
    mirror,
    named,
    pod,
    role,
    role_binding,
    rule,
    service,
)

REQUIRED, PREFERRED = (
    f"{kind}DuringSchedulingIgnoredDuringExecution" for kind in ("required", "preferred")
)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ODD: list[Any] = [
    *(None, 0, -1, 1.5, True, "", "x", "25%", 2**40, "2026-11-22T21:42:09Z"),
    *([], {}, [None], [{}], ["a"], [[]], {"a": None}, {"a": {}}),
    *({"$patch": "delete"}, [{"$patch": "delete"}], [{"$patch": "replace"}], {"$retainKeys": 1}),
]


DOCUMENTS: list[Object] = [
    deployment(strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}}),
    deployment_of(
        readinessProbe={"httpGet": {"path": "/", "port": 3333}},
        ports=[{"containerPort": 3333}],
        env=[{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {}}}],
        resources={"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
        lifecycle={"preStop": {"sleep": {"seconds": 1}}},
        volumeMounts=[{"name": "v", "mountPath": "/a"}],
    ),
    {**deployment(replicas=2), "kind": "ReplicaSet"},
    pod(volumes=[{"name": "v", "configMap": {"name": "a"}}], readinessGates=[{}]),
    pod(
        affinity={
            "nodeAffinity": {
                REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [{}], "matchFields": [{}]}]},
                PREFERRED: [{"weight": 1, "preference": {"matchExpressions": [{"values": [""]}]}}],
            },
            "podAffinity": {
                REQUIRED: [{"labelSelector": {}, "namespaces": ["a"], "matchLabelKeys": ["a"]}],
                PREFERRED: [{"podAffinityTerm": {"namespaceSelector": {}}}],
            },
        },
        tolerations=[{"key": "a", "operator": "Exists"}],
        topologySpreadConstraints=[{"maxSkew": 1, "minDomains": 1, "labelSelector": {}}],
        securityContext={"supplementalGroups": [1], "sysctls": [{}], "seccompProfile": {}},
        dnsConfig={"nameservers": ["a"], "searches": ["a"], "options": [{}]},
        hostAliases=[{"ip": "a", "hostnames": ["b"]}],
        resourceClaims=[{"name": "a"}],
        schedulingGates=[{"name": "a"}],
        os={"name": "linux"},
        overhead={"cpu": "1"},
    ),
    pod(
        initContainers=[
            {
                "name": "first",
                "restartPolicyRules": [{"action": "Restart", "exitCodes": {"values": [1]}}],
                "resizePolicy": [{"resourceName": "cpu"}],
                "securityContext": {"capabilities": {"add": ["a"]}, "appArmorProfile": {}},
                "volumeDevices": [{"name": "v"}],
                "resources": {"claims": [{"name": "a", "request": "b"}]},
            }
        ],
        hostnameOverride="a",
        hostUsers=False,
    ),
    service(type="NodePort", sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {}}),
    job(completions=2, selector={"matchLabels": {"a": "b"}}, manualSelector=True),
    autoscaler(
        metrics=[{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Value"}}}],
        behavior={"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 1}]}},
    ),
    disruption_budget(maxUnavailable="25%", unhealthyPodEvictionPolicy="AlwaysAllow"),
    role(),
    role_binding({"kind": "User", "name": "ann"}),
    named("ServiceAccount", secrets=[{"name": "a"}], imagePullSecrets=[{"name": "b"}]),
    named("ConfigMap", data={"a": "b"}, binaryData={"c": "AA=="}),
    named("Secret", data={"a": "Yg=="}, stringData={"c": "d"}, type="Opaque"),
    named("Namespace", spec={"finalizers": ["kubernetes"]}),
    named("Node", status={"capacity": {"cpu": "1"}, "addresses": [{}], "conditions": [{}]}),
    named("Endpoints", subsets=[{"addresses": [{"ip": "1.1.1.1"}], "ports": [{"port": 1}]}]),
    named("EndpointSlice", addressType="IPv4", endpoints=[{"addresses": ["1.1.1.1"]}], ports=[{}]),
    {**ingress(), "metadata": {"name": "a", "annotations": {"a": "b"}}},
    named("IngressClass", spec={"controller": "a.b/c", "parameters": {"kind": "A", "name": "b"}}),
    gateway_class(),
    gateway(tls={"frontend": {"default": {}, "perPort": [{"port": 1, "tls": {}}]}}),
    http_route(rule(matches=[{"headers": [{"name": "a", "value": "b"}]}], filters=[mirror()])),
    named("Event", involvedObject={"kind": "Pod"}, series={"count": 1}, source={"host": "a"}),
]


def variants(document: Any) -> Iterator[Any]:
    """The document with one value replaced, in every place, by everything odd."""
    yield from ODD
    entries: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(document, dict):
        entries = ((key, document[key]) for key in document if key not in ("kind", "apiVersion"))
    elif isinstance(document, list):
        entries = iter(enumerate(document))
    for key, inner in entries:
        for variant in variants(inner):
            changed = document.copy()
            changed[key] = variant
            yield changed


def go_all_the_way(obj: Object, old: Object | None) -> None:
    made = omitempty(with_defaults(obj))
    if not validate(made, old):
        build_table(made["kind"], [made], NOW)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["kind"])
def test_a_mutated_document_is_read_or_refused(document: Object) -> None:
    for variant in variants(document):
        with suppress(ApiError):
            go_all_the_way(decode(KINDS[document["kind"]], variant).obj, None)


@pytest.mark.parametrize("name", ["apiVersion", "kind"])
def test_an_odd_version_or_kind_is_refused(name: str) -> None:
    for odd in filter(None, ODD):
        with pytest.raises(ApiError):
            decode(KINDS["Deployment"], {**deployment(), name: odd})


BOTH: list[PatchStyle] = ["strategic", "merge"]
PATCHED: list[tuple[Object, PatchStyle]] = [
    (document, style)
    for document in DOCUMENTS
    for style in BOTH
    if style == "merge" or not KINDS[document["kind"]].is_custom
]


@pytest.mark.parametrize(("document", "style"), PATCHED)
def test_a_mutated_patch_is_applied_or_refused(document: Object, style: PatchStyle) -> None:
    kind, current = KINDS[document["kind"]], complete(document)
    for variant in variants({**document, "kind": kind.kind}):
        with suppress(ApiError):
            after = apply_patch(current, variant, style)
            go_all_the_way(decode_patched(kind, after, variant, style).obj, current)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["kind"])
def test_a_mutated_configuration_is_applied_or_refused(document: Object) -> None:
    kind, live, mine = KINDS[document["kind"]], complete(document), FieldManager("mine")
    for variant in variants(document):
        with suppress(ApiError):
            configuration = decode_configuration(kind, variant)
            applied = apply(live, configuration, mine, is_forced=True, now=NOW)
            go_all_the_way(decoding.complete(kind, applied.object), live)
