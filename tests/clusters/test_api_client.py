"""The official client, set up for us."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from canarylab.clusters.api_client import api_client, is_here
from canarylab.errors import SetupError
from canarylab.release.connection import Connection
from tests.needs import needs
from tests.running_playground import RunningPlayground


@needs("linux")
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_is_not_asked_for_this_machine(
    playground: RunningPlayground, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1")  # nobody listens there
    with closing(Connection(playground.kubeconfig)) as connection:
        assert connection.core.list_namespaced_pod("default").items == []


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.90.0.1", "[::1]"])
def test_addresses_of_this_machine(name: str) -> None:
    assert is_here(f"https://{name}:6443")


@pytest.mark.parametrize("server", ["https://cluster.example", "https://10.0.0.1:6443", ""])
def test_addresses_of_others(server: str) -> None:
    assert not is_here(server)


def test_a_file_that_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="is no usable kubeconfig"):
        api_client(str(tmp_path / "none"))
