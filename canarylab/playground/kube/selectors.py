"""Label selectors and field selectors, as predicates over objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from canarylab.errors import BadRequestError
from canarylab.kube_objects import Object

Predicate = Callable[[Object], bool]

_SET_TERM = re.compile(r"^(?P<key>[^\s=!(),]+)\s+(?P<verb>in|notin)\s+\((?P<values>[^()]*)\)$")
_EQUAL_TERM = re.compile(r"^(?P<key>[^\s=!(),]+)\s*(?P<verb>==|=|!=)\s*(?P<value>[^\s=!(),]*)$")
_EXISTS_TERM = re.compile(r"^(?P<verb>!?)\s*(?P<key>[^\s=!(),]+)$")
_TERM = re.compile(r"(?:\([^()]*\)|[^,])+")
"""What is between commas outside of brackets."""


def by_map(selector: Mapping[str, str] | None) -> Predicate:
    """Match as a Service does: every label must be there. An empty selector matches nothing.

    >>> by_map({"app": "nodeapp"})({"metadata": {"labels": {"app": "nodeapp", "env": "prod"}}})
    True
    """
    wanted = dict(selector or {})
    return lambda obj: bool(wanted) and wanted.items() <= _labels(obj).items()


def by_label_selector(selector: Mapping[str, Any]) -> Predicate:
    """Match as a Deployment does: all of `matchLabels` and `matchExpressions`."""
    wanted = dict(selector.get("matchLabels") or {})
    expressions = [_expression(entry) for entry in selector.get("matchExpressions") or []]

    def matches(obj: Object) -> bool:
        labels = _labels(obj)
        return wanted.items() <= labels.items() and all(holds(labels) for holds in expressions)

    return matches


def by_label_query(text: str) -> Predicate:
    """Match as `kubectl get -l` does.

    >>> by_label_query("app=nodeapp,env in (prod,canary)")({"metadata": {"labels": {"app": "x"}}})
    False
    """
    terms = [_label_term(term.strip()) for term in _TERM.findall(text) if term.strip()]
    return lambda obj: all(holds(_labels(obj)) for holds in terms)


def by_field_query(text: str) -> Predicate:
    """Match as `kubectl get --field-selector` does: `=`, `==` and `!=` on any field.

    >>> by_field_query("status.phase!=Failed")({"status": {"phase": "Running"}})
    True
    """
    terms = [_field_term(term.strip()) for term in text.split(",") if term.strip()]
    return lambda obj: all(holds(obj) for holds in terms)


def label_query(selector: Mapping[str, Any]) -> str:
    """Write a Deployment's selector in one line, as in the status of a Scale."""
    equal = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    return ",".join(equal + [_one_line(entry) for entry in selector.get("matchExpressions") or []])


def _labels(obj: Object) -> dict[str, str]:
    return obj.get("metadata", {}).get("labels") or {}


def _one_line(entry: Mapping[str, Any]) -> str:
    values = ",".join(entry.get("values") or [])
    forms: dict[str, str] = {
        "In": f"{entry['key']} in ({values})",
        "NotIn": f"{entry['key']} notin ({values})",
        "Exists": entry["key"],
        "DoesNotExist": f"!{entry['key']}",
    }
    return forms[entry["operator"]]


def _expression(entry: Mapping[str, Any]) -> Callable[[Mapping[str, str]], bool]:
    return _label_term(_one_line(entry))


def _label_term(term: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET_TERM.match(term):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["verb"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL_TERM.match(term):
        key, value = found["key"], found["value"]
        if found["verb"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS_TERM.match(term):
        key, wanted = found["key"], found["verb"] == ""
        return lambda labels: (key in labels) is wanted
    raise BadRequestError(_parse_error(term))


def _parse_error(term: str) -> str:
    words = term.split()
    found = words[1] if len(words) > 1 else term
    return f"unable to parse requirement: found '{found}', expected: in, notin, =, ==, !=, gt, lt"


def _field_term(term: str) -> Predicate:
    found = _EQUAL_TERM.match(term)
    if found is None:
        raise BadRequestError(f"invalid selector: '{term}'; can't understand '{term}'")
    path, value, wanted = found["key"].split("."), found["value"], found["verb"] != "!="
    return lambda obj: (_at(obj, path) == value) is wanted


def _at(obj: Object, path: list[str]) -> str:
    here: Any = obj
    for step in path:
        here = here.get(step) if isinstance(here, dict) else None
    return "" if here is None else str(here)
