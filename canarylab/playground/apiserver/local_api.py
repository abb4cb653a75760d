"""In-process implementation of `Api`, and the first objects of a cluster.

Controllers, kubelet and proxy use it without a network; kubectl uses `server.py`. Both follow the
rules of `registry.py`.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import AsyncIterator

from canarylab.errors import GoneError
from canarylab.ingress_rules.ingress_spec import INGRESS_CLASS, INGRESS_CONTROLLER
from canarylab.kube_objects import SERVICE_LABEL, Key, Object, key_of, uid_of
from canarylab.playground.address_range import LoopbackRange
from canarylab.playground.apiserver.allocation import move_address
from canarylab.playground.apiserver.managed_fields import FieldManager
from canarylab.playground.apiserver.registry import Registry, RegistryOptions, make_registry
from canarylab.playground.apiserver.store import PlannedWrite, Store
from canarylab.playground.kube.api import Api, DeleteOptions, WatchEvent, find_object

logger = logging.getLogger(__name__)
NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")

_DEFAULT_DELETE_OPTIONS = DeleteOptions()
_KUBERNETES_LABELS = {"component": "apiserver", "provider": "kubernetes"}
_INGRESS_CLASS: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {
        "name": INGRESS_CLASS,
        "labels": {
            "app.kubernetes.io/component": "controller",
            "app.kubernetes.io/instance": "ingress-nginx",
            "app.kubernetes.io/name": "ingress-nginx",
            "app.kubernetes.io/part-of": "ingress-nginx",
        },
    },
    "spec": {"controller": INGRESS_CONTROLLER},
}
"""As ingress-nginx creates it. It is not the default class: an Ingress has to name it."""


class LocalApi:
    """`Api` over the store, in the process of the API server.

    While changes cannot be stored its writes wait; those of clients are refused.
    """

    def __init__(self, store: Store, options: RegistryOptions) -> None:
        self.store = store
        self.registry: Registry = make_registry(store, options)
        self._manager = ""

    def for_manager(self, name: str) -> LocalApi:
        """The same API for a component, whose name its writes have in `managedFields`."""
        named = copy.copy(self)
        named._manager = name
        return named

    def _writer(self, subresource: str = "") -> FieldManager | None:
        """Who writes, if that is a component."""
        return FieldManager(self._manager, subresource) if self._manager else None

    async def get(self, kind: str, key: Key) -> Object:
        """The object, or NotFoundError."""
        return self.registry.get(kind, key)

    async def list(self, kind: str, namespace: str | None = None) -> list[Object]:
        """The objects of one namespace or of all, ordered by key."""
        return self.store.all(kind, namespace)

    async def create(self, obj: Object) -> Object:
        """Create an object."""
        await self.store.until_writable()
        return self.commit(self.registry.create(obj, self._writer()))

    async def update(self, obj: Object) -> Object:
        """Update everything but the status."""
        await self.store.until_writable()
        return self.commit(self.registry.update(obj, self._writer()))

    async def update_status(self, obj: Object) -> Object:
        """Update the status alone."""
        await self.store.until_writable()
        return self.commit(self.registry.update_status(obj, self._writer("status")))

    async def update_scale(self, obj: Object) -> Object:
        """Update the replicas."""
        await self.store.until_writable()
        return self.commit(self.registry.update(obj, self._writer("scale")))

    async def bind(self, pod: Key, node: str) -> Object:
        """Assign a pod to a node."""
        await self.store.until_writable()
        return self.commit(self.registry.bind(pod, node))

    async def delete(
        self, kind: str, key: Key, options: DeleteOptions = _DEFAULT_DELETE_OPTIONS
    ) -> None:
        """Delete an object."""
        await self.store.until_writable()
        self.commit(self.registry.delete(kind, key, options))

    def commit(self, write: PlannedWrite) -> Object:
        """Commit a write; a written event also removes the expired ones."""
        if write.object["kind"] == "Event" and write.action == "write":
            for old in self.registry.renew_event(write.object):
                self.store.commit(old)
        return self.store.commit(write)

    async def watch(self, kind: str) -> AsyncIterator[WatchEvent]:
        """Yield all objects as ADDED, then every change.

        A watcher that falls too far behind gets the differences at once instead of an error.
        """
        known: dict[Key, Object] = {}
        while True:
            subscription = self.store.subscribe(kind)
            try:
                for event in _differences(known, self.store.all(kind)):
                    _remember(known, event)
                    yield event
                while True:
                    for change in await subscription.take():
                        event = WatchEvent(change.type, change.object)
                        _remember(known, event)
                        yield event
            except GoneError:
                logger.warning("A watch of %s fell behind and lists again.", kind)
            finally:
                self.store.unsubscribe(kind, subscription)


def _differences(known: dict[Key, Object], now: list[Object]) -> list[WatchEvent]:
    """The events that lead from the known objects to the current ones."""
    current = {key_of(obj): obj for obj in now}
    deleted = [
        WatchEvent("DELETED", obj)
        for key, obj in known.items()
        if key not in current or uid_of(current[key]) != uid_of(obj)
    ]
    replaced = {key_of(event.object) for event in deleted}
    added_or_changed = [
        WatchEvent("ADDED" if key not in known or key in replaced else "MODIFIED", obj)
        for key, obj in current.items()
        if known.get(key) is not obj
    ]
    return deleted + added_or_changed


def _remember(known: dict[Key, Object], event: WatchEvent) -> None:
    if event.type == "DELETED":
        known.pop(key_of(event.object), None)
    else:
        known[key_of(event.object)] = event.object


def move_services(store: Store, addresses: LoopbackRange) -> None:
    """Give the Services of an earlier daemon addresses of this one's range, if that is another."""
    for service in store.all("Service"):
        moved = move_address(service, addresses.services)
        if moved is not service:
            store.commit(PlannedWrite("write", moved))


async def bootstrap(
    api: Api, *, addresses: LoopbackRange, port: int, host: str = "127.0.0.1"
) -> None:
    """Create the namespaces, IngressClass and Service that every cluster has, if they are missing.

    `host` and `port` are those of the API server.
    """
    for name in NAMESPACES:
        if await find_object(api, "Namespace", Key("", name)) is None:
            await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    if await find_object(api, "IngressClass", Key("", INGRESS_CLASS)) is None:
        await api.create(_INGRESS_CLASS)
    for obj in kubernetes_service(addresses, host=host, port=port):
        if await find_object(api, obj["kind"], key_of(obj)) is None:
            await api.create(obj)
        else:
            await api.update(obj)  # the port may have changed


def kubernetes_service(
    addresses: LoopbackRange, *, port: int, host: str = "127.0.0.1"
) -> list[Object]:
    """The Service of the API server: the first cluster IP, as on a real cluster."""
    meta = {"name": "kubernetes", "namespace": "default"}
    listening = {"name": "https", "port": port, "protocol": "TCP"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**meta, "labels": _KUBERNETES_LABELS},
            "spec": {
                "clusterIP": str(addresses.services[1]),
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {
                **meta,
                "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
            },
            "subsets": [{"addresses": [{"ip": host}], "ports": [listening]}],
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**meta, "labels": {SERVICE_LABEL: "kubernetes"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [host], "conditions": {"ready": True}}],
            "ports": [listening],
        },
    ]
