"""Strategic merge patches, with every order they know."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.errors import ApiError, BadRequestError
from canarylab.playground.apiserver.patching.merge_keys import MERGE_KEYS
from canarylab.playground.apiserver.patching.strategic import merge
from canarylab.playground.apiserver.schema.builtin import schemas, short
from canarylab.playground.kube.api import Object

POD_SPEC = "io.k8s.api.core.v1.PodSpec"
CONTAINER = "io.k8s.api.core.v1.Container"
SERVICE_SPEC = "io.k8s.api.core.v1.ServiceSpec"
DEPLOYMENT_SPEC = "io.k8s.api.apps.v1.DeploymentSpec"
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def named(*names: str) -> list[Object]:
    return [{"name": name} for name in names]


def names_after(before: list[Object], patch: Object) -> list[str]:
    """Of the containers of a pod."""
    return [item["name"] for item in merge(POD_SPEC, {"containers": before}, patch)["containers"]]


def test_the_table_names_lists_that_exist() -> None:
    lists = {
        f"{short(name)}.{key}"
        for name, found in schemas().items()
        for key, shape in found["properties"].items()
        if "items" in shape
    }
    assert MERGE_KEYS.keys() <= lists


@pytest.mark.parametrize(
    ("patch", "after"),
    [
        ({"a": 2}, {"a": 2, "b": {"c": 1}}),
        ({"a": None}, {"b": {"c": 1}}),
        ({"missing": None}, {"a": 1, "b": {"c": 1}}),
        ({"b": {"d": 2}}, {"a": 1, "b": {"c": 1, "d": 2}}),
        ({"b": {"$patch": "replace", "d": 2}}, {"a": 1, "b": {"d": 2}}),
        ({"b": {"$patch": "delete"}}, {"a": 1, "b": {}}),
        ({"b": {"$patch": "merge", "d": 2}}, {"a": 1, "b": {"c": 1, "d": 2}}),
        ({"b": {"$retainKeys": ["d"], "d": 2}}, {"a": 1, "b": {"d": 2}}),
        ({"b": 3}, {"a": 1, "b": 3}),
        ({"new": {"c": None, "d": 1}}, {"a": 1, "b": {"c": 1}, "new": {"d": 1}}),
    ],
)
def test_maps_are_merged(patch: Object, after: Object) -> None:
    assert merge(None, {"a": 1, "b": {"c": 1}}, patch) == after


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(BadRequestError, match="unknown patch type found: fly"):
        merge(None, {}, {"$patch": "fly"})


def test_one_container_changes_and_the_others_stay() -> None:
    patch = {"containers": [{"name": "b", "image": "node_app:2.0"}]}
    after = merge(POD_SPEC, {"containers": named("a", "b", "c")}, patch)["containers"]
    assert after == [{"name": "a"}, {"name": "b", "image": "node_app:2.0"}, {"name": "c"}]


def test_lists_inside_of_lists_are_merged() -> None:
    before = {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}]}
    patch = {"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}]}]}
    env = merge(POD_SPEC, before, patch)["containers"][0]["env"]
    assert {entry["name"]: entry["value"] for entry in env} == {"X": "1", "Y": "2"}


def test_a_new_item_comes_first() -> None:
    assert names_after(named("a", "b"), {"containers": named("c")}) == ["c", "a", "b"]


def test_a_new_item_comes_where_the_order_says() -> None:
    patch = {"$setElementOrder/containers": named("a", "b", "c"), "containers": named("c")}
    assert names_after(named("a", "b"), patch) == ["a", "b", "c"]


def test_an_order_alone_moves_items() -> None:
    patch = {"$setElementOrder/containers": named("c", "a")}
    assert names_after(named("a", "b", "c"), patch) == ["b", "c", "a"]


def test_an_item_can_be_taken_out() -> None:
    patch = {"containers": [{"$patch": "delete", "name": "a"}]}
    assert names_after(named("a", "b"), patch) == ["b"]


def test_the_last_item_can_be_taken_out() -> None:
    patch = {"containers": [{"$patch": "delete", "name": "a"}]}
    assert names_after(named("a"), patch) == []


def test_a_list_can_be_replaced() -> None:
    patch = {"containers": [{"$patch": "replace"}, {"name": "z"}]}
    assert names_after(named("a", "b"), patch) == ["z"]


def test_an_item_can_be_replaced() -> None:
    before = {"containers": [{"name": "a", "image": "node_app:1.0"}]}
    patch = {"containers": [{"$patch": "replace", "name": "a"}]}
    assert merge(POD_SPEC, before, patch)["containers"] == []


def test_ports_of_a_service_are_told_apart_by_number() -> None:
    before = {"ports": [{"port": 80, "nodePort": 32089}]}
    patch = {
        "$setElementOrder/ports": [{"port": 80}, {"port": 8080}],
        "ports": [{"name": "alt", "port": 8080}, {"name": "http", "port": 80}],
    }
    assert merge(SERVICE_SPEC, before, patch)["ports"] == [
        {"port": 80, "nodePort": 32089, "name": "http"},
        {"port": 8080, "name": "alt"},
    ]


def test_ports_of_a_container_are_told_apart_by_number() -> None:
    before = {"ports": [{"containerPort": 3333}]}
    after = merge(CONTAINER, before, {"ports": [{"containerPort": 9090}]})
    assert after["ports"] == [{"containerPort": 9090}, {"containerPort": 3333}]


def test_a_list_without_key_is_replaced() -> None:
    after = merge(CONTAINER, {"command": ["node", "a.js"]}, {"command": ["node"]})
    assert after == {"command": ["node"]}


def test_plain_values_are_added() -> None:
    after = merge(META, {"finalizers": ["a"]}, {"finalizers": ["b", "a"]})
    assert sorted(after["finalizers"]) == ["a", "b"]


def test_plain_values_are_taken_out() -> None:
    after = merge(META, {"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]})
    assert after == {"finalizers": ["b"]}


def test_a_strategy_keeps_only_what_goes_together() -> None:
    before = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}
    assert merge(DEPLOYMENT_SPEC, before, patch) == {"strategy": {"type": "Recreate"}}


def test_null_takes_a_list_out() -> None:
    assert merge(POD_SPEC, {"volumes": named("a")}, {"volumes": None}) == {}


def test_a_list_that_was_not_there_is_taken_as_it_is() -> None:
    assert merge(CONTAINER, {}, {"env": named("B", "A")}) == {"env": named("B", "A")}


def test_orders_do_not_end_up_in_what_is_new() -> None:
    patch = {"containers": [{"name": "a", "$setElementOrder/env": named("X"), "env": named("X")}]}
    assert merge(POD_SPEC, {}, patch) == {"containers": [{"name": "a", "env": named("X")}]}


@pytest.mark.parametrize("item", [{"image": "node_app:2.0"}, "node_app:2.0", {"name": ["a"]}])
def test_an_item_without_its_key_is_refused(item: Any) -> None:
    with pytest.raises(ApiError, match="does not contain declared merge key: name") as caught:
        merge(POD_SPEC, {"containers": named("a")}, {"containers": [item]})
    assert caught.value.code == 500


def test_two_items_of_one_key_stay_two() -> None:
    before = {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}
    after = merge(SERVICE_SPEC, before, {"ports": [{"port": 53, "name": "dns"}]})["ports"]
    assert [port["protocol"] for port in after] == ["TCP", "UDP"]


@pytest.mark.parametrize(
    ("structure", "patch", "said"),
    [
        (None, {"$retainKeys": 3}, "invalid patch format of retainKeys"),
        (POD_SPEC, {"$setElementOrder/containers": 3}, "format of setElementOrder list"),
        (POD_SPEC, {"$setElementOrder/containers": ["a"]}, "format of setElementOrder list"),
        (POD_SPEC, {"$setElementOrder/containers": [{}]}, "format of setElementOrder list"),
        (META, {"$setElementOrder/finalizers": [{}]}, "format of setElementOrder list"),
        (META, {"$deleteFromPrimitiveList/finalizers": 3}, "format of primitive list"),
        (META, {"finalizers": [{}]}, "format of primitive list"),
        (POD_SPEC, {"containers": [{"$patch": "fly", "name": "a"}]}, "unknown patch type found"),
    ],
)
def test_an_order_that_cannot_be_followed_is_refused(
    structure: str | None, patch: Object, said: str
) -> None:
    with pytest.raises(BadRequestError, match=said):
        merge(structure, {}, patch)
