"""Tables: what `kubectl get` prints.

kubectl asks the server for a Table and prints its cells as they are. The columns of each kind are
in table_columns.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from canarylab.kube_objects import Object
from canarylab.playground.apiserver.table_columns import COLUMNS


def build_table(
    kind: str, objects: Sequence[Object], now: datetime, *, full_objects: bool = False
) -> Object:
    """A Table of these objects; each row carries the metadata of its object, or all of it."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": column_definitions(kind),
        "rows": [_row(kind, obj, now, full_object=full_objects) for obj in objects],
    }


def _row(kind: str, obj: Object, now: datetime, *, full_object: bool) -> Object:
    row: Object = {"cells": row_cells(kind, obj, now)}
    if kind == "Pod" and (conditions := pod_row_conditions(obj)):
        row["conditions"] = conditions
    row["object"] = obj if full_object else _metadata_only(obj)
    return row


def _metadata_only(obj: Object) -> Object:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }


def row_cells(kind: str, obj: Object, now: datetime) -> list[Any]:
    """What each column shows of an object."""
    return [column.cell(obj, now) for column in COLUMNS[kind]]


def pod_row_conditions(pod: Object) -> list[Object]:
    """The conditions of the row of a completed pod."""
    sentences = {
        "Succeeded": "The pod has completed successfully.",
        "Failed": "The pod failed.",
    }
    phase = pod.get("status", {}).get("phase")
    if phase not in sentences:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": sentences[phase]}]


@cache
def column_definitions(kind: str) -> list[dict[str, Any]]:
    """The columns of a kind, as in a Table. Cached: do not change them."""
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": "name" if column.name == "Name" else "",
            "description": "",
            "priority": int(column.wide),
        }
        for column in COLUMNS[kind]
    ]
