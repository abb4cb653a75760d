"""The objects that every cluster has."""

from __future__ import annotations

import pytest

from canarylab.kube_objects import Key, Object, uid_of
from canarylab.playground.controllers.default_objects import ROOT_CA, make_controller
from canarylab.playground.kube.api import find_object
from tests.playground.api_contract import namespace
from tests.playground.controllers.builders import SPACE, meta, running_controllers, service
from tests.playground.fake_api import FakeApi
from tests.waiting import until

KUBERNETES = meta(service(), name="kubernetes", namespace=SPACE)
CONTROLLER = make_controller("a certificate", [KUBERNETES])
THEIRS = [
    ("ServiceAccount", Key(SPACE, "default")),
    ("ConfigMap", Key(SPACE, ROOT_CA)),
    ("Service", Key(SPACE, "kubernetes")),
]


async def is_there(api: FakeApi, kind: str, key: Key) -> Object | None:
    return await find_object(api, kind, key)


@pytest.mark.parametrize(("kind", "key"), THEIRS)
async def test_a_deleted_one_comes_back(kind: str, key: Key) -> None:
    api = FakeApi()
    await api.create(namespace(SPACE))
    async with running_controllers(api, CONTROLLER):
        await until(lambda: is_there(api, kind, key))
        first = await api.get(kind, key)
        await api.delete(kind, key)
        await until(lambda: is_there(api, kind, key))
    assert uid_of(await api.get(kind, key)) != uid_of(first)


async def test_a_changed_certificate_is_written_back() -> None:
    api, key = FakeApi(), Key(SPACE, ROOT_CA)
    await api.create(namespace(SPACE))
    async with running_controllers(api, CONTROLLER):
        await until(lambda: is_there(api, "ConfigMap", key))
        made = await api.get("ConfigMap", key)
        await api.update({**made, "data": {"ca.crt": "another"}})

        async def is_restored() -> bool:
            return bool((await api.get("ConfigMap", key))["data"] == {"ca.crt": "a certificate"})

        await until(is_restored)


async def test_a_namespace_that_is_being_deleted_gets_none() -> None:
    api = FakeApi()
    held = {**namespace(SPACE), "spec": {"finalizers": ["kubernetes"]}}
    await api.create(held)
    await api.delete("Namespace", Key("", SPACE))
    assert await CONTROLLER.reconcile(api, Key("", SPACE)) is None
    assert await api.list("ServiceAccount") == []
