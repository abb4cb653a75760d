"""The one test double of `Api`: a small, honest API server in memory.

It keeps what matters to whoever speaks to it: resource versions and conflicts, spec and status
apart, writes that change nothing, pods that leave gracefully, finalizers, watches. It neither
validates nor defaults. `api_contract.py` holds it and the real one to the same promises.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from canarylab.errors import AlreadyExistsError, ConflictError, NotFoundError
from canarylab.playground.kube.api import DeleteOptions, Key, Object, WatchEvent
from canarylab.playground.kube.kinds import KINDS
from canarylab.playground.kube.objects import is_terminating, key_of, timestamp, uid_of

DEFAULT_GRACE_S = 30
_COUNTED = frozenset({"Deployment", "ReplicaSet", "Pod", "EndpointSlice"})
_HELD_BY = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}


class FakeApi:
    """An `Api` over a dict. `put` is for tests: it creates an object together with its status."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[Key, Object]] = {kind: {} for kind in KINDS}
        self._as_written: dict[tuple[str, Key], Object] = {}
        self._watchers: dict[str, list[asyncio.Queue[WatchEvent]]] = {kind: [] for kind in KINDS}
        self._counter = itertools.count(1)
        self.writes: list[tuple[str, str, str]] = []  # what was changed: verb, kind, name

    # The verbs of `Api`.

    async def get(self, kind: str, key: Key) -> Object:
        await asyncio.sleep(0)
        return self._stored(kind, key)

    async def list(self, kind: str, namespace: str | None = None) -> list[Object]:
        await asyncio.sleep(0)
        everything = sorted(self._objects[kind].items())
        return [obj for key, obj in everything if namespace in (None, key.namespace)]

    async def create(self, obj: Object) -> Object:
        await asyncio.sleep(0)
        obj = _admitted(obj, number=next(self._counter))
        if key_of(obj) in self._objects[obj["kind"]]:
            raise AlreadyExistsError(*_names(obj["kind"], key_of(obj)))
        return self._write("create", "ADDED", obj)

    async def update(self, obj: Object) -> Object:
        await asyncio.sleep(0)
        stored = self._fresh(obj)
        fixed = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
        kept = {name: stored["metadata"][name] for name in fixed if name in stored["metadata"]}
        changed = {**obj, "metadata": {**obj["metadata"], **kept}}
        if KINDS[obj["kind"]].has_status:
            changed = _with("status", stored.get("status"), changed)
        if _spec_of(changed) != _spec_of(stored):
            changed = _next_generation(changed)
        return self._replace("update", stored, changed)

    async def update_status(self, obj: Object) -> Object:
        await asyncio.sleep(0)
        stored = self._fresh(obj)
        return self._replace("update_status", stored, _with("status", obj.get("status"), stored))

    async def bind(self, pod: Key, node: str) -> Object:
        await asyncio.sleep(0)
        stored = self._stored("Pod", pod)
        if taken := stored["spec"].get("nodeName"):
            why = f'pod {pod.name} is already assigned to node "{taken}"'
            raise ConflictError("pods/binding", "", pod.name, why)
        scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": _now()}
        conditions = [
            entry
            for entry in stored.get("status", {}).get("conditions", [])
            if entry["type"] != "PodScheduled"
        ]
        status = {**stored.get("status", {}), "conditions": [*conditions, scheduled]}
        bound = {**stored, "spec": {**stored["spec"], "nodeName": node}, "status": status}
        return self._replace("bind", stored, bound)

    async def delete(
        self,
        kind: str,
        key: Key,
        options: DeleteOptions = DeleteOptions(),  # noqa: B008  frozen
    ) -> None:
        await asyncio.sleep(0)
        stored = self._stored(kind, key)
        if options.uid not in (None, uid_of(stored)):
            why = (
                f"Precondition failed: UID in precondition: {options.uid}, "
                f"UID in object meta: {uid_of(stored)}"
            )
            raise ConflictError(*_names(kind, key), why)
        grace_s = _grace_s(stored, options)
        leaving = _leaving(_held(stored, options), grace_s)
        if _is_gone(leaving):
            self._remove(stored)
        else:
            self._replace("delete", stored, leaving)

    async def watch(self, kind: str) -> AsyncIterator[WatchEvent]:
        queue: asyncio.Queue[WatchEvent] = asyncio.Queue()
        for obj in self._objects[kind].values():
            queue.put_nowait(WatchEvent("ADDED", obj))
        self._watchers[kind].append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._watchers[kind].remove(queue)

    # What only tests do.

    async def put(self, obj: Object) -> Object:
        """Create it, and give it the status it says it has."""
        created = await self.create(obj)
        if "status" not in obj:
            return created
        return await self.update_status({**created, "status": obj["status"]})

    def harmed(self) -> set[str]:
        """Which stored objects somebody changed in place, which nobody may."""
        return {
            f"{kind} {key.name}"
            for (kind, key), written in self._as_written.items()
            if self._objects[kind][key] != written
        }

    # How it is kept.

    def _stored(self, kind: str, key: Key) -> Object:
        try:
            return self._objects[kind][key]
        except KeyError:
            raise NotFoundError(*_names(kind, key)) from None

    def _fresh(self, obj: Object) -> Object:
        stored, meta = self._stored(obj["kind"], key_of(obj)), obj["metadata"]
        for name in ("uid", "resourceVersion"):
            if meta.get(name) not in (None, stored["metadata"][name]):
                raise ConflictError(*_names(obj["kind"], key_of(obj)))
        return stored

    def _replace(self, verb: str, stored: Object, changed: Object) -> Object:
        version = stored["metadata"]["resourceVersion"]
        same_version = {**changed["metadata"], "resourceVersion": version}
        changed = {**changed, "metadata": same_version}
        if _is_gone(changed):
            self._remove(stored)
            return changed
        if changed == stored:
            return stored
        return self._write(verb, "MODIFIED", changed)

    def _write(self, verb: str, event: Literal["ADDED", "MODIFIED"], obj: Object) -> Object:
        version = str(next(self._counter))
        obj = copy.deepcopy({**obj, "metadata": {**obj["metadata"], "resourceVersion": version}})
        self._objects[obj["kind"]][key_of(obj)] = obj
        self._as_written[obj["kind"], key_of(obj)] = copy.deepcopy(obj)
        self._tell(verb, WatchEvent(event, obj))
        return obj

    def _remove(self, stored: Object) -> None:
        del self._objects[stored["kind"]][key_of(stored)]
        del self._as_written[stored["kind"], key_of(stored)]
        version = str(next(self._counter))
        last = {**stored, "metadata": {**stored["metadata"], "resourceVersion": version}}
        self._tell("remove", WatchEvent("DELETED", last))

    def _tell(self, verb: str, event: WatchEvent) -> None:
        self.writes.append((verb, event.object["kind"], event.object["metadata"]["name"]))
        for queue in self._watchers[event.object["kind"]]:
            queue.put_nowait(event)


def _admitted(obj: Object, *, number: int) -> Object:
    """As the server takes it in: named, numbered, dated, and without a status of its own."""
    kind, meta = obj["kind"], obj["metadata"]
    name = meta.get("name") or f"{meta['generateName']}{number:05d}"
    stamped = {**meta, "name": name, "uid": f"uid-{number}", "creationTimestamp": _now()}
    if kind in _COUNTED:
        stamped["generation"] = 1
    obj = {**obj, "metadata": stamped}
    first = {"Pod": {"phase": "Pending"}, "Namespace": {"phase": "Active"}}
    if kind == "Namespace":
        obj = {"spec": {"finalizers": ["kubernetes"]}, **obj}
    if kind == "Node" or not KINDS[kind].has_status:
        return obj
    return _with("status", first.get(kind, {}), obj)


def _grace_s(stored: Object, options: DeleteOptions) -> int:
    """Only a pod that a node knows of takes time to leave; a second request may only shorten it."""
    if stored["kind"] != "Pod" or not stored["spec"].get("nodeName"):
        return 0
    if stored["status"].get("phase") in ("Succeeded", "Failed"):
        return 0
    own = stored["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_S)
    asked = own if options.grace_period_s is None else options.grace_period_s
    earlier = stored["metadata"].get("deletionGracePeriodSeconds")
    return int(asked if earlier is None else min(asked, earlier))


def _held(stored: Object, options: DeleteOptions) -> Object:
    """With the finalizer that the propagation policy asks for, and without the other one."""
    if options.propagation is None:
        return stored
    finalizers = [
        entry
        for entry in stored["metadata"].get("finalizers", [])
        if entry not in _HELD_BY.values()
    ]
    if options.propagation in _HELD_BY:
        finalizers.append(_HELD_BY[options.propagation])
    return {**stored, "metadata": _with("finalizers", finalizers or None, stored["metadata"])}


def _leaving(obj: Object, grace_s: int) -> Object:
    """The same, with its end in sight."""
    meta = obj["metadata"]
    if meta.get("deletionGracePeriodSeconds") == grace_s:
        return obj
    end = timestamp(datetime.now(UTC) + timedelta(seconds=grace_s))
    first = meta.get("deletionTimestamp", end) if grace_s == 0 else end
    meta = {**meta, "deletionTimestamp": first, "deletionGracePeriodSeconds": grace_s}
    obj = _next_generation({**obj, "metadata": meta})
    if obj["kind"] == "Namespace":
        return {**obj, "status": {**obj["status"], "phase": "Terminating"}}
    return obj


def _is_gone(obj: Object) -> bool:
    meta = obj["metadata"]
    held = meta.get("finalizers") or (obj["kind"] == "Namespace" and obj["spec"].get("finalizers"))
    return is_terminating(obj) and not held and meta["deletionGracePeriodSeconds"] == 0


def _next_generation(obj: Object) -> Object:
    meta = obj["metadata"]
    if "generation" not in meta:
        return obj
    return {**obj, "metadata": {**meta, "generation": meta["generation"] + 1}}


def _spec_of(obj: Object) -> Mapping[str, Any]:
    apart = ("metadata", "status")
    return {name: value for name, value in obj.items() if name not in apart}


def _with(field: str, value: Any, obj: Object) -> Object:
    rest = {name: old for name, old in obj.items() if name != field}
    return rest if value is None else {**rest, field: value}


def _names(kind: str, key: Key) -> tuple[str, str, str]:
    return KINDS[kind].plural, KINDS[kind].group, key.name


def _now() -> str:
    return timestamp(datetime.now(UTC))
