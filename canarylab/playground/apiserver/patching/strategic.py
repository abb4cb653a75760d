"""What does an object look like after a strategic merge patch?

The patch has the shape of the object. Maps are merged, `null` removes, and lists are merged where
`MERGE_KEYS` says which field tells their items apart. Keys that start with `$` are orders to the
merge itself: `$patch`, `$retainKeys`, `$setElementOrder/...`, `$deleteFromPrimitiveList/...`.
How merged lists are put in order is in `strategic_lists.py`.
"""

from __future__ import annotations

from typing import Any

from canarylab.errors import ApiError, BadRequestError
from canarylab.playground.apiserver.patching import strategic_lists
from canarylab.playground.apiserver.patching.merge_keys import MERGE_KEYS
from canarylab.playground.apiserver.patching.strategic_lists import Changes
from canarylab.playground.apiserver.schema.builtin import referred, schema, short
from canarylab.playground.kube.api import Object

PATCH, RETAIN = "$patch", "$retainKeys"
_ORDER, _REMOVE = "$setElementOrder/", "$deleteFromPrimitiveList/"


def merge(structure: str | None, current: Object, patch: Object) -> Object:
    """The current structure (by the name of its schema) with the patch on it.

    >>> merge(None, {"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}})
    {'b': {'c': 2, 'd': 3}}
    """
    order = patch.get(PATCH)
    if order == "replace":
        return dict(_without_orders(patch))
    if order == "delete":
        return {}
    if order not in (None, "merge"):
        raise BadRequestError(f"unknown patch type found: {order}")
    result = _retained(current, patch)
    for key in _fields(patch):
        inner, merge_key = _known(structure, key)
        if key in patch and not isinstance(patch[key], list):
            _put(result, key, _one(inner, result.get(key), patch[key]))
        elif merge_key is None:
            if key in patch:
                result[key] = _without_orders(patch[key])
        else:
            result[key] = _list(inner, merge_key, result.get(key), _changes(patch, key))
    return result


def _fields(patch: Object) -> list[str]:
    """What the patch is about, whether by value or by an order."""
    named = (key.removeprefix(_ORDER).removeprefix(_REMOVE) for key in patch)
    return list(dict.fromkeys(key for key in named if key not in (PATCH, RETAIN)))


def _known(structure: str | None, key: str) -> tuple[str | None, str | None]:
    """The structure of a field and the key its list is merged by; None where there is none."""
    if structure is None:
        return None, None
    shape = schema(structure)["properties"].get(key, {})
    return referred(shape), MERGE_KEYS.get(f"{short(structure)}.{key}")


def _put(result: Object, key: str, value: Any) -> None:
    if value is None:
        result.pop(key, None)
    else:
        result[key] = value


def _one(structure: str | None, current: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return merge(structure, current if isinstance(current, dict) else {}, value)


def _retained(current: Object, patch: Object) -> Object:
    """`$retainKeys`: of several fields that exclude one another, only these stay."""
    if RETAIN not in patch:
        return dict(current)
    if not isinstance(patch[RETAIN], list):
        raise BadRequestError("invalid patch format of retainKeys")
    return {key: value for key, value in current.items() if key in patch[RETAIN]}


def _changes(patch: Object, key: str) -> Changes:
    return Changes(
        items=patch.get(key, []),
        removed=patch.get(_REMOVE + key, []),
        order=patch.get(_ORDER + key),
    )


def _list(structure: str | None, key: str, current: Any, changes: Changes) -> list[Any]:
    """A merged list: by the item's own value where `key` is empty, else by that field."""
    before = list(current) if isinstance(current, list) else []
    if not key:
        return strategic_lists.primitives(before, changes)
    if any(_order_of(item) == "replace" for item in changes.items):
        return [_without_orders(item) for item in changes.items if _order_of(item) is None]
    items = [_keyed(item, key) for item in changes.items]
    gone = [item[key] for item in items if PATCH in item]
    kept = [item for item in before if item.get(key) not in gone]
    wanted = [item for item in items if PATCH not in item]
    merged = _merged_items(structure, key, kept, wanted)
    ordered = strategic_lists.by_key(key, wanted, changes.order)
    return strategic_lists.arranged(merged, ordered, before, lambda item: item.get(key))


def _order_of(item: Any) -> Any:
    order = item.get(PATCH) if isinstance(item, dict) else None
    if order not in (None, "delete", "replace"):
        raise BadRequestError(f"unknown patch type found: {order}")
    return order


def _keyed(item: Any, key: str) -> Object:
    if isinstance(item, dict) and isinstance(item.get(key), str | int):
        return item
    raise ApiError(f"map: {shown(item)} does not contain declared merge key: {key}")


def _merged_items(
    structure: str | None, key: str, kept: list[Object], wanted: list[Object]
) -> list[Object]:
    """Each wanted item on the first of its key; there may be more: port 80 of TCP and of UDP."""
    result = list(kept)
    for item in wanted:
        same = (place for place, known in enumerate(result) if known.get(key) == item[key])
        place = next(same, len(result))
        result[place : place + 1] = [
            merge(structure, result[place] if place < len(result) else {}, item)
        ]
    return result


def _without_orders(value: Any) -> Any:
    """A new value as it stands, without orders and without nulls."""
    if isinstance(value, list):
        return [_without_orders(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_orders(inner)
        for key, inner in value.items()
        if inner is not None and not key.startswith("$")
    }


def shown(value: Any) -> str:
    """A value as Go's `%+v` prints it.

    >>> shown({"spec": {"replicas": "x"}, "list": [1, True]})
    'map[list:[1 true] spec:map[replicas:x]]'
    """
    match value:
        case dict():
            return f"map[{' '.join(f'{key}:{shown(value[key])}' for key in sorted(value))}]"
        case list():
            return f"[{' '.join(shown(item) for item in value)}]"
        case bool():
            return str(value).lower()
        case None:
            return "<nil>"
    return str(value)
