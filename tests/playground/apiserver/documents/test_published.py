"""What clients are told of custom kinds."""

from __future__ import annotations

from typing import Any

from canarylab.playground.apiserver.documents.published import published
from canarylab.playground.kube.kinds import KINDS

GATEWAY = published(KINDS["Gateway"])
SPEC: Any = GATEWAY["properties"]["spec"]


def test_it_says_of_which_kind_it_is() -> None:
    assert GATEWAY["x-kubernetes-group-version-kind"] == [
        {"group": "gateway.networking.k8s.io", "version": "v1", "kind": "Gateway"}
    ]


def test_metadata_is_that_of_every_kind() -> None:
    [reference] = GATEWAY["properties"]["metadata"]["allOf"]
    assert reference["$ref"].endswith("meta.v1.ObjectMeta")


def test_limits_and_defaults_are_told() -> None:
    listener = SPEC["properties"]["listeners"]["items"]
    assert listener["properties"]["port"]["maximum"] == 65535
    assert listener["properties"]["allowedRoutes"]["default"] == {"namespaces": {"from": "Same"}}


def test_what_is_required_is_told() -> None:
    assert SPEC["required"] == ["gatewayClassName", "listeners"]


def test_lists_say_how_their_items_differ() -> None:
    listeners, addresses = SPEC["properties"]["listeners"], SPEC["properties"]["addresses"]
    assert listeners["x-kubernetes-list-map-keys"] == ["name"]
    assert addresses["x-kubernetes-list-type"] == "atomic"


def test_what_is_kept_to_ourselves_is_not_told() -> None:
    assert "rules" not in SPEC["properties"]["listeners"]
