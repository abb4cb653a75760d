"""A route is served when a controller says so of the route as it is now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from canarylab.errors import RefusedError
from canarylab.release.accepting import accepted_by, read_route


def route(*, status: str = "True", said_of: int = 2) -> Any:
    said = {"type": "Accepted", "status": status, "observedGeneration": said_of}
    parent = {"controllerName": "example.com/gateways", "conditions": [said]}
    return {"metadata": {"generation": 2}, "status": {"parents": [parent]}}


def test_a_controller_that_accepts_it_serves_it() -> None:
    assert accepted_by(route()) == ["example.com/gateways"]


def test_what_was_said_of_an_older_route_does_not_count() -> None:
    assert accepted_by(route(said_of=1)) == []


def test_a_controller_that_refuses_it_does_not_serve_it() -> None:
    assert accepted_by(route(status="False")) == []


def test_a_route_without_a_gateway_is_served_by_nobody() -> None:
    assert accepted_by({"metadata": {"generation": 2}}) == []


def test_a_cluster_without_the_gateway_api_says_who_installs_it() -> None:
    def unknown(**_: object) -> None:
        raise ResourceNotFoundError("No matches found")

    without: Any = SimpleNamespace(
        namespace="default", dynamic=SimpleNamespace(resources=SimpleNamespace(get=unknown))
    )
    with pytest.raises(RefusedError, match="whoever runs the cluster installs it"):
        read_route(without, "nodeapp-split")
