"""What comes of a request to write?

Every rule that stands between a request and the store is called from here, in the order in which
a real API server goes through them: it decides about the namespace first, then fills in, then
validates, then hands out addresses. Each method decides and returns a `Write`; it is done, or in
a dry run not done, by whoever asked. Nothing awaits in between, so nobody can come between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network

from canarylab.errors import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    InvalidError,
    NotFoundError,
)
from canarylab.playground.address_range import LoopbackRange
from canarylab.playground.apiserver.rules import admission, allocation, deletion, metadata
from canarylab.playground.apiserver.rules.allocation import Allocator
from canarylab.playground.apiserver.rules.defaults import with_defaults
from canarylab.playground.apiserver.rules.metadata import Makers
from canarylab.playground.apiserver.rules.omitting import without_zeros
from canarylab.playground.apiserver.store import Store, Write
from canarylab.playground.apiserver.validation import validate
from canarylab.playground.kube.api import DeleteOptions, Key, Object
from canarylab.playground.kube.kinds import KINDS
from canarylab.playground.kube.objects import is_terminating, key_of, timestamp


@dataclass(frozen=True)
class Registry:
    """The rules, over the objects there are."""

    store: Store
    allocator: Allocator
    makers: Makers

    def found(self, kind: str, key: Key) -> Object:
        """The object, or NotFoundError."""
        obj = self.store.find(kind, key)
        if obj is None:
            raise NotFoundError(KINDS[kind].plural, KINDS[kind].group, key.name)
        return obj

    def create(self, obj: Object) -> Write:
        """A new object."""
        kind = KINDS[obj["kind"]]
        if obj.get("metadata", {}).get("resourceVersion"):
            raise ApiError("resourceVersion should not be set on objects to be created")
        obj = metadata.newborn(obj, kind, self.makers)
        if kind.namespaced:
            meta = obj["metadata"]
            namespace = self.store.find("Namespace", Key("", meta.get("namespace", "")))
            admission.check_namespace(namespace, kind, meta)
        obj = without_zeros(admission.as_new(with_defaults(obj)))
        if kind.kind == "Ingress":
            obj = admission.in_class(obj, self.store.all("IngressClass"))
        _check(obj, None)
        if kind.kind == "Service":
            obj = self.allocator.filled(obj, self.store.all("Service"))
        if self.store.find(kind.kind, key_of(obj)) is not None:
            raise AlreadyExistsError(kind.plural, kind.group, obj["metadata"]["name"])
        return Write("write", obj)

    def update(self, obj: Object) -> Write:
        """A new version of everything but the status."""
        current = self.found(obj["kind"], key_of(obj))
        kind = KINDS[obj["kind"]]
        _check_fresh(obj, current)
        after = metadata.succeeding(obj, current, kind)
        if kind.has_status:
            after = _with_status(after, current.get("status"))
        if kind.kind == "Service":
            after = allocation.carried_over(after, current)
        after = without_zeros(with_defaults(after))
        if kind.kind == "Service":
            after = allocation.given_back(after, current)
        _check(after, current)
        if kind.kind == "Service":
            after = self.allocator.filled(after, self.store.all("Service"), current)
        return _next(current, metadata.counted(after, current))

    def update_status(self, obj: Object) -> Write:
        """A new version of the status alone."""
        current = self.found(obj["kind"], key_of(obj))
        _check_fresh(obj, current)
        after = without_zeros(_with_status(current, obj.get("status")))
        if KINDS[obj["kind"]].is_custom:
            after = with_defaults(after)
            _check(after, current)
        return _next(current, after)

    def bind(self, pod: Key, node: str) -> Write:
        """The pod, given to a node."""
        current = self.found("Pod", pod)
        _check_free(current)
        scheduled = {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": timestamp(self.makers.now()),
        }
        status = current.get("status", {})
        others = [
            entry for entry in status.get("conditions", []) if entry["type"] != "PodScheduled"
        ]
        return Write(
            "write",
            {
                **current,
                "spec": {**current["spec"], "nodeName": node},
                "status": {**status, "conditions": [*others, scheduled]},
            },
        )

    def delete(self, kind: str, key: Key, options: DeleteOptions) -> Write:
        """The object gone, or on its way."""
        return deletion.plan(self.found(kind, key), options, self.makers.now())

    def forgettable_events(self) -> list[Write]:
        """Events that nobody will miss."""
        events = admission.forgettable(self.store.all("Event"), self.makers.now())
        return [Write("remove", event) for event in events]


@dataclass(frozen=True)
class Surroundings:
    """What a cluster is given from outside."""

    addresses: LoopbackRange
    makers: Makers = field(default_factory=Makers)

    @property
    def services(self) -> IPv4Network:
        """Where cluster IPs come from."""
        return self.addresses.services


def make_registry(store: Store, around: Surroundings) -> Registry:
    """The rules over this store."""
    allocator = Allocator(around.services, around.makers.random)
    return Registry(store, allocator, around.makers)


def _next(current: Object, after: Object) -> Write:
    if after == current:
        return Write("nothing", current)
    return Write("remove" if deletion.is_over(after) else "write", after)


def _with_status(obj: Object, status: Object | None) -> Object:
    rest = {name: value for name, value in obj.items() if name != "status"}
    return rest if status is None else {**rest, "status": status}


def _check(obj: Object, old: Object | None) -> None:
    if causes := validate(obj, old):
        kind = KINDS[obj["kind"]]
        raise InvalidError(kind.kind, kind.group, obj["metadata"].get("name", ""), causes)


def _check_fresh(obj: Object, current: Object) -> None:
    kind, asked, stored = KINDS[obj["kind"]], obj["metadata"], current["metadata"]
    if asked.get("uid") not in {None, "", stored["uid"]}:
        why = (
            f"Precondition failed: UID in precondition: {asked['uid']}, "
            f"UID in object meta: {stored['uid']}"
        )
        raise ConflictError(kind.plural, kind.group, stored["name"], why)
    if asked.get("resourceVersion") not in {None, "", stored["resourceVersion"]}:
        raise ConflictError(kind.plural, kind.group, stored["name"])


def _check_free(pod: Object) -> None:
    name, node = pod["metadata"]["name"], pod["spec"].get("nodeName")
    if is_terminating(pod):
        why = f"pod {name} is being deleted, cannot be assigned to a host"
        raise ConflictError("pods/binding", "", name, why)
    if node:
        why = f'pod {name} is already assigned to node "{node}"'
        raise ConflictError("pods/binding", "", name, why)
