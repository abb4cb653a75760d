"""Names that Kubernetes takes, and why it does not take others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from canarylab.playground.apiserver.validation import names
from canarylab.playground.kube.api import Object

LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (names.dns_subdomain, "nodeapp-production"),
        (names.dns_subdomain, "node-app-1.0"),
        (names.dns_subdomain, "n" * 253),
        (names.dns_label, "1nodeapp"),
        (names.dns_label, "n" * 63),
        (names.qualified_name, "track"),
        (names.qualified_name, "example.com/Track_1.0"),
        (names.label_value, ""),
        (names.label_value, "v2.0"),
        (names.label_value, "Canary_1"),
        (names.config_map_key, "data-1"),
        (names.config_map_key, ".hidden"),
        (names.env_var_name, "APP_VERSION"),
        (names.env_var_name, "1.odd-name"),
        (names.percent, "25%"),
        (names.port_name, "http"),
        (names.port_name, "http-2"),
    ],
)
def test_good_names_are_taken(rule: Callable[[str], list[str]], text: str) -> None:
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
def test_a_label_says_what_is_wrong(text: str, problem: str) -> None:
    assert names.dns_label(text) == [problem]


@pytest.mark.parametrize(
    ("rule", "text", "start"),
    [
        (
            names.dns_subdomain,
            "nodeapp_production",
            "a lowercase RFC 1123 subdomain must consist of",
        ),
        (names.dns_subdomain, "n" * 254, "must be no more than 253 characters"),
        (names.dns_subdomain, "a..b", "a lowercase RFC 1123 subdomain must consist of"),
        (names.qualified_name, "my track", "name part must consist of"),
        (names.qualified_name, "", "name part must be non-empty"),
        (names.qualified_name, "n" * 64, "name part must be no more than 63 characters"),
        (names.qualified_name, "/track", "prefix part must be non-empty"),
        (names.qualified_name, "Example/track", "prefix part a lowercase RFC 1123 subdomain"),
        (names.qualified_name, "a/b/c", "a qualified name must consist of"),
        (names.label_value, "v 2.0", "a valid label must be an empty string or consist of"),
        (names.label_value, "v" * 64, "must be no more than 63 characters"),
        (names.config_map_key, "a/b", "a valid config key must consist of"),
        (names.config_map_key, ".", "must not be '.'"),
        (names.config_map_key, "..", "must not be '..'"),
        (names.config_map_key, "..data", "must not start with '..'"),
        (names.env_var_name, "A=B", "a valid environment variable name must consist only of"),
        (names.env_var_name, "é", "a valid environment variable name must consist only of"),
        (names.percent, "a lot", "a valid percent string must be a numeric string followed by"),
        (names.percent, "-5%", "a valid percent string must be a numeric string followed by"),
        (names.port_name, "a-name-much-too-long", "must be no more than 15 characters"),
        (names.port_name, "HTTP", "must contain only alpha-numeric characters (a-z, 0-9)"),
        (names.port_name, "80", "must contain at least one letter (a-z)"),
        (names.port_name, "a--b", "must not contain consecutive hyphens"),
        (names.port_name, "-a", "must not begin or end with a hyphen"),
    ],
)
def test_every_rule_says_what_is_wrong(
    rule: Callable[[str], list[str]], text: str, start: str
) -> None:
    assert rule(text)[0].startswith(start)


@pytest.mark.parametrize(
    ("number", "taken"), [(0, False), (1, True), (65535, True), (65536, False), (-1, False)]
)
def test_ports_have_numbers_up_to_65535(number: int, taken: bool) -> None:
    assert (names.port(number) == []) is taken


def test_a_line_break_hides_nothing() -> None:
    assert names.dns_label("nodeapp\n") == [LABEL_RULE]


def said(meta: Object, *, namespaced: bool = True) -> list[str]:
    found = names.validate_metadata(meta, names.dns_subdomain, namespaced=namespaced)
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
            {"name": "a", "annotations": {"a": "b" * names.MAX_ANNOTATION_BYTES}},
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
