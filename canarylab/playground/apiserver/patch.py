"""Patches: JSON patch, merge patch and strategic merge patch.

A merge patch (RFC 7386) replaces lists as a whole; a JSON patch (RFC 6902) is a list of operations.
A strategic merge patch merges lists item by item, by the keys of `MERGE_KEYS`, which is how
`kubectl apply` changes one container and keeps another. Its keys that start with `$` are
directives: `$patch`, `$retainKeys`, `$setElementOrder/...`, `$deleteFromPrimitiveList/...`.

A patch whose result cannot be decoded is refused as invalid, not as a bad request; the error shows
the patch in the format that Kubernetes has for each style.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import jsonpatch

from canarylab.errors import ApiError, BadRequestError, InvalidError, StatusError
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.decode import (
    DecodedObject,
    DecodeErrors,
    FieldValidation,
    encoded,
    json_type,
    read_object,
)
from canarylab.playground.apiserver.documents import MAX_VALUES, check_bounds
from canarylab.playground.apiserver.field_errors import invalid
from canarylab.playground.apiserver.schema.builtin import (
    LIST_KEYS,
    go_name,
    referenced_schema,
    schema_name,
    structure_schema,
)
from canarylab.playground.kube.kinds import Kind

PatchStyle = Literal["strategic", "merge", "json"]
MAX_JSON_PATCH_STEPS = 10_000  # steps
MAX_JSON_PATCH_COPY_BYTES = 3 * 1024 * 1024  # bytes: each copy can double the object
_STEP_ERRORS = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What jsonpatch raises for steps that are none."""
_REJECTED = "the server rejected our request due to an error in our request"
_PATCH_DIRECTIVE, _RETAIN_KEYS = "$patch", "$retainKeys"
_SET_ORDER, _DELETE_PRIMITIVES = "$setElementOrder/", "$deleteFromPrimitiveList/"
_INVALID_ORDER = "invalid patch format of setElementOrder list"
MERGE_KEYS: Mapping[str, str] = MappingProxyType(
    {field: next(iter(keys), "") for field, keys in LIST_KEYS.items()}
)
"""The merge key of each list, `PodSpec.containers` -> `name`; empty for a list of primitives."""


def apply_patch(current: Object, patch: object, style: PatchStyle) -> Object:
    """The object with the patch applied; the given one is not changed.

    >>> apply_patch({"kind": "Pod", "metadata": {"labels": {"a": "1"}}},
    ...             {"metadata": {"labels": {"a": None, "b": "2"}}}, "merge")["metadata"]
    {'labels': {'b': '2'}}
    """
    match style:
        case "json":
            after = _json_patch(current, patch)
        case "merge":
            after = dict(_merge_patch(current, _check_map(patch, "error decoding patch: ")))
        case "strategic":
            after = strategic_merge(_structure_name(current), current, _check_map(patch, ""))
    _check_result(after)
    return after


def _check_result(after: Object) -> None:
    """Raise BadRequestError or StatusError if an object, or its managers' record, is too large."""
    meta = after.get("metadata")
    if isinstance(meta, dict) and "managedFields" in meta:
        check_bounds(meta["managedFields"])
        rest = {name: value for name, value in meta.items() if name != "managedFields"}
        after = {**after, "metadata": rest}
    check_bounds(after)


def _structure_name(obj: Object) -> str:
    return schema_name(obj["kind"], obj.get("apiVersion", "v1"))


def _check_map(patch: object, prefix: str) -> Object:
    if isinstance(patch, dict):
        return patch
    raise BadRequestError(
        f"{prefix}json: cannot unmarshal {json_type(patch)} into Go value of type "
        "map[string]interface {}"
    )


def _merge_patch(current: Any, patch: Any) -> Any:
    """RFC 7386: null removes, maps are merged, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(current) if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge_patch(result.get(key), value)
    return result


def _json_patch(current: Object, patch: object) -> Object:
    if not isinstance(patch, list):
        raise BadRequestError(
            f"error decoding patch: json: cannot unmarshal {json_type(patch)} into Go value of "
            "type []handlers.jsonPatchOp"
        )
    if len(patch) > MAX_JSON_PATCH_STEPS:
        raise BadRequestError(
            "The allowed maximum operations in a JSON patch is "
            f"{MAX_JSON_PATCH_STEPS}, got {len(patch)}"
        )
    try:
        result = _apply_steps(current, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, *_STEP_ERRORS) as exc:
        raise StatusError(422, "Invalid", _REJECTED) from exc
    if not isinstance(result, dict):
        raise StatusError(422, "Invalid", _REJECTED)
    return result


def _apply_steps(current: Object, patch: list[Any]) -> Any:
    """The patched object; raise ValueError if the copies of the patch are too large together."""
    result: Any = copy.deepcopy(current)
    copied_bytes = copied_values = 0
    for step in patch:
        if isinstance(step, dict) and step.get("op") == "copy":
            value = jsonpatch.JsonPointer(step["from"]).resolve(result)
            copied_values += check_bounds(value)
            copied_bytes += len(encoded(value))
            if copied_values > MAX_VALUES or copied_bytes > MAX_JSON_PATCH_COPY_BYTES:
                raise ValueError(step)
        result = jsonpatch.JsonPatch([step]).apply(result, in_place=True)
    return result


def decode_patched(
    kind: Kind,
    patched: Object,
    patch: Any,
    style: PatchStyle,
    *,
    validation: FieldValidation = "Warn",
) -> DecodedObject:
    """Decode the object that `apply_patch` returned."""
    errors = DecodeErrors(from_patch=style == "strategic")
    obj = read_object(kind, patched, errors)
    unknown = [f'unknown field "{path}"' for path in errors.unknown_fields]
    problem = errors.first_error
    if problem is None and unknown and validation == "Strict":
        problem = f"strict decoding error: {', '.join(unknown)}"
    if problem is not None:
        what = go_format(patch) if style == "strategic" else encoded(patched).decode()
        raise InvalidError("", "", "", [invalid("patch", what, problem)])
    obj = {"metadata": {}, **obj, "apiVersion": kind.api_version, "kind": kind.kind}
    return DecodedObject(obj, unknown if validation == "Warn" else [])


def strategic_merge(structure: str | None, current: Object, patch: Object) -> Object:
    """The current structure, by the name of its schema, with the patch merged into it.

    >>> strategic_merge(None, {"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}})
    {'b': {'c': 2, 'd': 3}}
    """
    directive = patch.get(_PATCH_DIRECTIVE)
    if directive == "replace":
        return dict(_without_directives(patch))
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise BadRequestError(f"unknown patch type found: {directive}")
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
    """The fields that the patch changes, by a value or by a directive."""
    named = (key.removeprefix(_SET_ORDER).removeprefix(_DELETE_PRIMITIVES) for key in patch)
    return list(dict.fromkeys(key for key in named if key not in (_PATCH_DIRECTIVE, _RETAIN_KEYS)))


def _field_schema(structure: str | None, key: str) -> tuple[str | None, str | None]:
    """The structure of a field and the merge key of its list; None if there is none."""
    if structure is None:
        return None, None
    schema = structure_schema(structure)["properties"].get(key, {})
    return referenced_schema(schema), MERGE_KEYS.get(f"{go_name(structure)}.{key}")


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
    """`$retainKeys`: of several fields that exclude each other, only these stay."""
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
    """A merged list; an empty key is that of a list of primitives."""
    before = list(current) if isinstance(current, list) else []
    if not key:
        return merge_primitives(before, changes)
    if any(_item_directive(item) == "replace" for item in changes.items):
        return [
            _without_directives(item) for item in changes.items if _item_directive(item) is None
        ]
    items = [_check_merge_key(item, key) for item in changes.items]
    gone = {item[key] for item in items if _PATCH_DIRECTIVE in item}
    kept = [item for item in before if item.get(key) not in gone]
    patched = [item for item in items if _PATCH_DIRECTIVE not in item]
    merged = _merged_items(structure, key, kept, patched)
    ordered = key_order(key, patched, changes.order)
    return arrange(merged, ordered, before, lambda item: item.get(key))


def _item_directive(item: Any) -> Any:
    directive = item.get(_PATCH_DIRECTIVE) if isinstance(item, dict) else None
    if directive not in (None, "delete", "replace"):
        raise BadRequestError(f"unknown patch type found: {directive}")
    return directive


def _check_merge_key(item: Any, key: str) -> Object:
    if isinstance(item, dict) and isinstance(item.get(key), str | int):
        return item
    raise ApiError(f"map: {go_format(item)} does not contain declared merge key: {key}")


def _merged_items(
    structure: str | None, key: str, kept: list[Object], patched: list[Object]
) -> list[Object]:
    """Merge each patched item into the first of its key (port 80 may be there for TCP and UDP)."""
    result, places = list(kept), dict[Any, int]()
    for place, known in enumerate(result):
        places.setdefault(known.get(key), place)
    for item in patched:
        place = places.setdefault(item[key], len(result))
        current = result[place] if place < len(result) else {}
        result[place : place + 1] = [strategic_merge(structure, current, item)]
    return result


def _without_directives(value: Any) -> Any:
    """The value without directives and nulls."""
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

    >>> go_format({"spec": {"replicas": "x"}, "list": [1, True]})
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


@dataclass(frozen=True)
class ListChanges:
    """The changes of one list in a patch."""

    items: list[Any]
    removed: Any
    """Items to remove from a list of primitives."""
    order: Any
    """`$setElementOrder`: the order of the items, if the patch has it."""


def merge_primitives(before: list[Any], changes: ListChanges) -> list[Any]:
    """A list of primitives with items added and removed."""
    if not all(_are_plain(values) for values in (changes.items, changes.removed)):
        raise BadRequestError("invalid patch format of primitive list")
    merged = list(dict.fromkeys(before + changes.items))
    removed = set(changes.removed)
    merged = [item for item in merged if item not in removed]
    order = changes.items if changes.order is None else changes.order
    if not _are_plain(order):
        raise BadRequestError(_INVALID_ORDER)
    return arrange(merged, order, before, lambda item: item)


def key_order(key: str, items: Sequence[Any], order: Any) -> list[Any]:
    """The values of the merge key in the order of the patch."""
    if order is None:
        return [item[key] for item in items]
    if not isinstance(order, list) or not all(isinstance(item, dict) for item in order):
        raise BadRequestError(_INVALID_ORDER)
    values = [item.get(key) for item in order]
    if not _are_plain(values):
        raise BadRequestError(_INVALID_ORDER)
    return values


def arrange(
    merged: Sequence[Any],
    order: Sequence[Hashable],
    before: Sequence[Any],
    name: Callable[[Any], Hashable],
) -> list[Any]:
    """The merged items in their order.

    `order` names the items of the patch, `before` is the server's list. Items that only the server
    has keep their order, and so do those of the patch. A server item precedes a patch item only if
    it did so before, so a new item without `$setElementOrder` comes before all others.

    >>> arrange(["a", "b", "c"], ["c"], ["a", "b"], lambda item: item)
    ['c', 'a', 'b']
    """
    rank = {one: index for index, one in enumerate(order)}
    place = {name(one): index for index, one in enumerate(before)}
    patch_items = sorted(
        (one for one in merged if name(one) in rank), key=lambda one: rank[name(one)]
    )
    server_items = [one for one in merged if name(one) not in rank]
    server_items.sort(key=lambda one: place.get(name(one), len(place)))
    result, servers, patched = [], deque(server_items), deque(patch_items)
    while servers and patched:
        first, other = place.get(name(servers[0])), place.get(name(patched[0]))
        earlier = first is not None and other is not None and first < other
        result.append((servers if earlier else patched).popleft())
    return [*result, *servers, *patched]


def _are_plain(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str | int) for value in values)
