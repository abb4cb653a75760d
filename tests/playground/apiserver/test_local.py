"""The real `Api` keeps the promises of every `Api`, and more of its own."""

from __future__ import annotations

import pytest

from canarylab.playground.apiserver.local import LocalApi
from canarylab.playground.apiserver.registry import Surroundings
from canarylab.playground.apiserver.store import Store
from canarylab.playground.kube.addresses import Slot
from canarylab.playground.kube.api import Api
from tests.playground.api_contract import ApiContract


class TestLocalApi(ApiContract):
    @pytest.fixture
    async def api(self) -> Api:
        return LocalApi(Store(), Surroundings(Slot(17)))
