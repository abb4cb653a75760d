"""Field managers: who wrote which field of an object, and server-side apply.

Each write is by a manager, `kubectl-edit` for example. An update takes the fields that it changes
from all others. An apply configuration names the fields that its manager wants: the manager owns
them, no longer owns what an earlier configuration named, and a field that nobody owns any more is
removed. A field with another value than one of another manager is a conflict, unless it is forced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

from canarylab.errors import ApplyConflictError, Cause
from canarylab.kube_objects import Object, timestamp
from canarylab.playground.apiserver import field_sets, last_applied
from canarylab.playground.apiserver.field_sets import FieldSet, type_of
from canarylab.playground.kube.kinds import KINDS

MAX_UPDATE_MANAGERS = 10
"""Entries of updates; older ones become one of this manager."""
MAX_GIVEN_MANAGERS = 100
"""Entries that a client may write; with more, those that are there stay."""
_ANCIENT = "ancient-changes"
_BEFORE_FIRST_APPLY = "before-first-apply"
_FILLED_IN = {
    "Pod": ("priority", "preemptionPolicy", "serviceAccount", "serviceAccountName", "tolerations"),
    "Service": ("ipFamilies", "ipFamilyPolicy"),
}
"""Fields of the spec that `with_defaults` fills in, and that are no defaults on a real server."""
_NAMES: FieldSet = {"f:metadata": field_sets.LEAF}
"""What every configuration names, because the name of the object is in it."""
_ELEMENTS = ("f:", "i:", "k:", "v:")


@dataclass(frozen=True)
class FieldManager:
    """Who writes, and the subresource through which."""

    name: str
    subresource: str = ""


@dataclass(frozen=True)
class Applied:
    """The object that results from an apply configuration, and its managers' entries."""

    object: Object
    entries: list[Object]


def without_filled_in(obj: Object, given: Object) -> Object:
    """A new object with its defaults, without those that are no defaults on a real server.

    `given` is the object as its creator wrote it.
    """
    filled_in = _FILLED_IN.get(obj["kind"])
    if filled_in is None:
        return obj
    stated, kept = given.get("spec") or {}, obj["spec"].items()
    spec = {name: value for name, value in kept if name not in filled_in or name in stated}
    return {**obj, "spec": spec}


def with_new_managed_fields(
    obj: Object, owned: Object, manager: FieldManager, now: datetime
) -> Object:
    """A new object whose creator is the manager of what `owned` has: all but what is filled in.

    The defaults are the creator's. What admission and the kind's own rules for a new object add
    later is nobody's, as on a real server.
    """
    found = field_sets.compare(type_of(obj["kind"]), {}, _without_reset(owned))
    if not found.written:
        return obj
    entry = _entry(obj, manager, "Update", fields=found.written, now=now)
    return {**obj, "metadata": {**obj["metadata"], "managedFields": [entry]}}


def with_managed_fields(
    obj: Object, current: Object, manager: FieldManager, now: datetime
) -> Object:
    """The next version of an object, whose changed fields are its writer's.

    An object of which nobody has recorded the managers stays without.
    """
    entries = obj["metadata"].get("managedFields")
    if not entries:
        return obj
    found = field_sets.compare(type_of(obj["kind"]), current, obj)
    if not found.written and not found.removed:
        return obj
    own = _entry(obj, manager, "Update")
    kept = [
        _without(entry, found.removed)
        if _identity(entry) == _identity(own)
        else _without(_without(entry, found.written), found.removed)
        for entry in entries
    ]
    if found.written:
        before = next((entry for entry in kept if _identity(entry) == _identity(own)), own)
        kept = [entry for entry in kept if entry is not before]
        fields = field_sets.union(before["fieldsV1"], found.written)
        kept.append(_dated(own, fields, now))
    return with_entries(obj, _capped([entry for entry in kept if entry["fieldsV1"]]))


def with_given_managers(obj: Object, given: Object) -> Object:
    """The object with the managers that a client wrote, if it wrote some that can be read.

    A client that knows nothing of them leaves them out; `[]` and `[{}]` end the record.
    """
    entries = given["metadata"].get("managedFields")
    if entries is None or entries is obj["metadata"].get("managedFields"):
        return obj
    if entries in ([], [{}]):
        return with_entries(obj, [])
    if len(entries) > MAX_GIVEN_MANAGERS or not all(map(_is_readable, entries)):
        return obj
    return with_entries(obj, [entry for entry in entries if entry["fieldsV1"]])


def apply(
    live: Object | None,
    configuration: Object,
    manager: FieldManager,
    *,
    is_forced: bool,
    now: datetime,
) -> Applied:
    """The live object with an apply configuration; raise ApplyConflictError.

    The configuration has the fields that its manager wants, and no defaults.
    """
    kind = type_of(configuration["kind"])
    own = _entry(configuration, manager, "Apply")
    entries = _entries_before(live, now)
    before = next((entry for entry in entries if _identity(entry) == _identity(own)), None)
    others = [entry for entry in entries if entry is not before]
    wanted = field_sets.applied_fields(kind, configuration)
    head = {name: configuration[name] for name in ("apiVersion", "kind")}
    start = live or {**head, "metadata": {}}
    merged = {**field_sets.merge(kind, start, configuration), **head}
    if before is not None:
        owned = _union([_NAMES, wanted, *(entry["fieldsV1"] for entry in others)])
        merged = _without_abandoned(kind, merged, before["fieldsV1"], owned)
    changes = field_sets.compare(kind, start, merged)
    conflicts = [
        (entry, path)
        for entry in others
        for path in field_sets.common_paths(entry["fieldsV1"], changes.written)
    ]
    if conflicts and manager == FieldManager(last_applied.MANAGER):
        unchanged = last_applied.unchanged_fields(start)
        allowed = set(field_sets.common_paths(unchanged, unchanged))
        conflicts = [conflict for conflict in conflicts if conflict[1] not in allowed]
    if conflicts and not is_forced:
        raise _conflict(conflicts)
    kept = [_without(_without(entry, changes.written), changes.removed) for entry in others]
    is_same = before is not None and before["fieldsV1"] == wanted and not any(changes)
    mine = before if before is not None and is_same else _dated(own, wanted, now)
    remaining = [entry for entry in [mine, *kept] if entry["fieldsV1"]]
    return Applied(merged, _capped(remaining))


def with_entries(obj: Object, entries: list[Object]) -> Object:
    """The object with these managers' entries, in their order."""
    meta = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    if entries:
        meta["managedFields"] = entries if len(entries) == 1 else sorted(entries, key=_order)
    return {**obj, "metadata": meta}


def _without_abandoned(
    kind: field_sets.FieldType, obj: Object, before: FieldSet, owned: FieldSet
) -> Object:
    """The object without what the manager named before and nobody owns now."""
    abandoned = field_sets.difference(
        field_sets.with_structures(before), field_sets.with_structures(owned)
    )
    kept: Object = field_sets.remove(kind, obj, abandoned)
    return kept


def _without_reset(obj: Object) -> Object:
    """The object without what a write of it leaves as it was: status, finalizers of a namespace."""
    kind = KINDS[obj["kind"]]
    reset = ["status"] * kind.has_status + ["spec"] * (kind.kind == "Namespace")
    return {name: value for name, value in obj.items() if name not in reset}


def _entries_before(live: Object | None, now: datetime) -> list[Object]:
    """The entries of the live object; of one without, all its fields are of one manager."""
    if live is None:
        return []
    if entries := live["metadata"].get("managedFields"):
        return list(entries)
    found = field_sets.compare(type_of(live["kind"]), {}, _without_reset(live))
    unknown = FieldManager(_BEFORE_FIRST_APPLY)
    return [_entry(live, unknown, "Update", fields=found.written, now=now)]


def _entry(
    obj: Object,
    manager: FieldManager,
    operation: str,
    *,
    fields: FieldSet = field_sets.LEAF,
    now: datetime | None = None,
) -> Object:
    entry: Object = {
        "manager": manager.name,
        "operation": operation,
        "apiVersion": obj.get("apiVersion") or KINDS[obj["kind"]].api_version,
        "time": timestamp(now) if now else "",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry


def _dated(entry: Object, fields: FieldSet, now: datetime) -> Object:
    return {**entry, "time": timestamp(now), "fieldsV1": fields}


def _identity(entry: Object) -> tuple[Any, ...]:
    """What makes two entries one: of an apply, the version does not count."""
    operation = entry["operation"]
    version = "" if operation == "Apply" else entry.get("apiVersion", "")
    return entry.get("manager", ""), operation, version, entry.get("subresource", "")


def _without(entry: Object, fields: FieldSet) -> Object:
    if not fields:
        return entry
    return {**entry, "fieldsV1": field_sets.difference(entry["fieldsV1"], fields)}


def _union(sets: Iterable[FieldSet]) -> FieldSet:
    return reduce(field_sets.union, sets)


def _order(entry: Object) -> tuple[str, ...]:
    names = ("operation", "time", "manager", "apiVersion", "subresource")
    return tuple(str(entry.get(name, "")) for name in names)


def _capped(entries: list[Object]) -> list[Object]:
    """With the oldest updates as one entry, if there are too many."""
    updates = sorted((one for one in entries if one["operation"] == "Update"), key=_order)
    surplus = updates[: max(0, len(updates) - MAX_UPDATE_MANAGERS + 1)]
    if len(updates) <= MAX_UPDATE_MANAGERS:
        return entries
    fields = _union(entry["fieldsV1"] for entry in surplus)
    ancient = {**surplus[-1], "manager": _ANCIENT, "fieldsV1": fields}
    ancient.pop("subresource", None)
    return [*(entry for entry in entries if entry not in surplus), ancient]


def _is_readable(entry: Object) -> bool:
    return (
        entry.get("operation") in ("Apply", "Update")
        and entry.get("fieldsType") == "FieldsV1"
        and isinstance(entry.get("fieldsV1"), dict)
        and _is_field_set(entry["fieldsV1"])
    )


def _is_field_set(node: Any) -> bool:
    return isinstance(node, dict) and all(
        (element == "." or element.startswith(_ELEMENTS)) and _is_field_set(inner)
        for element, inner in node.items()
    )


def _conflict(conflicts: Sequence[tuple[Object, str]]) -> ApplyConflictError:
    """The error of fields that have another value and another manager."""
    causes = [
        Cause("FieldManagerConflict", path, f"conflict with {_shown(entry)}")
        for entry, path in conflicts
    ]
    if len(conflicts) == 1:
        entry, path = conflicts[0]
        problem = f"1 conflict: conflict with {_shown(entry)}: {path}"
        return ApplyConflictError(f"Apply failed with {problem}", causes)
    paths: dict[str, list[str]] = {}
    for entry, path in conflicts:
        paths.setdefault(_shown(entry), []).append(path)
    lines = [
        line
        for manager in sorted(paths)
        for line in (f"conflicts with {manager}:", *(f"- {path}" for path in paths[manager]))
    ]
    listed = "\n".join(lines)
    return ApplyConflictError(f"Apply failed with {len(conflicts)} conflicts: {listed}", causes)


def _shown(entry: Object) -> str:
    """A manager as a conflict names it: `"kubectl-edit" using apps/v1`."""
    shown = f'"{entry.get("manager", "")}"'
    if entry.get("subresource"):
        shown += f' with subresource "{entry["subresource"]}"'
    if entry["operation"] == "Apply" or not entry.get("apiVersion"):
        return shown
    return f"{shown} using {entry['apiVersion']}"
