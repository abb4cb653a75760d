"""Validation of where a pod may run: affinity, tolerations, topology spread constraints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from canarylab.errors import Cause
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.field_errors import (
    duplicate,
    forbidden,
    invalid,
    invalid_for_each,
    required,
    unsupported,
)
from canarylab.playground.apiserver.validation import names
from canarylab.playground.apiserver.validation.fields import (
    DNS_SUBDOMAIN,
    QUALIFIED_NAME,
    Check,
    among,
    each,
    every,
    fields,
    filled,
    needed,
    optional_fields,
    positive,
)

_NODE_OPERATORS = (*names.OPERATORS, *names.COMPARISONS)
_EFFECT = filled(among("NoSchedule", "PreferNoSchedule", "NoExecute"))
_MAX_WEIGHT = 100


def toleration(field: str, given: Object) -> Iterator[Cause]:
    """Errors of a toleration of taints."""
    key, operator, value, effect = (
        given.get(name, "") for name in ("key", "operator", "value", "effect")
    )
    if key:
        yield from QUALIFIED_NAME(f"{field}.key", key)
    elif operator != "Exists":
        problem = "operator must be Exists when `key` is empty, which means "
        yield invalid(f"{field}.operator", operator, f'{problem}"match all values and all keys"')
    if "tolerationSeconds" in given and effect != "NoExecute":
        problem = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        yield invalid(f"{field}.effect", effect, problem)
    yield from _tolerated(f"{field}.operator", operator, value)
    yield from _EFFECT(f"{field}.effect", effect)


def _tolerated(field: str, operator: str, value: str) -> Iterator[Cause]:
    if operator in ("", "Equal"):
        if problems := names.label_value_problems(value):
            yield invalid(field, value, ";".join(problems))
    elif operator != "Exists":
        numeric = names.COMPARISONS[::-1] if operator in names.COMPARISONS else ()
        yield unsupported(field, operator, ["Equal", "Exists", *numeric])
    elif value:
        yield invalid(field, value, "value must be empty when `operator` is 'Exists'")


def spread_constraints(field: str, constraints: Sequence[Object] | None) -> Iterator[Cause]:
    """Errors of topology spread constraints."""
    kinds = [
        (each.get("topologyKey", ""), each.get("whenUnsatisfiable", ""))
        for each in constraints or ()
    ]
    for index, constraint in enumerate(constraints or ()):
        item = f"{field}[{index}]"
        yield from _CONSTRAINT(item, constraint)
        if kinds[index] in kinds[index + 1 :]:
            shown = f"{{{', '.join(kinds[index])}}}"
            yield duplicate(f"{item}.{{topologyKey, whenUnsatisfiable}}", shown)
        yield from _min_domains(f"{item}.minDomains", constraint)
        yield from _NODE_POLICIES(item, constraint)
        yield from _label_keys(item, constraint)
        yield from names.validate_selector(
            f"{item}.labelSelector", constraint.get("labelSelector", {})
        )


def _min_domains(field: str, constraint: Object) -> Iterator[Cause]:
    domains, action = constraint.get("minDomains"), constraint.get("whenUnsatisfiable", "")
    if domains is None:
        return
    yield from positive(field, domains)
    if action != "DoNotSchedule":
        only = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        yield invalid(field, domains, only)


def _label_keys(field: str, term: Object) -> Iterator[Cause]:
    """Errors of the labels whose values a pod shares, or does not share, with the others."""
    keys = {name: term.get(name, []) for name in ("matchLabelKeys", "mismatchLabelKeys")}
    for name, listed in keys.items():
        if listed and "labelSelector" not in term:
            yield forbidden(
                f"{field}.{name}", "must not be specified when labelSelector is not set"
            )
        else:
            yield from _KEYS(f"{field}.{name}", listed)
    for index, key in enumerate(keys["matchLabelKeys"]):
        if key in keys["mismatchLabelKeys"]:
            problem = "exists in both matchLabelKeys and mismatchLabelKeys"
            yield invalid(f"{field}.matchLabelKeys[{index}]", key, problem)


def _pod_term(field: str, value: Object | None) -> Iterator[Cause]:
    term = value or {}
    for name in ("labelSelector", "namespaceSelector"):
        yield from names.validate_selector(f"{field}.{name}", term.get(name, {}))
    for name in term.get("namespaces", []):
        problems = names.dns_label_problems(name)
        yield from invalid_for_each(f"{field}.namespace", name, problems)
    yield from _label_keys(field, term)
    yield from _POD_TERM(field, term)


def _field_expression(field: str, entry: Object) -> Iterator[Cause]:
    """Errors of an expression that selects a node by its name."""
    key, operator, values = entry.get("key", ""), entry.get("operator", ""), entry.get("values", [])
    if operator not in ("In", "NotIn"):
        yield invalid(f"{field}.operator", operator, "not a valid selector operator")
    elif len(values) != 1:
        problem = (
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        )
        yield required(f"{field}.values", problem)
    if key != "metadata.name":
        yield invalid(f"{field}.key", key, "not a valid field selector key")
    else:
        yield from _NODE_NAMES(f"{field}.values", values)


def _weight(field: str, weight: int | None) -> Iterator[Cause]:
    if not 1 <= (weight or 0) <= _MAX_WEIGHT:
        yield invalid(field, weight or 0, "must be in the range 1-100")


def _node_term(*, check_values: bool) -> Check:
    def expression(field: str, entry: Object) -> Iterator[Cause]:
        yield from names.validate_expression(
            field, entry, _NODE_OPERATORS, check_values=check_values
        )

    return fields(matchExpressions=each(expression), matchFields=each(_field_expression))


_KEYS = each(QUALIFIED_NAME)
_NODE_NAMES = each(DNS_SUBDOMAIN)
_TOPOLOGY_KEY = needed(detail="can not be empty")
_POD_TERM = fields(topologyKey=every(_TOPOLOGY_KEY, QUALIFIED_NAME))
_NODE_TERMS = needed(
    each(_node_term(check_values=True)), "must have at least one node selector term"
)
_POD_AFFINITY = optional_fields(
    requiredDuringSchedulingIgnoredDuringExecution=each(_pod_term),
    preferredDuringSchedulingIgnoredDuringExecution=each(
        fields(weight=_weight, podAffinityTerm=_pod_term)
    ),
)
AFFINITY = optional_fields(
    nodeAffinity=optional_fields(
        requiredDuringSchedulingIgnoredDuringExecution=fields(nodeSelectorTerms=_NODE_TERMS),
        preferredDuringSchedulingIgnoredDuringExecution=each(
            fields(weight=_weight, preference=_node_term(check_values=False))
        ),
    ),
    podAffinity=_POD_AFFINITY,
    podAntiAffinity=_POD_AFFINITY,
)
"""Which nodes a pod wants, and near which pods."""
_CONSTRAINT = fields(
    maxSkew=positive,
    topologyKey=_TOPOLOGY_KEY,
    whenUnsatisfiable=among("DoNotSchedule", "ScheduleAnyway"),
)
_POLICY = among("Honor", "Ignore")
_NODE_POLICIES = optional_fields(nodeAffinityPolicy=_POLICY, nodeTaintsPolicy=_POLICY)
