from __future__ import annotations

from canarylab.kube_objects import Key, Object
from canarylab.playground.controllers import namespace
from canarylab.playground.controllers.namespace import NAMESPACED_KINDS, NamespacePlan, plan
from canarylab.playground.kube.api import IMMEDIATELY
from canarylab.playground.kube.kinds import KINDS
from tests.playground.api_contract import config_map
from tests.playground.api_contract import namespace as a_namespace
from tests.playground.controllers.builders import (
    SPACE,
    THEN,
    meta,
    pod,
    running_controllers,
    service,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until

ACTIVE = {**a_namespace(SPACE), "spec": {"finalizers": ["kubernetes"]}}
TERMINATING = meta(ACTIVE, deletionTimestamp=THEN)


def test_an_active_namespace_keeps_everything() -> None:
    assert plan(ACTIVE, [pod()]) == NamespacePlan([], None)


def test_its_content_is_deleted_first() -> None:
    assert plan(TERMINATING, [pod(), service()]) == NamespacePlan([pod(), service()], None)


def test_terminating_objects_are_waited_for() -> None:
    ending = meta(pod(), deletionTimestamp=THEN)
    assert plan(TERMINATING, [ending]) == NamespacePlan([], None)


def test_an_empty_namespace_loses_its_finalizer() -> None:
    todo = plan(TERMINATING, [])
    assert todo.finalized is not None
    assert todo.finalized["spec"]["finalizers"] == []


def test_every_namespaced_kind_is_deleted() -> None:
    assert set(NAMESPACED_KINDS) == {name for name, kind in KINDS.items() if kind.namespaced}


async def test_a_namespace_is_removed_when_its_last_pod_is_gone() -> None:
    api = FakeApi()
    await api.create(a_namespace(SPACE))
    await api.create(config_map("colours"))
    await api.create(pod("web", nodeName="playground"))
    async with running_controllers(api, namespace.controller):
        await api.delete("Namespace", Key("", SPACE))
        await until(lambda: left(api, "Pod"))
        assert await api.list("Namespace") != []
        await api.delete("Pod", Key(SPACE, "web"), IMMEDIATELY)
        await until(lambda: left(api))


async def left(api: FakeApi, *kinds: str) -> bool:
    """Whether only objects of these kinds are left."""
    if kinds:
        contents: list[Object] = [
            obj for kind in NAMESPACED_KINDS for obj in await api.list(kind, SPACE)
        ]
        return {obj["kind"] for obj in contents} == set(kinds)
    return await api.list("Namespace") == []


async def test_objects_created_meanwhile_are_deleted_too() -> None:
    api = FakeApi()
    await api.create(a_namespace(SPACE))
    await api.create(pod("web", nodeName="playground"))
    async with running_controllers(api, namespace.controller):
        await api.delete("Namespace", Key("", SPACE))
        await api.create(config_map("late"))
        await api.delete("Pod", Key(SPACE, "web"), IMMEDIATELY)
        await until(lambda: left(api))
    assert await api.list("ConfigMap") == []


async def test_other_namespaces_are_not_touched() -> None:
    api = FakeApi()
    for name in (SPACE, "other"):
        await api.create(a_namespace(name))
        await api.create(meta(config_map("colours"), namespace=name))
    async with running_controllers(api, namespace.controller):
        await api.delete("Namespace", Key("", SPACE))
        await until(lambda: is_gone(api))
    assert len(await api.list("ConfigMap", "other")) == 1


async def is_gone(api: FakeApi) -> bool:
    return [one["metadata"]["name"] for one in await api.list("Namespace")] == ["other"]
