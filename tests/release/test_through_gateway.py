"""What an HTTPRoute gives to each Service, going by the rule for everybody."""

from __future__ import annotations

from typing import Any

from canarylab import resources
from canarylab.manifests import load
from canarylab.release.through_gateway import parts


def route(*rules: Any) -> Any:
    return {"spec": {"rules": list(rules)}}


def backend(name: str, **weight: int) -> Any:
    return {"name": name, "port": 80, **weight}


def test_the_route_of_the_lesson_gives_the_canary_a_tenth() -> None:
    (split,) = load(resources.folder("manifests") / "7-weights" / "httproute.yaml")
    assert parts(split) == {"nodeapp-svc-prod": 0.9, "nodeapp-svc-canary-weighted": 0.1}


def test_a_mirror_gives_the_canary_nothing() -> None:
    (mirror,) = load(resources.folder("manifests") / "7-weights" / "mirror.yaml")
    assert parts(mirror) == {"nodeapp-svc-prod": 1.0}


def test_a_rule_that_asks_for_a_header_is_not_for_everybody() -> None:
    testers = {"matches": [{"headers": [{"name": "X-Canary", "value": "always"}]}]}
    everybody = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}
    found = parts(
        route(
            {**testers, "backendRefs": [backend("canary")]},
            {**everybody, "backendRefs": [backend("stable")]},
        )
    )
    assert found == {"stable": 1.0}


def test_backends_without_weights_share_evenly() -> None:
    assert parts(route({"backendRefs": [backend("a"), backend("b")]})) == {"a": 0.5, "b": 0.5}


def test_a_weight_of_nought_gets_nothing() -> None:
    assert parts(route({"backendRefs": [backend("a", weight=1), backend("b", weight=0)]})) == {
        "a": 1.0
    }


def test_a_route_without_rules_gives_nothing() -> None:
    assert parts({"spec": {}}) == {}
