"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.running_playground import RunningPlayground, running_playground


@pytest.fixture(scope="session")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlayground]:
    """One playground for the whole session; a test cleans up what it made there."""
    with running_playground(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test touches the home of whoever runs it."""
    monkeypatch.setenv("CANARYLAB_HOME", str(tmp_path_factory.getbasetemp() / "unused-home"))
    monkeypatch.delenv("CANARYLAB_CLUSTER", raising=False)
