"""Validation of where a pod may run."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.kube_objects import Object
from tests.playground.apiserver.documents import deployment, errors_of, pod, template

REQUIRED, PREFERRED = (
    f"{kind}DuringSchedulingIgnoredDuringExecution" for kind in ("required", "preferred")
)
PART = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
NO_KEY = [
    "topologyKey: Required value: can not be empty",
    'topologyKey: Invalid value: "": name part must be non-empty',
    f'topologyKey: Invalid value: "": {PART}',
]
WEIGHT = "must be in the range 1-100"
ZONE: Object = {"topologyKey": "topology.kubernetes.io/zone"}
SPREAD: Object = {**ZONE, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}


def expression(operator: str, *values: str, key: str = "disk") -> Object:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def nodes(*expressions: Object, **fields: Any) -> Object:
    """An affinity to nodes."""
    terms = [{"matchExpressions": list(expressions), **fields}]
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}}


@pytest.mark.parametrize(
    "spec",
    [
        {"affinity": nodes(expression("In", "ssd"), expression("Exists"), expression("Gt", "5"))},
        {"affinity": nodes(matchFields=[expression("In", "node", key="metadata.name")])},
        {"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 100, "preference": {}}]}}},
        {"affinity": {"podAntiAffinity": {REQUIRED: [{**ZONE, "labelSelector": {}}]}}},
        {"affinity": {"podAffinity": {PREFERRED: [{"weight": 1, "podAffinityTerm": ZONE}]}}},
        {"topologySpreadConstraints": [SPREAD, {**SPREAD, "whenUnsatisfiable": "ScheduleAnyway"}]},
        {"topologySpreadConstraints": [{**SPREAD, "minDomains": 2, "nodeTaintsPolicy": "Honor"}]},
        {"tolerations": [{"operator": "Exists"}, {"key": "a"}, {"key": "a", "value": "b"}]},
        {"tolerations": [{"key": "a", "effect": "NoExecute", "tolerationSeconds": 5}]},
    ],
)
def test_valid_rules_are_accepted(spec: Object) -> None:
    assert errors_of(pod(**spec)) == []


@pytest.mark.parametrize(
    ("affinity", "field", "problems"),
    [
        (
            nodes(expression("Equals", "ssd")),
            f"nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0]",
            ['operator: Invalid value: "Equals": not a valid selector operator'],
        ),
        (
            nodes(expression("In"), expression("NotIn", "a b")),
            f"nodeAffinity.{REQUIRED}.nodeSelectorTerms[0]",
            [
                "matchExpressions[0].values: Required value: must be specified when `operator` is "
                "'In' or 'NotIn'",
                'matchExpressions[1].values[0]: Invalid value: "a b": a valid label must be an '
                "empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
                "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
                "or '12345', regex used for validation is "
                "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            ],
        ),
        (
            nodes(expression("Exists", "a"), expression("Lt", "1", "2"), expression("Gt")),
            f"nodeAffinity.{REQUIRED}.nodeSelectorTerms[0]",
            [
                "matchExpressions[0].values: Forbidden: may not be specified when `operator` is "
                "'Exists' or 'DoesNotExist'",
                "matchExpressions[1].values: Required value: must be specified single value when "
                "`operator` is 'Lt' or 'Gt'",
                "matchExpressions[2].values: Required value: must be specified single value when "
                "`operator` is 'Lt' or 'Gt'",
            ],
        ),
        (
            nodes(expression("Exists", key="a b")),
            f"nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0]",
            [f'key: Invalid value: "a b": {PART}'],
        ),
        (
            nodes(
                matchFields=[
                    expression("In", "a", "B", key="metadata.name"),
                    expression("Exists", key="spec.nodeName"),
                ]
            ),
            f"nodeAffinity.{REQUIRED}.nodeSelectorTerms[0]",
            [
                "matchFields[0].values: Required value: must be only one value when `operator` is "
                "'In' or 'NotIn' for node field selector",
                f'matchFields[0].values[1]: Invalid value: "B": {SUBDOMAIN}',
                'matchFields[1].operator: Invalid value: "Exists": not a valid selector operator',
                'matchFields[1].key: Invalid value: "spec.nodeName": not a valid field selector '
                "key",
            ],
        ),
        (
            {"nodeAffinity": {REQUIRED: {}}},
            f"nodeAffinity.{REQUIRED}",
            ["nodeSelectorTerms: Required value: must have at least one node selector term"],
        ),
        (
            {"nodeAffinity": {PREFERRED: [{"weight": 0}, {"weight": 101}]}},
            f"nodeAffinity.{PREFERRED}",
            [
                f"[0].weight: Invalid value: 0: {WEIGHT}",
                f"[1].weight: Invalid value: 101: {WEIGHT}",
            ],
        ),
        ({"podAffinity": {REQUIRED: [{}]}}, f"podAffinity.{REQUIRED}[0]", NO_KEY),
        (
            {"podAntiAffinity": {PREFERRED: [{"weight": 1}]}},
            f"podAntiAffinity.{PREFERRED}[0].podAffinityTerm",
            NO_KEY,
        ),
        (
            {"podAntiAffinity": {PREFERRED: [{"podAffinityTerm": ZONE}]}},
            f"podAntiAffinity.{PREFERRED}[0]",
            [f"weight: Invalid value: 0: {WEIGHT}"],
        ),
        (
            {
                "podAffinity": {
                    REQUIRED: [
                        {
                            **ZONE,
                            "labelSelector": {"matchExpressions": [expression("Gt", "1")]},
                            "namespaceSelector": {"matchExpressions": [expression("Is", "1")]},
                            "namespaces": ["a.b"],
                            "matchLabelKeys": ["a"],
                            "mismatchLabelKeys": ["a"],
                        }
                    ]
                }
            },
            f"podAffinity.{REQUIRED}[0]",
            [
                'labelSelector.matchExpressions[0].operator: Invalid value: "Gt": not a valid '
                "selector operator",
                'namespaceSelector.matchExpressions[0].operator: Invalid value: "Is": not a valid '
                "selector operator",
                'namespace: Invalid value: "a.b": must not contain dots',
                'matchLabelKeys[0]: Invalid value: "a": exists in both matchLabelKeys and '
                "mismatchLabelKeys",
            ],
        ),
        (
            {"podAffinity": {REQUIRED: [{**ZONE, "matchLabelKeys": ["a"]}]}},
            f"podAffinity.{REQUIRED}[0]",
            ["matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"],
        ),
    ],
)
def test_invalid_affinities_are_refused(affinity: Object, field: str, problems: list[str]) -> None:
    dot = "" if problems[0].startswith("[") else "."
    expected = [f"spec.template.spec.affinity.{field}{dot}{problem}" for problem in problems]
    assert errors_of(deployment(template=template(affinity=affinity))) == expected


def test_a_preference_can_have_any_value() -> None:
    preference = {"matchExpressions": [expression("In", "a b")]}
    affinity = {"nodeAffinity": {PREFERRED: [{"weight": 1, "preference": preference}]}}
    assert errors_of(pod(affinity=affinity)) == []


@pytest.mark.parametrize(
    ("constraints", "problems"),
    [
        (
            [{}],
            [
                "[0].maxSkew: Invalid value: 0: must be greater than zero",
                "[0].topologyKey: Required value: can not be empty",
                '[0].whenUnsatisfiable: Unsupported value: "": supported values: '
                '"DoNotSchedule", "ScheduleAnyway"',
            ],
        ),
        (
            [SPREAD, {**SPREAD, "maxSkew": 2}],
            [
                "[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "
                '"{topology.kubernetes.io/zone, DoNotSchedule}"'
            ],
        ),
        (
            [{**SPREAD, "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 0}],
            [
                "[0].minDomains: Invalid value: 0: must be greater than zero",
                "[0].minDomains: Invalid value: 0: can only use minDomains if "
                "whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
            ],
        ),
        (
            [
                {
                    **SPREAD,
                    "nodeAffinityPolicy": "Maybe",
                    "matchLabelKeys": ["a b"],
                    "labelSelector": {},
                }
            ],
            [
                '[0].nodeAffinityPolicy: Unsupported value: "Maybe": supported values: "Honor", '
                '"Ignore"',
                f'[0].matchLabelKeys[0]: Invalid value: "a b": {PART}',
            ],
        ),
        (
            [{**SPREAD, "labelSelector": {"matchExpressions": [expression("Is", "a")]}}],
            [
                '[0].labelSelector.matchExpressions[0].operator: Invalid value: "Is": not a valid '
                "selector operator"
            ],
        ),
    ],
)
def test_invalid_spread_constraints_are_refused(
    constraints: list[Object], problems: list[str]
) -> None:
    expected = [f"spec.topologySpreadConstraints{problem}" for problem in problems]
    assert errors_of(pod(topologySpreadConstraints=constraints)) == expected


@pytest.mark.parametrize(
    ("toleration", "problem"),
    [
        ({"key": "a b", "operator": "Exists"}, f'key: Invalid value: "a b": {PART}'),
        (
            {"value": "a"},
            'operator: Invalid value: "": operator must be Exists when `key` is empty, which means '
            '"match all values and all keys"',
        ),
        (
            {"key": "a", "effect": "NoSchedule", "tolerationSeconds": 5},
            "effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when "
            "`tolerationSeconds` is set",
        ),
        (
            {"key": "a", "operator": "Exists", "value": "b"},
            "operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'",
        ),
        (
            {"key": "a", "operator": "Is"},
            'operator: Unsupported value: "Is": supported values: "Equal", "Exists"',
        ),
        (
            {"key": "a", "operator": "Gt", "value": "5"},
            'operator: Unsupported value: "Gt": supported values: "Equal", "Exists", "Lt", "Gt"',
        ),
        (
            {"key": "a", "value": "-"},
            'operator: Invalid value: "-": a valid label must be an empty string or consist of '
            "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            "character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
            "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
        (
            {"key": "a", "effect": "Never"},
            'effect: Unsupported value: "Never": supported values: "NoSchedule", '
            '"PreferNoSchedule", "NoExecute"',
        ),
    ],
)
def test_invalid_tolerations_are_refused(toleration: Object, problem: str) -> None:
    assert errors_of(pod(tolerations=[toleration])) == [f"spec.tolerations[0].{problem}"]
