"""What the contract of `Api` is tested with: plain objects, and a world to put them in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from canarylab.playground.kube.api import Api, Object, WatchEvent

SPACE = "lab"


def config_map(name: str, **data: str) -> Object:
    """The plainest of objects."""
    meta = {"name": name, "namespace": SPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def pod(name: str, **spec: Any) -> Object:
    """A pod that any API server takes; `nodeName` gives it to a node."""
    container = {"name": "nodeapp", "image": "node_app:1.0"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": SPACE, "labels": {"app": "nodeapp"}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 30, **spec},
    }


def deployment(name: str) -> Object:
    """A Deployment of three."""
    labels = {"app": "nodeapp"}
    template = {"metadata": {"labels": labels}, "spec": pod("any")["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"replicas": 3, "selector": {"matchLabels": labels}, "template": template},
    }


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


async def seen(events: AsyncIterator[WatchEvent], count: int) -> list[tuple[str, str]]:
    """The next events of a watch: what happened, and to whom."""
    async with asyncio.timeout(5):
        return [
            (event.type, event.object["metadata"]["name"])
            for event in [await anext(events) for _ in range(count)]
        ]


def changed(obj: Object, **fields: Any) -> Object:
    return {**obj, **fields}


def relabelled(obj: Object, **labels: str) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "labels": labels}}


def without_version(obj: Object) -> Object:
    meta = {name: value for name, value in obj["metadata"].items() if name != "resourceVersion"}
    return {**obj, "metadata": meta}


def watching(api: Api, kind: str) -> aclosing[Any]:
    """A watch that is closed with the block."""
    return aclosing(cast("Any", api.watch(kind)))


class Contract:
    """Whoever inherits provides the fixture `api`."""

    @pytest.fixture
    async def lab(self, api: Api) -> Api:
        """The API, with a namespace to work in."""
        await api.create(namespace(SPACE))
        return api
