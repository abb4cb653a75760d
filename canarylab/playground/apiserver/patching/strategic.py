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
from canarylab.playground.apiserver.patching.strategic_lists import ListChanges
from canarylab.playground.apiserver.schema.builtin import referred, schema, short
from canarylab.playground.kube.api import Object

_PATCH_DIRECTIVE, _RETAIN_KEYS = "$patch", "$retainKeys"
_SET_ORDER, _DELETE_PRIMITIVES = "$setElementOrder/", "$deleteFromPrimitiveList/"


def strategic_merge(structure: str | None, current: Object, patch: Object) -> Object:
    """The current structure (by the name of its schema) with the patch on it.

    >>> merge(None, {"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}})
    {'b': {'c': 2, 'd': 3}}
    """
    order = patch.get(_PATCH_DIRECTIVE)
    if order == "replace":
        return dict(_without_directives(patch))
    if order == "delete":
        return {}
    if order not in (None, "merge"):
        raise BadRequestError(f"unknown patch type found: {order}")
    result = _retain_keys(current, patch)
    for key in _patched_fields(patch):
        inner, merge_key = _field_schema(structure, key)
        if key in patch and not isinstance(patch[key], list):
            _set_or_remove(result, key, _merge_value(inner, result.get(key), patch[key]))
        elif merge_key is None:
            if key in patch:
                result[key] = _without_directives(patch[key])
        else:
            result[key] = _merge_list(inner, merge_key, result.get(key), _list_changes(patch, key))
    return result


def _patched_fields(patch: Object) -> list[str]:
    """What the patch is about, whether by value or by an order."""
    named = (key.removeprefix(_SET_ORDER).removeprefix(_DELETE_PRIMITIVES) for key in patch)
    return list(dict.fromkeys(key for key in named if key not in (_PATCH_DIRECTIVE, _RETAIN_KEYS)))


def _field_schema(structure: str | None, key: str) -> tuple[str | None, str | None]:
    """The structure of a field and the key its list is merged by; None where there is none."""
    if structure is None:
        return None, None
    shape = schema(structure)["properties"].get(key, {})
    return referred(shape), MERGE_KEYS.get(f"{short(structure)}.{key}")


def _set_or_remove(result: Object, key: str, value: Any) -> None:
    if value is None:
        result.pop(key, None)
    else:
        result[key] = value


def _merge_value(structure: str | None, current: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return strategic_merge(structure, current if isinstance(current, dict) else {}, value)


def _retain_keys(current: Object, patch: Object) -> Object:
    """`$retainKeys`: of several fields that exclude one another, only these stay."""
    if _RETAIN_KEYS not in patch:
        return dict(current)
    if not isinstance(patch[_RETAIN_KEYS], list):
        raise BadRequestError("invalid patch format of retainKeys")
    return {key: value for key, value in current.items() if key in patch[_RETAIN_KEYS]}


def _list_changes(patch: Object, key: str) -> ListChanges:
    return ListChanges(
        items=patch.get(key, []),
        removed=patch.get(_DELETE_PRIMITIVES + key, []),
        order=patch.get(_SET_ORDER + key),
    )


def _merge_list(structure: str | None, key: str, current: Any, changes: ListChanges) -> list[Any]:
    """A merged list: by the item's own value where `key` is empty, else by that field."""
    before = list(current) if isinstance(current, list) else []
    if not key:
        return strategic_lists.merge_primitives(before, changes)
    if any(_item_directive(item) == "replace" for item in changes.items):
        return [
            _without_directives(item) for item in changes.items if _item_directive(item) is None
        ]
    items = [_check_merge_key(item, key) for item in changes.items]
    gone = [item[key] for item in items if _PATCH_DIRECTIVE in item]
    kept = [item for item in before if item.get(key) not in gone]
    wanted = [item for item in items if _PATCH_DIRECTIVE not in item]
    merged = _merged_items(structure, key, kept, wanted)
    ordered = strategic_lists.key_order(key, wanted, changes.order)
    return strategic_lists.arrange(merged, ordered, before, lambda item: item.get(key))


def _item_directive(item: Any) -> Any:
    order = item.get(_PATCH_DIRECTIVE) if isinstance(item, dict) else None
    if order not in (None, "delete", "replace"):
        raise BadRequestError(f"unknown patch type found: {order}")
    return order


def _check_merge_key(item: Any, key: str) -> Object:
    if isinstance(item, dict) and isinstance(item.get(key), str | int):
        return item
    raise ApiError(f"map: {go_format(item)} does not contain declared merge key: {key}")


def _merged_items(
    structure: str | None, key: str, kept: list[Object], wanted: list[Object]
) -> list[Object]:
    """Each wanted item on the first of its key; there may be more: port 80 of TCP and of UDP."""
    result = list(kept)
    for item in wanted:
        same = (place for place, known in enumerate(result) if known.get(key) == item[key])
        place = next(same, len(result))
        result[place : place + 1] = [
            strategic_merge(structure, result[place] if place < len(result) else {}, item)
        ]
    return result


def _without_directives(value: Any) -> Any:
    """A new value as it stands, without orders and without nulls."""
    if isinstance(value, list):
        return [_without_directives(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_directives(inner)
        for key, inner in value.items()
        if inner is not None and not key.startswith("$")
    }


def go_format(value: Any) -> str:
    """A value as Go's `%+v` prints it.

    >>> shown({"spec": {"replicas": "x"}, "list": [1, True]})
    'map[list:[1 true] spec:map[replicas:x]]'
    """
    match value:
        case dict():
            return f"map[{' '.join(f'{key}:{go_format(value[key])}' for key in sorted(value))}]"
        case list():
            return f"[{' '.join(go_format(item) for item in value)}]"
        case bool():
            return str(value).lower()
        case None:
            return "<nil>"
    return str(value)
