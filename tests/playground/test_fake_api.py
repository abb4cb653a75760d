"""The test double keeps the promises of every `Api`."""

from __future__ import annotations

import pytest

from canarylab.playground.kube.api import Api, Key
from tests.playground.api_contract import ApiContract
from tests.playground.contract_objects import SPACE, config_map
from tests.playground.fake_api import FakeApi


class TestFakeApi(ApiContract):
    @pytest.fixture
    async def api(self) -> Api:
        return FakeApi()


async def test_it_tells_on_whoever_changes_a_stored_object() -> None:
    api = FakeApi()
    await api.create(config_map("colours"))
    (await api.get("ConfigMap", Key(SPACE, "colours")))["data"]["stable"] = "red"
    assert api.harmed() == {"ConfigMap colours"}
