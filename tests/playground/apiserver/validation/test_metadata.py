"""What an object says about itself."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.apiserver.validation import metadata, names
from canarylab.playground.kube.api import Object


def said(meta: Object, *, namespaced: bool = True) -> list[str]:
    found = metadata.validate_metadata(meta, names.dns_subdomain, namespaced=namespaced)
    return [f"{cause.field}: {cause.message}" for cause in found]


def test_metadata_in_order() -> None:
    meta = {
        "name": "nodeapp",
        "namespace": "lab",
        "labels": {"app": "nodeapp", "example.com/track": ""},
        "annotations": {"note": "anything at all: é, \n, 'quotes'"},
        "finalizers": ["foregroundDeletion"],
        "generation": 3,
    }
    assert said(meta) == []


@pytest.mark.parametrize(
    ("meta", "problem"),
    [
        ({}, "metadata.name: Required value: name or generateName is required"),
        (
            {"name": "a", "namespace": "a.b"},
            'metadata.namespace: Invalid value: "a.b": must not contain dots',
        ),
        (
            {"name": "a", "generation": -1},
            "metadata.generation: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            {"name": "a", "annotations": {"a": "b" * metadata.MAX_ANNOTATION_BYTES}},
            "metadata.annotations: Too long: may not be more than 262144 bytes",
        ),
        (
            {"name": "a", "finalizers": ["orphan", "foregroundDeletion"]},
            'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: '
            "finalizer orphan and foregroundDeletion cannot be both set",
        ),
    ],
)
def test_metadata_out_of_order(meta: Object, problem: str) -> None:
    assert said(meta) == [problem]


def test_some_kinds_have_no_namespace() -> None:
    assert said({"name": "a", "namespace": "lab"}, namespaced=False) == [
        "metadata.namespace: Forbidden: not allowed on this type"
    ]


def test_the_key_of_an_annotation_may_have_capitals() -> None:
    assert said({"name": "a", "annotations": {"Example.com/Note": ""}}) == []


def test_the_key_of_a_label_may_not() -> None:
    [problem] = said({"name": "a", "labels": {"Example.com/Note": ""}})
    assert problem.startswith('metadata.labels: Invalid value: "Example.com/Note": prefix part')


def expression(**fields: Any) -> list[str]:
    given = {"matchExpressions": [{"key": "env", **fields}]}
    return [f"{one.field}: {one.message}" for one in metadata.validate_selector("s", given)]


@pytest.mark.parametrize(
    "fields",
    [
        {"operator": "In", "values": ["prod", "canary"]},
        {"operator": "NotIn", "values": ["prod"]},
        {"operator": "Exists"},
        {"operator": "DoesNotExist"},
    ],
)
def test_selectors_in_order(fields: Object) -> None:
    assert expression(**fields) == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"operator": "In"},
            "s.matchExpressions[0].values: Required value: "
            "must be specified when `operator` is 'In' or 'NotIn'",
        ),
        (
            {"operator": "Exists", "values": ["prod"]},
            "s.matchExpressions[0].values: Forbidden: "
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
        (
            {"operator": "Like", "values": ["prod"]},
            's.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator',
        ),
    ],
)
def test_selectors_out_of_order(fields: Object, problem: str) -> None:
    assert expression(**fields) == [problem]


def test_a_value_to_select_by_has_to_be_a_label() -> None:
    [problem] = expression(operator="In", values=["v 2.0"])
    assert problem.startswith('s.matchExpressions[0].values[0]: Invalid value: "v 2.0"')
