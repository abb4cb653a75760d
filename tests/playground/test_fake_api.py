"""Tests of `FakeApi`: the contract suite, and the check for changed objects."""

from __future__ import annotations

import pytest

from canarylab.kube_objects import Key
from canarylab.playground.kube.api import Api
from tests.playground.api_contract import SPACE, ApiContract, config_map
from tests.playground.fake_api import FakeApi


class TestFakeApi(ApiContract):
    @pytest.fixture
    async def api(self) -> Api:
        return FakeApi()


async def test_an_object_changed_in_place_is_found() -> None:
    api = FakeApi()
    await api.create(config_map("colours"))
    (await api.get("ConfigMap", Key(SPACE, "colours")))["data"]["stable"] = "red"
    assert api.changed_in_place() == {"ConfigMap colours"}
