"""ConfigMaps, endpoints, namespaces, nodes and events."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.apiserver.validation import MAX_CONFIG_MAP_BYTES, VALIDATORS
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.specimens import said


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
def test_objects_in_order(document: Object) -> None:
    assert said(document) == []


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
            made("EndpointSlice", **{**PIECE, "endpoints": [{}]}),
            "endpoints[0].addresses: Required value: must contain at least 1 address",
        ),
    ],
)
def test_objects_out_of_order(document: Object, problem: str) -> None:
    assert said(document)[0] == problem


def test_a_frozen_config_map_does_not_change() -> None:
    before = made("ConfigMap", data={"a": "1"}, immutable=True)
    assert said(made("ConfigMap", data={"a": "2"}, immutable=True), before) == [
        "data: Forbidden: field is immutable when `immutable` is set"
    ]


def test_a_frozen_config_map_may_get_labels() -> None:
    before = made("ConfigMap", data={"a": "1"}, immutable=True)
    after = {**before, "metadata": {"name": "a", "labels": {"track": "canary"}}}
    assert said(after, before) == []


def test_the_family_of_an_endpoint_slice_stays() -> None:
    after = made("EndpointSlice", addressType="FQDN", endpoints=[{"addresses": ["a.example"]}])
    assert said(after, made("EndpointSlice", **PIECE)) == [
        'addressType: Invalid value: "FQDN": field is immutable'
    ]


def test_every_kind_has_rules() -> None:
    assert VALIDATORS.keys() == KINDS.keys()
