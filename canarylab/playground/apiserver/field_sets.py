r"""Sets of fields, as `metadata.managedFields` has them, and how two objects differ in them.

A set is a tree in the format FieldsV1. `f:replicas` is a field, `k:{"name":"nodeapp"}` an item of a
list that is merged by keys, `v:"x"` an item of a list of values. An empty node is in the set; so is
one with `.`, which has others below it. What a field is made of comes from the schema of its kind;
a list without keys, and some maps, are atomic: one field, whatever is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

from canarylab.kube_objects import Object
from canarylab.playground.apiserver.schema import STRUCTURAL_SCHEMAS
from canarylab.playground.apiserver.schema.builtin import (
    LIST_KEYS,
    Schema,
    go_name,
    referenced_schema,
    schema_name,
    structure_schema,
)
from canarylab.playground.apiserver.schema.structural import LIST_KEYS as STRUCTURAL_KEYS
from canarylab.playground.apiserver.schema.structural import LIST_TYPE
from canarylab.playground.kube.kinds import KINDS

FieldSet = dict[str, Any]
LEAF: FieldSet = {}
"""A member with nothing below it; shared, and never changed."""

_SELF = "."
_ABSENT = object()
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_NOT_OWNED = frozenset(
    {
        "apiVersion", "kind", "creationTimestamp", "deletionGracePeriodSeconds",
        "deletionTimestamp", "generation", "managedFields", "name", "namespace", "resourceVersion",
        "selfLink", "uid",
    }
)  # fmt: skip
"""Fields of an object or its metadata that the server writes, or that name the object."""
_HEAD = ("apiVersion", "kind", "metadata")
_ATOMIC_STRUCTURES = frozenset(
    {
        "ConfigMapKeySelector", "EndpointAddress", "EndpointPort", "FileKeySelector",
        "LabelSelector", "LocalObjectReference", "NodeSelector", "NodeSelectorTerm",
        "ObjectFieldSelector", "ObjectReference", "OwnerReference", "ResourceFieldSelector",
        "RoleRef", "ScopeSelector", "SecretKeySelector", "SecretReference", "ServiceBackendPort",
        "Subject", "TypedLocalObjectReference",
    }
)  # fmt: skip
_ATOMIC_MAPS = frozenset({"PodSpec.nodeSelector", "ServiceSpec.selector"})
_ATOMIC_LISTS = frozenset({"JobStatus.conditions", "PodStatus.hostIPs"})
"""Lists that a strategic merge patch merges, and an apply configuration replaces."""
_ALWAYS_WRITTEN = frozenset(
    {
        "DeploymentSpec.strategy", "DeploymentSpec.template", "Event.source",
        "HorizontalPodAutoscalerSpec.scaleTargetRef", "IngressStatus.loadBalancer",
        "JobSpec.template", "NodeStatus.nodeInfo", "PodSpec.containers",
        "PodTemplateSpec.metadata", "PodTemplateSpec.spec", "ReplicaSetSpec.template",
        "ServiceStatus.loadBalancer",
    }
)  # fmt: skip
"""Fields that Go writes even if they are empty: an object is never without them."""
_KEY_DEFAULTS = {"protocol": "TCP"}


class FieldType(NamedTuple):
    """How the values of a field are merged."""

    form: Literal["atomic", "structure", "map", "list", "set"] = "atomic"
    fields: Mapping[str, tuple[str, FieldType]] = {}
    """Of a structure: for each field its element, `f:replicas`, and its type."""
    item: FieldType | None = None
    """Of the values of a map, or the items of a list."""
    keys: tuple[str, ...] = ()
    is_always_written: bool = False


_ATOMIC = FieldType()
_SET = FieldType("set")


@cache
def type_of(kind: str) -> FieldType:
    """The type of the objects of a kind."""
    known = KINDS[kind]
    if known.is_custom:
        body = _structural_type(STRUCTURAL_SCHEMAS[kind]).fields
    else:
        body = _structure_type(schema_name(kind, known.api_version)).fields
    present = () if known.is_custom else ("spec", "status")
    fields = {
        name: (element, field._replace(is_always_written=name in present))
        for name, (element, field) in body.items()
        if name not in _HEAD
    }
    meta = _structure_type(_META)._replace(is_always_written=True)
    return FieldType("structure", {"metadata": ("f:metadata", meta), **fields})


@cache
def _structure_type(structure: str) -> FieldType:
    owner = go_name(structure)
    if owner in _ATOMIC_STRUCTURES:
        return _ATOMIC
    hidden = _NOT_OWNED if structure == _META else frozenset()
    return FieldType(
        "structure",
        {
            name: (f"f:{name}", _field_type(f"{owner}.{name}", schema))
            for name, schema in structure_schema(structure)["properties"].items()
            if name not in hidden
        },
    )


def _field_type(field: str, schema: Schema) -> FieldType:
    structure = referenced_schema(schema)
    inner = _ATOMIC if structure is None else _structure_type(structure)
    is_always_written = field in _ALWAYS_WRITTEN
    if "items" in schema:
        keys = None if field in _ATOMIC_LISTS else LIST_KEYS.get(field)
        if keys is None:
            return _ATOMIC
        return FieldType("list", {}, inner, keys, is_always_written) if keys else _SET
    if "additionalProperties" in schema:
        return _ATOMIC if field in _ATOMIC_MAPS else FieldType("map", item=inner)
    return inner._replace(is_always_written=is_always_written)


def _structural_type(schema: Mapping[str, Any]) -> FieldType:
    if "properties" in schema:
        fields = {
            name: (f"f:{name}", _structural_type(inner))
            for name, inner in schema["properties"].items()
        }
        return FieldType("structure", fields)
    if isinstance(schema.get("additionalProperties"), dict):
        return FieldType("map", item=_structural_type(schema["additionalProperties"]))
    match schema.get(LIST_TYPE):
        case "map":
            item = _structural_type(schema["items"])
            return FieldType("list", item=item, keys=tuple(schema[STRUCTURAL_KEYS]))
        case "set":
            return _SET
    return _ATOMIC


def children(kind: FieldType, value: Any) -> Iterator[tuple[str, FieldType, Any]]:
    """The parts of a value that are fields of their own: element, type and value."""
    item = kind.item or _ATOMIC
    match kind.form:
        case "structure":
            known = kind.fields
            return ((*known[name], part) for name, part in value.items() if name in known)
        case "map":
            return ((f"f:{name}", item, part) for name, part in value.items())
        case "list":
            return ((item_element(kind.keys, part), item, part) for part in value)
        case "set":
            return ((f"v:{json.dumps(part)}", item, part) for part in value)
    return iter(())


def has_children(kind: FieldType, value: Any) -> bool:
    """Whether the value is one of several fields, not one field."""
    if kind.form in ("structure", "map"):
        return isinstance(value, dict)
    if kind.form == "list":
        return isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return kind.form == "set" and isinstance(value, list)


def item_element(keys: Iterable[str], item: Object) -> str:
    """The element of a list item.

    >>> item_element(("containerPort", "protocol"), {"containerPort": 80})
    'k:{"containerPort":80,"protocol":"TCP"}'
    """
    named = {key: item.get(key, _KEY_DEFAULTS.get(key)) for key in keys}
    return "k:" + json.dumps(named, separators=(",", ":"), sort_keys=True)


def duplicates(kind: FieldType, value: Any, path: str = "") -> Iterator[str]:
    """The items of lists whose keys an earlier item has, in the words of server-side apply."""
    seen = set()
    for element, inner, part in children(kind, value):
        if element in seen:
            yield f"{path}: duplicate entries for key {path_element(element)}"
        seen.add(element)
        if has_children(inner, part):
            yield from duplicates(inner, part, path + path_element(element))


def applied_fields(kind: FieldType, value: Any) -> FieldSet:
    """The fields that an apply configuration names: its leaves, and the items of its lists."""
    found: FieldSet = {}
    for element, inner, part in children(kind, value):
        is_whole = not part or not has_children(inner, part)
        below = LEAF if is_whole else applied_fields(inner, part)
        if is_whole or kind.form != "structure":
            found[element] = {_SELF: LEAF, **below} if below else LEAF
        elif below:  # otherwise nobody owns what is in it, as in the metadata
            found[element] = below
    return found


def all_fields(kind: FieldType, value: Any) -> FieldSet:
    """All fields of a value that was not there before, itself included."""
    if kind is _ATOMIC or not value or not has_children(kind, value):
        return LEAF
    found = {element: all_fields(inner, part) for element, inner, part in children(kind, value)}
    if found:
        found[_SELF] = LEAF
    return found


class Difference(NamedTuple):
    """The fields in which two objects differ."""

    written: FieldSet
    """Added, or with another value."""
    removed: FieldSet


def compare(kind: FieldType, before: Any, after: Any) -> Difference:
    """The fields in which `after` differs from `before`.

    >>> compare(type_of("Deployment"), {"spec": {"replicas": 3}}, {"spec": {"replicas": 5}})
    Difference(written={'f:spec': {'f:replicas': {}}}, removed={})
    """
    written: FieldSet = {}
    removed: FieldSet = {}
    old = {element: (inner, part) for element, inner, part in children(kind, before)}
    for element, inner, part in children(kind, after):
        previous = old.pop(element)[1] if element in old else _previous(inner)
        if previous is _ABSENT:
            written[element] = all_fields(inner, part)
        elif previous is part or previous == part:
            continue
        elif has_children(inner, previous) and has_children(inner, part):
            below = compare(inner, previous, part)
            written |= {element: below.written} if below.written else {}
            removed |= {element: below.removed} if below.removed else {}
        else:
            written[element] = LEAF
    removed |= {element: all_fields(inner, part) for element, (inner, part) in old.items()}
    return Difference(written, removed)


def _previous(kind: FieldType) -> Any:
    """What Go has for a field that is not there."""
    if not kind.is_always_written:
        return _ABSENT
    return [] if kind.form == "list" else {}


def union(first: FieldSet, second: FieldSet) -> FieldSet:
    """The members of either set.

    >>> union({"f:a": {}}, {"f:a": {"f:b": {}}})
    {'f:a': {'.': {}, 'f:b': {}}}
    """
    if not second or first is second:
        return first
    if not first:
        return second
    result = dict(first)
    for element, node in second.items():
        result[element] = _union_of(result[element], node) if element in result else node
    return result


def _union_of(first: FieldSet, second: FieldSet) -> FieldSet:
    if first and second:
        return union(first, second)
    return {_SELF: LEAF, **first, **second} if first or second else LEAF


def difference(first: FieldSet, second: FieldSet) -> FieldSet:
    """The members of the first set that are not in the second.

    >>> difference({"f:a": {".": {}, "f:b": {}}, "f:c": {}}, {"f:a": {"f:b": {}}})
    {'f:a': {}, 'f:c': {}}
    """
    result: FieldSet = {}
    for element, node in first.items():
        if element not in second:
            result[element] = node
        elif element != _SELF:
            other = second[element]
            is_member = not is_in(other) and is_in(node)
            below = difference(_below(node), _below(other))
            if is_member:
                result[element] = {_SELF: LEAF, **below} if below else LEAF
            elif below:
                result[element] = below
    return result


def is_in(node: FieldSet) -> bool:
    """Whether a node is a member itself, not only those below it."""
    return not node or _SELF in node


def _below(node: FieldSet) -> FieldSet:
    return {element: inner for element, inner in node.items() if element != _SELF}


def common_paths(first: FieldSet, second: FieldSet, path: str = "") -> Iterator[str]:
    """The paths of the members of both sets.

    >>> list(common_paths({"f:spec": {"f:replicas": {}}}, {"f:spec": {"f:replicas": {}}}))
    ['.spec.replicas']
    """
    for element in sorted(first.keys() & second.keys() - {_SELF}):
        inner = path + path_element(element)
        if is_in(first[element]) and is_in(second[element]):
            yield inner
        yield from common_paths(first[element], second[element], inner)


def path_element(element: str) -> str:
    """An element as a path shows it.

    >>> path_element("f:spec"), path_element('k:{"name":"nodeapp"}'), path_element('v:"x"')
    ('.spec', '[name="nodeapp"]', '[="x"]')
    """
    form, _, text = element.partition(":")
    if form == "k":
        keys = ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(text).items())
        return f"[{keys}]"
    return f"[={text}]" if form == "v" else f".{text}"


def merge(kind: FieldType, live: Any, applied: Any) -> Any:
    """The live value with an apply configuration merged into it."""
    if not (has_children(kind, live) and has_children(kind, applied)):
        return applied
    if kind.form == "set":
        known = {json.dumps(item) for item in live}
        return [*live, *(item for item in applied if json.dumps(item) not in known)]
    if kind.form == "list":
        return _merge_list(kind, live, applied)
    result = dict(live)
    types = {element: inner for element, inner, _ in children(kind, applied)}
    for name, part in applied.items():
        inner = types.get(f"f:{name}", _ATOMIC)
        result[name] = merge(inner, result[name], part) if name in result else part
    return result


def _merge_list(kind: FieldType, live: list[Any], applied: list[Any]) -> list[Any]:
    """The items of both: those that only one has keep their place before those of both."""
    item, result = kind.item or _ATOMIC, list[Any]()
    theirs = {item_element(kind.keys, part): part for part in live}
    mine = {item_element(kind.keys, part): part for part in applied}
    merged = [
        merge(item, theirs[element], part) if element in theirs else part
        for element, part in mine.items()
    ]
    place, taken = {element: index for index, element in enumerate(mine)}, 0
    for element, part in theirs.items():
        if element not in mine:
            result.append(part)
        elif place[element] >= taken:
            result += merged[taken : place[element] + 1]
            taken = place[element] + 1
    return result + merged[taken:]


def remove(kind: FieldType, value: Any, fields: FieldSet) -> Any:
    """The value without these fields."""
    if not has_children(kind, value):
        return value
    kept: list[Any] = []
    names = list(value) if isinstance(value, dict) else [None] * len(value)
    parts = list(_all_parts(kind, value))
    for name, (element, inner, part) in zip(names, parts, strict=True):
        node = fields.get(element)
        if node is not None and is_in(node):
            continue
        kept.append((name, part if node is None else remove(inner, part, node)))
    return dict(kept) if isinstance(value, dict) else [part for _, part in kept]


def _all_parts(kind: FieldType, value: Any) -> Iterator[tuple[str, FieldType, Any]]:
    """As `children`, with fields that belong to no manager."""
    if kind.form != "structure":
        yield from children(kind, value)
        return
    for name, part in value.items():
        element, inner = kind.fields.get(name, ("", _ATOMIC))
        yield element, inner, part


def with_structures(fields: FieldSet) -> FieldSet:
    """The set with every structure that has members below it."""
    return {
        element: {_SELF: LEAF, **with_structures(_below(node))}
        if node and element.startswith("f:")
        else with_structures(node)
        for element, node in fields.items()
    }
