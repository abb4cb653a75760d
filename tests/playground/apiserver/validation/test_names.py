"""Validation of names and metadata."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from canarylab.kube_objects import Object
from canarylab.playground.apiserver.validation import names

LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (names.dns_subdomain_problems, "nodeapp-production"),
        (names.dns_subdomain_problems, "node-app-1.0"),
        (names.dns_subdomain_problems, "n" * 253),
        (names.dns_label_problems, "1nodeapp"),
        (names.dns_label_problems, "n" * 63),
        (names.qualified_name_problems, "track"),
        (names.qualified_name_problems, "example.com/Track_1.0"),
        (names.label_value_problems, ""),
        (names.label_value_problems, "v2.0"),
        (names.label_value_problems, "Canary_1"),
        (names.config_map_key_problems, "data-1"),
        (names.config_map_key_problems, ".hidden"),
        (names.env_var_name_problems, "APP_VERSION"),
        (names.env_var_name_problems, "1.odd-name"),
        (names.percent_problems, "25%"),
        (names.port_name_problems, "http"),
        (names.port_name_problems, "http-2"),
    ],
)
def test_valid_names_are_accepted(rule: Callable[[str], list[str]], text: str) -> None:
    assert rule(text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("node-app-1.0", "must not contain dots"),
        ("node_app", LABEL_RULE),
        ("NodeApp", LABEL_RULE),
        ("-node", LABEL_RULE),
        ("", LABEL_RULE),
        ("n" * 64, "must be no more than 63 characters"),
    ],
)
def test_problems_of_a_dns_label(text: str, problem: str) -> None:
    assert names.dns_label_problems(text) == [problem]


@pytest.mark.parametrize(
    ("rule", "text", "start"),
    [
        (
            names.dns_subdomain_problems,
            "nodeapp_production",
            "a lowercase RFC 1123 subdomain must consist of",
        ),
        (names.dns_subdomain_problems, "n" * 254, "must be no more than 253 characters"),
        (names.dns_subdomain_problems, "a..b", "a lowercase RFC 1123 subdomain must consist of"),
        (names.qualified_name_problems, "my track", "name part must consist of"),
        (names.qualified_name_problems, "", "name part must be non-empty"),
        (names.qualified_name_problems, "n" * 64, "name part must be no more than 63 characters"),
        (names.qualified_name_problems, "/track", "prefix part must be non-empty"),
        (
            names.qualified_name_problems,
            "Example/track",
            "prefix part a lowercase RFC 1123 subdomain",
        ),
        (names.qualified_name_problems, "a/b/c", "a qualified name must consist of"),
        (
            names.label_value_problems,
            "v 2.0",
            "a valid label must be an empty string or consist of",
        ),
        (names.label_value_problems, "v" * 64, "must be no more than 63 characters"),
        (names.config_map_key_problems, "a/b", "a valid config key must consist of"),
        (names.config_map_key_problems, ".", "must not be '.'"),
        (names.config_map_key_problems, "..", "must not be '..'"),
        (names.config_map_key_problems, "..data", "must not start with '..'"),
        (
            names.env_var_name_problems,
            "A=B",
            "a valid environment variable name must consist only of",
        ),
        (
            names.env_var_name_problems,
            "é",
            "a valid environment variable name must consist only of",
        ),
        (
            names.percent_problems,
            "a lot",
            "a valid percent string must be a numeric string followed by",
        ),
        (
            names.percent_problems,
            "-5%",
            "a valid percent string must be a numeric string followed by",
        ),
        (names.port_name_problems, "a-name-much-too-long", "must be no more than 15 characters"),
        (names.port_name_problems, "HTTP", "must contain only alpha-numeric characters (a-z, 0-9)"),
        (names.port_name_problems, "80", "must contain at least one letter (a-z)"),
        (names.port_name_problems, "a--b", "must not contain consecutive hyphens"),
        (names.port_name_problems, "-a", "must not begin or end with a hyphen"),
    ],
)
def test_each_rule_has_its_message(rule: Callable[[str], list[str]], text: str, start: str) -> None:
    assert rule(text)[0].startswith(start)


@pytest.mark.parametrize(
    ("number", "taken"), [(0, False), (1, True), (65535, True), (65536, False), (-1, False)]
)
def test_port_numbers_are_at_most_65535(number: int, taken: bool) -> None:
    assert (names.port_problems(number) == []) is taken


def test_a_trailing_line_break_is_a_problem() -> None:
    assert names.dns_label_problems("nodeapp\n") == [LABEL_RULE]


OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u-1"}


def errors_of(meta: Object, *, namespaced: bool = True) -> list[str]:
    found = names.validate_metadata(meta, names.dns_subdomain_problems, namespaced=namespaced)
    return [f"{cause.field}: {cause.message}" for cause in found]


def test_valid_metadata_is_accepted() -> None:
    meta = {
        "name": "nodeapp",
        "namespace": "lab",
        "labels": {"app": "nodeapp", "example.com/track": ""},
        "annotations": {"note": "anything at all: é, \n, 'quotes'"},
        "finalizers": ["foregroundDeletion", "kubernetes", "example.com/mine"],
        "ownerReferences": [{**OWNER, "controller": True}, {**OWNER, "controller": False}],
        "generation": 3,
    }
    assert errors_of(meta) == []


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
            {"name": "a", "annotations": {"a": "b" * names.MAX_ANNOTATION_BYTES}},
            "metadata.annotations: Too long: may not be more than 262144 bytes",
        ),
        (
            {"name": "a", "finalizers": ["orphan", "foregroundDeletion"]},
            'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: '
            "finalizer orphan and foregroundDeletion cannot be both set",
        ),
        (
            {"name": "a", "finalizers": ["example.com/mine", "x"]},
            'metadata.finalizers[1]: Invalid value: "x": '
            "name is neither a standard finalizer name nor is it fully qualified",
        ),
        (
            {"name": "a", "ownerReferences": [{**OWNER, "apiVersion": "apps/"}]},
            'metadata.ownerReferences.apiVersion: Invalid value: "apps/": '
            "version must not be empty",
        ),
        (
            {"name": "a", "ownerReferences": [{**OWNER, "apiVersion": "a/b/v1"}]},
            'metadata.ownerReferences.apiVersion: Invalid value: "a/b/v1": '
            "version must not be empty",
        ),
        (
            {"name": "a", "ownerReferences": [{**OWNER, "apiVersion": "v1", "kind": "Event"}]},
            'metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event",'
            '"name":"web","uid":"u-1"}: /v1, Kind=Event is disallowed from being an owner',
        ),
        (
            {"name": "a", "ownerReferences": [{**OWNER, "controller": True}] * 2},
            'metadata.ownerReferences: Invalid value: [{"apiVersion":"apps/v1",'
            '"kind":"ReplicaSet","name":"web","uid":"u-1","controller":true},'
            '{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"u-1",'
            '"controller":true}]: Only one reference can have Controller set to true. '
            'Found "true" in references for ReplicaSet/web and ReplicaSet/web',
        ),
    ],
)
def test_invalid_metadata_is_refused(meta: Object, problem: str) -> None:
    assert errors_of(meta) == [problem]


def test_an_owner_without_anything_has_four_errors() -> None:
    empty = "must not be empty"
    assert errors_of({"name": "a", "ownerReferences": [{}]}) == [
        f'metadata.ownerReferences.apiVersion: Invalid value: "": version {empty}',
        f'metadata.ownerReferences.kind: Invalid value: "": {empty}',
        f'metadata.ownerReferences.name: Invalid value: "": {empty}',
        f'metadata.ownerReferences.uid: Invalid value: "": {empty}',
    ]


def test_cluster_scoped_objects_have_no_namespace() -> None:
    assert errors_of({"name": "a", "namespace": "lab"}, namespaced=False) == [
        "metadata.namespace: Forbidden: not allowed on this type"
    ]


def test_annotation_keys_can_have_capitals_in_the_prefix() -> None:
    assert errors_of({"name": "a", "annotations": {"Example.com/Note": ""}}) == []


def test_label_keys_cannot_have_capitals_in_the_prefix() -> None:
    [problem] = errors_of({"name": "a", "labels": {"Example.com/Note": ""}})
    assert problem.startswith('metadata.labels: Invalid value: "Example.com/Note": prefix part')


def expression(**fields: Any) -> list[str]:
    given = {"matchExpressions": [{"key": "env", **fields}]}
    return [f"{one.field}: {one.message}" for one in names.validate_selector("s", given)]


@pytest.mark.parametrize(
    "fields",
    [
        {"operator": "In", "values": ["prod", "canary"]},
        {"operator": "NotIn", "values": ["prod"]},
        {"operator": "Exists"},
        {"operator": "DoesNotExist"},
    ],
)
def test_valid_selectors_are_accepted(fields: Object) -> None:
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
def test_invalid_selectors_are_refused(fields: Object, problem: str) -> None:
    assert expression(**fields) == [problem]


def test_values_of_selectors_are_label_values() -> None:
    [problem] = expression(operator="In", values=["v 2.0"])
    assert problem.startswith('s.matchExpressions[0].values[0]: Invalid value: "v 2.0"')
