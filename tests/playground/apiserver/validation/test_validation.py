"""Validation of ConfigMaps, endpoints, Namespaces, Nodes and Events."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.apiserver.validation import MAX_CONFIG_MAP_BYTES, VALIDATORS
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.documents import errors_of, pod


def made(kind: str, name: str = "a", **fields: Any) -> Object:
    return {
        "kind": kind,
        "apiVersion": KINDS[kind].api_version,
        "metadata": {"name": name},
        **fields,
    }


SUBSET: Object = {"addresses": [{"ip": "10.244.0.1"}], "ports": [{"port": 3333}]}
PIECE: Object = {
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["10.244.0.1"]}],
    "ports": [{"port": 3333}],
}


@pytest.mark.parametrize(
    "document",
    [
        made("Secret", type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": "e30="}),
        made("ConfigMap", data={"colour": "blue", ".a_file-1": ""}, binaryData={"b": "AA=="}),
        made("Namespace"),
        made("Node", "playground.local"),
        made("Event", involvedObject={"kind": "Pod", "name": "a"}),
        made("Endpoints", subsets=[SUBSET]),
        made("EndpointSlice", **PIECE),
        made("EndpointSlice", addressType="FQDN", endpoints=[{"addresses": ["a.example"]}]),
    ],
    ids=lambda document: document["kind"],
)
def test_valid_objects_are_accepted(document: Object) -> None:
    assert errors_of(document) == []


DEEP = base64.b64encode(b"[" * 100_000).decode()
ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (
            made("ConfigMap", data={"..": ""}),
            "data[..]: Invalid value: \"..\": must not be '..'",
        ),
        (
            made("ConfigMap", data={"a": ""}, binaryData={"a": "AA=="}),
            'data[a]: Invalid value: "a": duplicate of key present in binaryData',
        ),
        (
            made("ConfigMap", data={"a": "b" * (MAX_CONFIG_MAP_BYTES + 1)}),
            ": Too long: may not be more than 1048576 bytes",
        ),
        (
            made("Secret", type="kubernetes.io/tls", data={"tls.crt": "YQ=="}),
            "data[tls.key]: Required value",
        ),
        (
            made("Secret", type="kubernetes.io/basic-auth"),
            "data[%s][username]: Required value",
        ),
        (
            made("Secret", type="kubernetes.io/ssh-auth", data={"ssh-privatekey": ""}),
            "data[%s][ssh-privatekey]: Required value",
        ),
        (
            made("Secret", type="kubernetes.io/service-account-token"),
            "metadata.annotations[kubernetes.io/service-account.name]: Required value",
        ),
        (
            made("Secret", type="kubernetes.io/dockerconfigjson"),
            "data[.dockerconfigjson]: Required value",
        ),
        (
            made("Secret", type="kubernetes.io/dockercfg", data={".dockercfg": "aGVsbG8="}),
            'data[.dockercfg]: Invalid value: "<secret contents redacted>": '
            "invalid character 'h' looking for beginning of value",
        ),
        (
            made("Secret", type="kubernetes.io/dockercfg", data={".dockercfg": "W10="}),
            'data[.dockercfg]: Invalid value: "<secret contents redacted>": '
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            made("Secret", type="kubernetes.io/dockercfg", data={".dockercfg": DEEP}),
            'data[.dockercfg]: Invalid value: "<secret contents redacted>": exceeded max depth',
        ),
        (
            made("Secret", data={"a b": ""}),
            'data[a b]: Invalid value: "a b": a valid config key must consist of alphanumeric '
            "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex "
            "used for validation is '[-._a-zA-Z0-9]+')",
        ),
        (
            made("Namespace", "a.b"),
            'metadata.name: Invalid value: "a.b": must not contain dots',
        ),
        (
            {
                **made("Event", involvedObject={"namespace": "other"}),
                "metadata": {"name": "a", "namespace": "lab"},
            },
            'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
        ),
        (
            made("Endpoints", subsets=[{"ports": [{"port": 1}]}]),
            "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
        ),
        (
            made("Endpoints", subsets=[{"notReadyAddresses": [{"ip": "here"}]}]),
            f'subsets[0].notReadyAddresses[0].ip: Invalid value: "here": {ADDRESS}',
        ),
        (
            made("Endpoints", subsets=[{**SUBSET, "ports": [{"port": 0}]}]),
            "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        (
            made("EndpointSlice", **{**PIECE, "addressType": "IPv5"}),
            'addressType: Unsupported value: "IPv5": supported values: "FQDN", "IPv4", "IPv6"',
        ),
        (
            made("EndpointSlice", **{**PIECE, "endpoints": [{"addresses": ["a"]}]}),
            f'endpoints[0].addresses[0]: Invalid value: "a": {ADDRESS}',
        ),
        (
            made("EndpointSlice", **{**PIECE, "ports": [{"port": 0}]}),
            "ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        (
            made("EndpointSlice", **{**PIECE, "endpoints": [{}]}),
            "endpoints[0].addresses: Required value: must contain at least 1 address",
        ),
    ],
)
def test_invalid_objects_are_refused(document: Object, problem: str) -> None:
    assert errors_of(document)[0] == problem


def test_an_immutable_config_map_cannot_change() -> None:
    before = made("ConfigMap", data={"a": "1"}, immutable=True)
    assert errors_of(made("ConfigMap", data={"a": "2"}, immutable=True), before) == [
        "data: Forbidden: field is immutable when `immutable` is set"
    ]


def test_an_immutable_secret_cannot_change() -> None:
    before = made("Secret", data={"a": "MQ=="}, immutable=True)
    assert errors_of(made("Secret", data={"a": "MQ=="}), before) == [
        "immutable: Forbidden: field is immutable when `immutable` is set"
    ]


def test_the_type_of_a_secret_is_immutable() -> None:
    assert errors_of(made("Secret", type="a"), made("Secret", type="b")) == [
        'type: Invalid value: "a": field is immutable'
    ]


def test_labels_of_an_immutable_config_map_can_change() -> None:
    before = made("ConfigMap", data={"a": "1"}, immutable=True)
    after = {**before, "metadata": {"name": "a", "labels": {"track": "canary"}}}
    assert errors_of(after, before) == []


def test_the_address_type_of_an_endpoint_slice_is_immutable() -> None:
    after = made("EndpointSlice", addressType="FQDN", endpoints=[{"addresses": ["a.example"]}])
    assert errors_of(after, made("EndpointSlice", **PIECE)) == [
        'addressType: Invalid value: "FQDN": field is immutable'
    ]


def test_every_kind_has_a_validator() -> None:
    assert VALIDATORS.keys() == KINDS.keys()


def test_what_an_older_canarylab_stored_can_be_deleted_but_not_changed() -> None:
    old = pod(tolerations=[{"key": "a", "effect": "Never"}])
    finalized = {**old, "metadata": {**old["metadata"], "finalizers": ["example.com/a"]}}
    assert errors_of(old) != []
    assert errors_of(old, finalized) == []
    assert errors_of({**old, "metadata": {"name": "A"}}, finalized)[0].startswith("metadata.name")
    assert errors_of(pod(tolerations=[*old["spec"]["tolerations"], {"operator": "Exists"}]), old)


NO_DOMAIN = "name is neither a standard finalizer name nor is it fully qualified"


def held(kind: str, **fields: Any) -> Object:
    return {**made(kind, **fields), "metadata": {"name": "a", "finalizers": ["x"]}}


def test_a_finalizer_has_a_domain() -> None:
    assert errors_of(held("ConfigMap")) == [
        f'metadata.finalizers[0]: Invalid value: "x": {NO_DOMAIN}'
    ]


@pytest.mark.parametrize(
    "document",
    [
        held("Event", involvedObject={"kind": "Pod", "name": "a"}),
        held("PodDisruptionBudget", spec={"minAvailable": 1}),
        held("GatewayClass", spec={"controllerName": "example.com/c"}),
    ],
    ids=lambda document: document["kind"],
)
def test_some_kinds_have_any_finalizer(document: Object) -> None:
    assert errors_of(document) == []


def test_a_finalizer_of_a_namespace_has_a_domain() -> None:
    given = made("Namespace", spec={"finalizers": ["example.com/mine", "kubernetes", "x"]})
    assert errors_of(given) == [f'spec.finalizers: Invalid value: "x": {NO_DOMAIN}']
    before = made("Namespace", spec={"finalizers": ["kubernetes"]})
    assert errors_of(given, before) == [f'spec.finalizers[2]: Invalid value: "x": {NO_DOMAIN}']


def test_a_finalizer_of_a_namespace_is_a_qualified_name() -> None:
    [problem] = errors_of(made("Namespace", spec={"finalizers": ["/x"]}))
    assert problem == 'spec.finalizers: Invalid value: "/x": prefix part must be non-empty'


@pytest.mark.parametrize("fields", [{"finalizers": ["x"]}, {"ownerReferences": [{}]}])
def test_what_an_older_canarylab_stored_can_be_changed(fields: Object) -> None:
    stored = made("ConfigMap", data={"a": ""})
    stored["metadata"] |= fields
    assert errors_of({**stored, "data": {"a": "b"}}, stored) == []
    assert errors_of({**stored, "metadata": {"name": "a"}}, stored) == []
