"""How containers and RUN lines of a test get their roots: fixtures for the `conftest.py` files."""

from __future__ import annotations

import os

import pytest

from canarylab.playground.node.pod_root import SETTING
from tests.needs import needs

_OWN_ROOT = "root" if os.geteuid() == 0 else "user"
_AS_A_USER = [pytest.param("user", marks=needs("pod-root-of-user"))] if os.geteuid() == 0 else []


@pytest.fixture
def machine_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers have no root of their own, so that they can write a note for the test."""
    monkeypatch.setenv(SETTING, "no")


@pytest.fixture(params=[pytest.param(_OWN_ROOT, marks=needs("pod-root")), *_AS_A_USER])
def own_root(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Containers have roots of their own, in each way that this user can have it."""
    monkeypatch.setenv(SETTING, request.param)
    return str(request.param)


@pytest.fixture(params=[pytest.param(_OWN_ROOT, marks=needs("pod-root")), "no"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Containers have roots of their own, and then they have none."""
    monkeypatch.setenv(SETTING, request.param)
    return str(request.param)
