"""Builders of objects for the controllers' tests, a fake node, and a way to run controllers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

from canarylab.errors import ConflictError, NotFoundError
from canarylab.kube_objects import Key, Object, is_ready, is_terminating, key_of, owner_reference
from canarylab.playground.controllers.loop import Controller, run_controller
from canarylab.playground.kube.api import IMMEDIATELY, Api, WatchEvent
from tests.playground.fake_api import FakeApi

SPACE, NODE = "lab", "playground"
LABELS = {"app": "nodeapp", "env": "prod"}
THEN = "2026-11-22T21:42:09Z"


def template(image: str = "node_app:1.0", **spec: Any) -> Object:
    """A pod template of one container."""
    container = {"name": "nodeapp", "image": image}
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [container], **spec}}


def deployment(replicas: int = 3, image: str = "node_app:1.0", **spec: Any) -> Object:
    """`web`, as the API server would have completed it."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": SPACE, "labels": LABELS},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": LABELS},
            "template": template(image),
            "strategy": rolling("25%", "25%"),
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            **spec,
        },
    }


def rolling(max_surge: int | str, max_unavailable: int | str) -> Object:
    knobs = {"maxSurge": max_surge, "maxUnavailable": max_unavailable}
    return {"type": "RollingUpdate", "rollingUpdate": knobs}


def replica_set(replicas: int = 3, name: str = "web-1", **spec: Any) -> Object:
    """A ReplicaSet without an owner."""
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": LABELS},
            "template": template(),
            **spec,
        },
    }


def pod(name: str = "web-1-aaaaa", *, ready: bool | None = None, **spec: Any) -> Object:
    """A pod that waits for a node, or one that runs and is ready or not."""
    bare: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": SPACE, "labels": LABELS},
        "spec": {"containers": [{"name": "nodeapp", "image": "node_app:1.0"}], **spec},
    }
    if ready is None:
        return bare
    working = {
        "spec": {**bare["spec"], "nodeName": NODE},
        "status": running_status("127.64.0.2", ready=ready),
    }
    return {**bare, **working}


def running_status(address: str, *, ready: bool, since: str = THEN) -> Object:
    """The status of a pod that runs."""
    word = "True" if ready else "False"
    conditions = [{"type": "Ready", "status": word, "lastTransitionTime": since}]
    return {"phase": "Running", "podIP": address, "conditions": conditions}


def service(**spec: Any) -> Object:
    """`web`, in front of all pods of `LABELS`."""
    port = {"port": 80, "targetPort": 3333, "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": SPACE, "labels": {"app": "nodeapp"}},
        "spec": {"selector": {"app": "nodeapp"}, "ports": [port], **spec},
    }


def node(name: str = NODE, *, ready: bool = True, **spec: Any) -> Object:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    meta = {"name": name, "labels": {"kubernetes.io/hostname": name}}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": meta,
        "spec": spec,
        "status": {"conditions": conditions},
    }


def meta(obj: Object, **fields: Any) -> Object:
    """The same with other metadata."""
    return {**obj, "metadata": {**obj["metadata"], **fields}}


def owned(obj: Object, owner: Object) -> Object:
    return meta(obj, ownerReferences=[owner_reference(owner)])


async def edit(api: Api, kind: str, name: str, **spec: Any) -> Object:
    """Change a spec, as `kubectl patch` does."""
    obj = await api.get(kind, Key(SPACE, name))
    bare = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
    return await api.update({**obj, "metadata": bare, "spec": {**obj["spec"], **spec}})


async def pods(api: Api) -> list[Object]:
    return await api.list("Pod", SPACE)


async def ready_pods(api: Api) -> list[Object]:
    return [one for one in await pods(api) if is_ready(one) and not is_terminating(one)]


async def event_messages(api: Api, reason: str) -> list[str]:
    """The messages of the events with this reason, in order."""
    events = await api.list("Event", SPACE)
    in_order = sorted(events, key=lambda event: int(event["metadata"]["resourceVersion"]))
    return [event["message"] for event in in_order if event["reason"] == reason]


@asynccontextmanager
async def running_controllers(api: FakeApi, *controllers: Controller) -> AsyncIterator[None]:
    """Run these controllers; check that none failed and none changed a shared object."""
    tasks = [asyncio.create_task(run_controller(one, api), name=one.name) for one in controllers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes
    assert api.changed_in_place() == set()


@asynccontextmanager
async def with_node(api: FakeApi, *, broken: Collection[str] = ()) -> AsyncIterator[None]:
    """A node that starts and ends its pods at once; those of a broken image never get ready."""
    task = asyncio.create_task(_node(api, broken))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _node(api: FakeApi, broken: Collection[str]) -> None:
    addresses = count(2)
    async for event in api.watch("Pod"):
        with suppress(ConflictError, NotFoundError):  # an old event: a newer one is on its way
            await _take_care(api, event, f"127.64.0.{next(addresses)}", broken)


async def _take_care(
    api: FakeApi, event: WatchEvent, address: str, broken: Collection[str]
) -> None:
    pod = event.object
    if event.type == "DELETED" or not pod["spec"].get("nodeName"):
        return
    if is_terminating(pod):
        await api.delete("Pod", key_of(pod), IMMEDIATELY)
    elif pod["status"]["phase"] == "Pending":
        is_available = pod["spec"]["containers"][0]["image"] not in broken
        await api.update_status({**pod, "status": running_status(address, ready=is_available)})
