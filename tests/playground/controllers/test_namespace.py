from __future__ import annotations

from canarylab.playground.controllers import namespace
from canarylab.playground.controllers.namespace import CONTENT, Plan, plan
from canarylab.playground.kube.api import IMMEDIATELY, Key, Object
from canarylab.playground.kube.kinds import KINDS
from tests.playground.contract_objects import config_map
from tests.playground.contract_objects import namespace as a_namespace
from tests.playground.controllers.world import SPACE, THEN, at_work, meta, pod, service
from tests.playground.fake_api import FakeApi
from tests.waiting import until

STAYING = {**a_namespace(SPACE), "spec": {"finalizers": ["kubernetes"]}}
LEAVING = meta(STAYING, deletionTimestamp=THEN)


def test_a_namespace_that_stays_keeps_everything() -> None:
    assert plan(STAYING, [pod()]) == Plan([], None)


def test_all_it_holds_goes_first() -> None:
    assert plan(LEAVING, [pod(), service()]) == Plan([pod(), service()], None)


def test_what_is_on_its_way_out_is_waited_for() -> None:
    ending = meta(pod(), deletionTimestamp=THEN)
    assert plan(LEAVING, [ending]) == Plan([], None)


def test_an_empty_one_is_free_to_go() -> None:
    todo = plan(LEAVING, [])
    assert todo.finished is not None
    assert todo.finished["spec"]["finalizers"] == []


def test_every_kind_that_lives_in_a_namespace_is_looked_for() -> None:
    assert set(CONTENT) == {name for name, kind in KINDS.items() if kind.namespaced}


async def test_it_goes_when_its_last_pod_has_gone() -> None:
    api = FakeApi()
    await api.create(a_namespace(SPACE))
    await api.create(config_map("colours"))
    await api.create(pod("web", nodeName="playground"))
    async with at_work(api, namespace.controller):
        await api.delete("Namespace", Key("", SPACE))
        await until(lambda: left(api, "Pod"))
        assert await api.list("Namespace") != []
        await api.delete("Pod", Key(SPACE, "web"), IMMEDIATELY)
        await until(lambda: left(api))


async def left(api: FakeApi, *kinds: str) -> bool:
    """Is nothing left but objects of these kinds?"""
    if kinds:
        contents: list[Object] = [obj for kind in CONTENT for obj in await api.list(kind, SPACE)]
        return {obj["kind"] for obj in contents} == set(kinds)
    return await api.list("Namespace") == []


async def test_what_appears_meanwhile_goes_too() -> None:
    api = FakeApi()
    await api.create(a_namespace(SPACE))
    await api.create(pod("web", nodeName="playground"))
    async with at_work(api, namespace.controller):
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
    async with at_work(api, namespace.controller):
        await api.delete("Namespace", Key("", SPACE))
        await until(lambda: is_gone(api))
    assert len(await api.list("ConfigMap", "other")) == 1


async def is_gone(api: FakeApi) -> bool:
    return [one["metadata"]["name"] for one in await api.list("Namespace")] == ["other"]
