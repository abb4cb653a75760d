"""The registry: every rule for writing objects, as pkg/registry in Kubernetes; not one of images.

Admission comes first (namespace, default class), then defaults, validation and the allocation of
addresses. Each method returns a `PlannedWrite`, which the caller commits unless it is a dry run.
Nothing here awaits, so no other write can come in between.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network

from canarylab.errors import (
    AlreadyExistsError,
    ApiError,
    Cause,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from canarylab.kube_objects import (
    INGRESS_CLASS_ANNOTATION,
    Key,
    Object,
    is_default_class,
    is_terminating,
    key_of,
    timestamp,
)
from canarylab.playground.address_range import LoopbackRange
from canarylab.playground.apiserver import allocation, deletion, last_applied, metadata
from canarylab.playground.apiserver.allocation import ServiceAllocator
from canarylab.playground.apiserver.decode import complete, omitempty
from canarylab.playground.apiserver.defaults import with_defaults, with_initial_status, with_token
from canarylab.playground.apiserver.managed_fields import (
    FieldManager,
    apply,
    with_entries,
    with_given_managers,
    with_managed_fields,
    with_new_managed_fields,
    without_filled_in,
)
from canarylab.playground.apiserver.metadata import Generators
from canarylab.playground.apiserver.store import PlannedWrite, Store
from canarylab.playground.apiserver.validation import validate
from canarylab.playground.kube.api import DeleteOptions
from canarylab.playground.kube.kinds import KINDS, Kind

EVENT_TTL = timedelta(hours=1)
MAX_PODS = 500
"""Pods of all namespaces, of which 110 can run: a Deployment may ask for two billion."""


class EventLeases:
    """When each event was written last: it is removed an hour later, as etcd does by a lease.

    They are in the order of these times, so that the expired ones are the first, and to find them
    costs the same however many there are.
    """

    def __init__(self, written: OrderedDict[Key, datetime] | None = None) -> None:
        self._written = OrderedDict() if written is None else written

    def renew(self, event: Key, now: datetime) -> list[Key]:
        """Begin the lease of an event anew; return the events whose lease has ended."""
        self._written[event] = now
        self._written.move_to_end(event)
        expired = []
        while (first := next(iter(self._written))) != event:
            if self._written[first] >= now - EVENT_TTL:
                break
            del self._written[first]
            expired.append(first)
        return expired


@dataclass(frozen=True)
class Registry:
    """Plans the writes to a store."""

    store: Store
    allocator: ServiceAllocator
    generators: Generators
    event_leases: EventLeases = field(default_factory=EventLeases)

    def get(self, kind: str, key: Key) -> Object:
        """The object, or NotFoundError."""
        obj = self.store.find(kind, key)
        if obj is None:
            raise NotFoundError(KINDS[kind].plural, KINDS[kind].group, key.name)
        return obj

    def create(self, obj: Object, manager: FieldManager | None = None) -> PlannedWrite:
        """Plan the creation of an object; without a manager, nobody owns its fields."""
        kind, given = KINDS[obj["kind"]], obj
        if obj.get("metadata", {}).get("resourceVersion"):
            raise ApiError("resourceVersion should not be set on objects to be created")
        named = obj.get("metadata") or {}
        obj = metadata.new_metadata(obj, kind, self.generators)
        if kind.namespaced:
            meta = obj["metadata"]
            namespace = self.store.find("Namespace", Key("", meta.get("namespace", "")))
            check_namespace(namespace, kind, meta)
        owned = obj = with_defaults(obj)
        if kind.kind == "Pod":
            check_pod_quota(self.store.count("Pod"), obj["metadata"])
            name = named.get("name") or named.get("generateName", "")
            obj = with_defaults(self._with_account(obj, name))
            check_priority(obj["spec"], name)
        obj = omitempty(with_initial_status(obj))
        if kind.kind == "Ingress":
            obj = with_default_class(obj, self.store.all("IngressClass"))
        _validate(obj, None)
        if manager is not None:
            owned = without_filled_in(omitempty(owned), given)
            obj = with_new_managed_fields(obj, owned, manager, self.generators.now())
        if kind.kind == "Service":
            obj = self.allocator.allocate(obj, self.store.all("Service"))
        if self.store.find(kind.kind, key_of(obj)) is not None:
            raise AlreadyExistsError(kind.plural, kind.group, obj["metadata"]["name"])
        return PlannedWrite("write", obj)

    def _with_account(self, pod: Object, name: str) -> Object:
        """The pod with the token of its account; raise ForbiddenError if the account is missing.

        The account `default` may be on its way.
        """
        spec, namespace = pod.get("spec") or {}, pod["metadata"]["namespace"]
        wanted = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        account = self.store.find("ServiceAccount", Key(namespace, wanted))
        if account is None and wanted != "default":
            missing = f'serviceaccount "{wanted}" not found'
            why = f"error looking up service account {namespace}/{wanted}: {missing}"
            raise ForbiddenError("pods", "", name, why)
        return with_token(pod, account, self.generators.suffix())

    def update(self, obj: Object, manager: FieldManager | None = None) -> PlannedWrite:
        """Plan an update of everything but the status.

        Without a manager, the managers are those that the object names, or the current ones.
        """
        current = self.get(obj["kind"], key_of(obj))
        kind = KINDS[obj["kind"]]
        _check_preconditions(obj, current)
        after = with_given_managers(metadata.next_version(obj, current, kind), obj)
        if kind.has_status:
            after = _with_status(after, current.get("status"))
        if kind.kind == "Service":
            after = allocation.keep_addresses(after, current)
        after = omitempty(with_defaults(after))
        if kind.kind == "Service":
            after = allocation.release_addresses(after, current)
        _validate(after, current)
        after = self._managed(after, current, manager)
        if kind.kind == "Service":
            after = self.allocator.allocate(after, self.store.all("Service"), current)
        return _write_of(current, metadata.with_generation(after, current))

    def update_status(self, obj: Object, manager: FieldManager | None = None) -> PlannedWrite:
        """Plan an update of the status alone."""
        current = self.get(obj["kind"], key_of(obj))
        _check_preconditions(obj, current)
        after = omitempty(_with_status(current, obj.get("status")))
        if KINDS[obj["kind"]].is_custom:
            after = with_defaults(after)
            _validate(after, current)
        after = with_given_managers(after, obj)
        return _write_of(current, self._managed(after, current, manager))

    def _managed(self, after: Object, current: Object, manager: FieldManager | None) -> Object:
        if manager is None:
            return after
        return with_managed_fields(after, current, manager, self.generators.now())

    def apply(
        self,
        configuration: Object,
        manager: FieldManager,
        *,
        is_forced: bool,
        document: Object | None = None,
    ) -> PlannedWrite:
        """Plan what an apply configuration does; raise ApplyConflictError.

        The object is created if it is not there, except through a subresource. `document` is the
        configuration as the client sent it, for the annotation of `kubectl apply`.
        """
        kind = KINDS[configuration["kind"]]
        live = self.store.find(kind.kind, key_of(configuration))
        if live is None and manager.subresource:
            raise NotFoundError(kind.plural, kind.group, configuration["metadata"]["name"])
        now, wanted = self.generators.now(), configuration
        if kind.kind == "Namespace":
            wanted = {name: value for name, value in configuration.items() if name != "spec"}
        applied = apply(live, wanted, manager, is_forced=is_forced, now=now)
        obj = complete(kind, applied.object)
        if kind.kind == "Namespace":
            # The finalizers have no manager, and of a namespace that is there only /finalize
            # changes them.
            obj = {**obj, "spec": (live or configuration).get("spec", {})}
        if document is not None and manager == FieldManager(last_applied.MANAGER):
            obj = last_applied.with_configuration(obj, document)
        if live is None:
            write = self.create(obj)
            return write._replace(object=with_entries(write.object, applied.entries))
        obj = with_entries(obj, applied.entries)
        return self.update_status(obj) if manager.subresource == "status" else self.update(obj)

    def bind(self, pod: Key, node: str) -> PlannedWrite:
        """Plan the assignment of a pod to a node."""
        current = self.get("Pod", pod)
        _check_unbound(current)
        scheduled = {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": timestamp(self.generators.now()),
        }
        status = current.get("status", {})
        others = [
            entry for entry in status.get("conditions", []) if entry["type"] != "PodScheduled"
        ]
        return PlannedWrite(
            "write",
            {
                **current,
                "spec": {**current["spec"], "nodeName": node},
                "status": {**status, "conditions": [*others, scheduled]},
            },
        )

    def delete(self, kind: str, key: Key, options: DeleteOptions) -> PlannedWrite:
        """Plan the deletion of an object."""
        return deletion.plan_deletion(self.get(kind, key), options, self.generators.now())

    def renew_event(self, event: Object) -> list[PlannedWrite]:
        """Let an event that is written live for an hour; plan the removal of the expired ones."""
        expired = self.event_leases.renew(key_of(event), self.generators.now())
        found = [self.store.find("Event", key) for key in expired]
        return [PlannedWrite("remove", old) for old in found if old is not None]


@dataclass(frozen=True)
class RegistryOptions:
    """Address range, clock, uid and random generators."""

    addresses: LoopbackRange
    generators: Generators = field(default_factory=Generators)

    @property
    def services(self) -> IPv4Network:
        """The range of cluster IPs."""
        return self.addresses.services


def make_registry(store: Store, options: RegistryOptions) -> Registry:
    """Make the registry of a store."""
    allocator = ServiceAllocator(options.services, options.generators.random)
    registry = Registry(store, allocator, options.generators)
    for event in store.all("Event"):
        registry.event_leases.renew(key_of(event), options.generators.now())
    return registry


def check_namespace(namespace: Object | None, kind: Kind, meta: Object) -> None:
    """Raise NotFoundError or ForbiddenError if no object may be created in this namespace."""
    named = str(meta.get("namespace", ""))
    if namespace is None:
        raise NotFoundError("namespaces", "", named)
    if is_terminating(namespace):
        raise ForbiddenError(
            kind.plural,
            kind.group,
            meta.get("name", ""),
            f"unable to create new content in namespace {named} because it is being terminated",
            (
                Cause(
                    "NamespaceTerminating",
                    "metadata.namespace",
                    f"namespace {named} is being terminated",
                ),
            ),
        )


def check_pod_quota(used: int, meta: Object) -> None:
    """Raise ForbiddenError if there are as many pods as this machine may have."""
    if used >= MAX_PODS:
        counts = f"requested: pods=1, used: pods={used}, limited: pods={MAX_PODS}"
        why = f"exceeded quota: playground, {counts}"
        raise ForbiddenError("pods", "", meta.get("name", ""), why)


def check_priority(spec: Object, name: str) -> None:
    """Raise ForbiddenError if a pod without a class says another priority than it gets.

    A class has no effect, so that what a pod says besides one is not compared with it.
    """
    if spec.get("priorityClassName"):
        return
    for what, given, computed in (
        ("integer value of priority", spec["priority"], 0),
        ("string value of PreemptionPolicy", spec["preemptionPolicy"], "PreemptLowerPriority"),
    ):
        if given != computed:
            why = (
                f"the {what} ({given}) must not be provided in pod spec; priority admission "
                f"controller computed {computed} from the given PriorityClass name"
            )
            raise ForbiddenError("pods", "", name, why)


def with_default_class(ingress: Object, classes: Iterable[Object]) -> Object:
    """The Ingress with the default class, if it names none.

    Raise ForbiddenError if there are several default classes.
    """
    spec, meta = ingress.get("spec", {}), ingress["metadata"]
    if "ingressClassName" in spec or INGRESS_CLASS_ANNOTATION in meta.get("annotations", {}):
        return ingress
    names = [found["metadata"]["name"] for found in classes if is_default_class(found)]
    if not names:
        return ingress
    if len(names) > 1:
        kind, found = KINDS["Ingress"], len(names)
        why = f"Internal error occurred: {found} default IngressClasses were found, only 1 allowed"
        raise ForbiddenError(kind.plural, kind.group, meta.get("name", ""), why)
    return {**ingress, "spec": {**spec, "ingressClassName": names[0]}}


def _write_of(current: Object, after: Object) -> PlannedWrite:
    if after == current:
        return PlannedWrite("none", current)
    return PlannedWrite("remove" if deletion.is_deleted(after) else "write", after)


def _with_status(obj: Object, status: Object | None) -> Object:
    rest = {name: value for name, value in obj.items() if name != "status"}
    return rest if status is None else {**rest, "status": status}


def _validate(obj: Object, old: Object | None) -> None:
    if causes := validate(obj, old):
        kind = KINDS[obj["kind"]]
        raise InvalidError(kind.kind, kind.group, obj["metadata"].get("name", ""), causes)


def _check_preconditions(obj: Object, current: Object) -> None:
    kind, given, stored = KINDS[obj["kind"]], obj["metadata"], current["metadata"]
    if given.get("uid") not in {None, "", stored["uid"]}:
        why = (
            f"Precondition failed: UID in precondition: {given['uid']}, "
            f"UID in object meta: {stored['uid']}"
        )
        raise ConflictError(kind.plural, kind.group, stored["name"], why)
    if given.get("resourceVersion") not in {None, "", stored["resourceVersion"]}:
        raise ConflictError(kind.plural, kind.group, stored["name"])


def _check_unbound(pod: Object) -> None:
    name, node = pod["metadata"]["name"], pod["spec"].get("nodeName")
    if is_terminating(pod):
        why = f"pod {name} is being deleted, cannot be assigned to a host"
        raise ConflictError("pods/binding", "", name, why)
    if node:
        why = f'pod {name} is already assigned to node "{node}"'
        raise ConflictError("pods/binding", "", name, why)
