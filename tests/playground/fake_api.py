"""The one test double of `Api`: a small API server in memory.

It has resource versions and conflicts, separate spec and status, writes that change nothing,
graceful deletion of pods, finalizers and watches. It neither validates nor defaults. It passes the
same contract suite as the real one, `api_contract.py`. What is written has to fit the schema of
its kind: controllers and the kubelet write fields that Kubernetes has, with their types.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from canarylab.errors import AlreadyExistsError, ConflictError, NotFoundError
from canarylab.kube_objects import Key, Object, is_terminating, key_of, timestamp, uid_of
from canarylab.playground.apiserver.decode import decode
from canarylab.playground.kube.api import DeleteOptions, WatchEvent
from canarylab.playground.kube.kinds import KINDS

DEFAULT_GRACE_S = 30
_COUNTED = frozenset({"Deployment", "ReplicaSet", "Pod", "EndpointSlice"})
_POLICY_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}


class FakeApi:
    """An `Api` over a dict. `put` is for tests: it creates an object together with its status."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[Key, Object]] = {kind: {} for kind in KINDS}
        self._written: dict[tuple[str, Key], Object] = {}
        self._watchers: dict[str, list[asyncio.Queue[WatchEvent]]] = {kind: [] for kind in KINDS}
        self._counter = itertools.count(1)
        self.writes: list[tuple[str, str, str]] = []  # verb, kind and name of every change

    async def get(self, kind: str, key: Key) -> Object:
        await asyncio.sleep(0)
        return self._stored(kind, key)

    async def list(self, kind: str, namespace: str | None = None) -> list[Object]:
        await asyncio.sleep(0)
        everything = sorted(self._objects[kind].items())
        return [obj for key, obj in everything if namespace in (None, key.namespace)]

    async def create(self, obj: Object) -> Object:
        await asyncio.sleep(0)
        _check_fields(obj)
        obj = _new_object(obj, number=next(self._counter))
        if key_of(obj) in self._objects[obj["kind"]]:
            raise AlreadyExistsError(*_name_of(obj["kind"], key_of(obj)))
        return self._write("create", "ADDED", obj)

    async def update(self, obj: Object) -> Object:
        await asyncio.sleep(0)
        _check_fields(obj)
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
        _check_fields(obj)
        stored = self._fresh(obj)
        return self._replace("update_status", stored, _with("status", obj.get("status"), stored))

    async def update_scale(self, obj: Object) -> Object:
        return await self.update(obj)

    async def bind(self, pod: Key, node: str) -> Object:
        await asyncio.sleep(0)
        stored = self._stored("Pod", pod)
        if taken := stored["spec"].get("nodeName"):
            message = f'pod {pod.name} is already assigned to node "{taken}"'
            raise ConflictError("pods/binding", "", pod.name, message)
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
            message = (
                f"Precondition failed: UID in precondition: {options.uid}, "
                f"UID in object meta: {uid_of(stored)}"
            )
            raise ConflictError(*_name_of(kind, key), message)
        grace_s = _grace_s(stored, options)
        terminating = _mark_terminating(_with_policy_finalizer(stored, options), grace_s)
        if _is_gone(terminating):
            self._remove(stored)
        else:
            self._replace("delete", stored, terminating)

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

    async def put(self, obj: Object) -> Object:
        """Create an object with its status."""
        created = await self.create(obj)
        if "status" not in obj:
            return created
        return await self.update_status({**created, "status": obj["status"]})

    def changed_in_place(self) -> set[str]:
        """Return the stored objects that were changed in place, which is forbidden."""
        return {
            f"{kind} {key.name}"
            for (kind, key), written in self._written.items()
            if self._objects[kind][key] != written
        }

    def _stored(self, kind: str, key: Key) -> Object:
        try:
            return self._objects[kind][key]
        except KeyError:
            raise NotFoundError(*_name_of(kind, key)) from None

    def _fresh(self, obj: Object) -> Object:
        stored, meta = self._stored(obj["kind"], key_of(obj)), obj["metadata"]
        for name in ("uid", "resourceVersion"):
            if meta.get(name) not in (None, stored["metadata"][name]):
                raise ConflictError(*_name_of(obj["kind"], key_of(obj)))
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
        self._written[obj["kind"], key_of(obj)] = copy.deepcopy(obj)
        self._notify(verb, WatchEvent(event, obj))
        return obj

    def _remove(self, stored: Object) -> None:
        del self._objects[stored["kind"]][key_of(stored)]
        del self._written[stored["kind"], key_of(stored)]
        version = str(next(self._counter))
        last = {**stored, "metadata": {**stored["metadata"], "resourceVersion": version}}
        self._notify("remove", WatchEvent("DELETED", last))

    def _notify(self, verb: str, event: WatchEvent) -> None:
        self.writes.append((verb, event.object["kind"], event.object["metadata"]["name"]))
        for queue in self._watchers[event.object["kind"]]:
            queue.put_nowait(event)


def _check_fields(obj: Object) -> None:
    """Raise BadRequestError for a field that the kind does not have, or a value of another type."""
    kind = KINDS[obj["kind"]]
    decode(kind, {**obj, "apiVersion": kind.api_version}, validation="Strict")


def _new_object(obj: Object, *, number: int) -> Object:
    """Return a new object with name, uid, creation time and first status."""
    kind, meta = obj["kind"], obj["metadata"]
    name = meta.get("name") or f"{meta['generateName']}{number:05d}"
    meta = {**meta, "name": name, "uid": f"uid-{number}", "creationTimestamp": _now()}
    if kind in _COUNTED:
        meta["generation"] = 1
    obj = {**obj, "metadata": meta}
    first = {"Pod": {"phase": "Pending"}, "Namespace": {"phase": "Active"}}
    if kind == "Namespace":
        obj = {"spec": {"finalizers": ["kubernetes"]}, **obj}
    if kind == "Node" or not KINDS[kind].has_status:
        return obj
    return _with("status", first.get(kind, {}), obj)


def _grace_s(stored: Object, options: DeleteOptions) -> int:
    """Return the grace period: only a bound pod has one; a second request can only shorten it."""
    if stored["kind"] != "Pod" or not stored["spec"].get("nodeName"):
        return 0
    if stored["status"].get("phase") in ("Succeeded", "Failed"):
        return 0
    own = stored["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_S)
    requested = own if options.grace_period_s is None else options.grace_period_s
    earlier = stored["metadata"].get("deletionGracePeriodSeconds")
    return int(requested if earlier is None else min(requested, earlier))


def _with_policy_finalizer(stored: Object, options: DeleteOptions) -> Object:
    """Add the finalizer of the propagation policy, and remove the other one."""
    if options.propagation is None:
        return stored
    finalizers = [
        entry
        for entry in stored["metadata"].get("finalizers", [])
        if entry not in _POLICY_FINALIZERS.values()
    ]
    if options.propagation in _POLICY_FINALIZERS:
        finalizers.append(_POLICY_FINALIZERS[options.propagation])
    return {**stored, "metadata": _with("finalizers", finalizers or None, stored["metadata"])}


def _mark_terminating(obj: Object, grace_s: int) -> Object:
    """Mark the object as terminating."""
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


def _name_of(kind: str, key: Key) -> tuple[str, str, str]:
    return KINDS[kind].plural, KINDS[kind].group, key.name


def _now() -> str:
    return timestamp(datetime.now(UTC))
