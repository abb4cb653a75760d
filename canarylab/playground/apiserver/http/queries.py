"""What does the part of a URL after the question mark ask for?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.documents.decode import FieldValidation
from canarylab.playground.kube.kinds import Kind
from canarylab.playground.kube.selectors import Predicate, by_field_query, by_label_query

Query = Mapping[str, str]

_COMMON_FIELDS = frozenset({"metadata.name", "metadata.namespace"})
_FIELDS_BY_KIND = {
    "Pod": frozenset(
        {
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        }
    ),
    "Event": frozenset(
        {
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "type",
        }
    ),
    "Namespace": frozenset({"status.phase"}),
    "Node": frozenset({"spec.unschedulable"}),
    "Service": frozenset({"spec.clusterIP", "spec.type"}),
    "ReplicaSet": frozenset({"status.replicas"}),
}


def is_true(query: Query, name: str) -> bool:
    """Is it asked for? Go writes `true`, the Python client until version 36 `True`.

    >>> is_true({"watch": "True"}, "watch"), is_true({"watch": "0"}, "watch"), is_true({}, "watch")
    (True, False, False)
    """
    return query.get(name, "false").lower() not in {"false", "0"}


def is_dry_run(query: Query) -> bool:
    """Shall everything be decided and nothing done?"""
    asked = query.get("dryRun", "")
    if asked not in {"", "All"}:
        raise BadRequestError(f'dryRun: Unsupported value: "{asked}": supported values: "All"')
    return asked == "All"


def field_validation(query: Query) -> FieldValidation:
    """What to do about fields that do not exist; a warning, if nobody says."""
    asked = query.get("fieldValidation") or "Warn"
    if asked not in {"Strict", "Warn", "Ignore"}:
        raise BadRequestError(
            f'fieldValidation: Unsupported value: "{asked}": '
            'supported values: "Ignore", "Strict", "Warn"'
        )
    return cast("FieldValidation", asked)


def integer_parameter(query: Query, name: str) -> int | None:
    """A number, if there is one."""
    text = query.get(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        message = f'{name}: Invalid value: "{text}": must be a whole number'
        raise BadRequestError(message) from None


def object_selector(query: Query, kind: Kind, namespace: str | None) -> Predicate:
    """Which objects are meant: those in the namespace that both selectors choose."""
    by_labels = by_label_query(query.get("labelSelector", ""))
    by_fields = _field_selector(query.get("fieldSelector", ""), kind)
    return lambda obj: (
        (namespace is None or obj["metadata"].get("namespace") == namespace)
        and by_labels(obj)
        and by_fields(obj)
    )


def _field_selector(text: str, kind: Kind) -> Predicate:
    known = _COMMON_FIELDS | _FIELDS_BY_KIND.get(kind.kind, frozenset())
    for term in filter(None, text.split(",")):
        field = term.partition("!=" if "!=" in term else "=")[0].strip()
        if field not in known:
            raise BadRequestError(_field_not_supported(field, kind))
    return by_field_query(text)


def _field_not_supported(field: str, kind: Kind) -> str:
    if kind.kind in _FIELDS_BY_KIND:
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
