"""The three styles of patches."""

from __future__ import annotations

import copy
from itertools import permutations
from typing import Any

import pytest

from canarylab.errors import ApiError, BadRequestError, InvalidError, StatusError
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.decode import DecodedObject
from canarylab.playground.apiserver.patch import (
    MAX_JSON_PATCH_STEPS,
    MERGE_KEYS,
    ListChanges,
    PatchStyle,
    apply_patch,
    arrange,
    decode_patched,
    merge_primitives,
    strategic_merge,
)
from canarylab.playground.apiserver.schema.builtin import go_name, schemas
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.documents import deployment

POD: Object = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "a", "labels": {"app": "nodeapp", "env": "prod"}},
    "spec": {"containers": [{"name": "a"}, {"name": "b"}]},
}
# RFC 7386, appendix A: the object, the patch, and what they make.
MERGES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("current", "patch", "after"), MERGES)
def test_a_merge_patch_follows_its_rfc(current: Object, patch: Object, after: Object) -> None:
    assert apply_patch(current, patch, "merge") == after


def test_a_merge_patch_replaces_a_list() -> None:
    patch = {"spec": {"containers": [{"name": "c"}]}}
    assert apply_patch(POD, patch, "merge")["spec"] == patch["spec"]


def test_a_strategic_patch_merges_a_list() -> None:
    patch = {"spec": {"containers": [{"name": "a", "image": "node_app:2.0"}]}}
    containers = apply_patch(POD, patch, "strategic")["spec"]["containers"]
    assert containers == [{"name": "a", "image": "node_app:2.0"}, {"name": "b"}]


@pytest.mark.parametrize(
    ("step", "labels"),
    [
        ({"op": "add", "path": "/metadata/labels/track", "value": "x"}, {"track": "x"}),
        ({"op": "replace", "path": "/metadata/labels/env", "value": "x"}, {"env": "x"}),
        ({"op": "test", "path": "/metadata/labels/env", "value": "prod"}, {}),
        ({"op": "copy", "from": "/metadata/name", "path": "/metadata/labels/b"}, {"b": "a"}),
    ],
)
def test_a_json_patch_is_a_list_of_operations(step: Object, labels: Object) -> None:
    after = apply_patch(POD, [step], "json")
    assert after["metadata"]["labels"] == {**POD["metadata"]["labels"], **labels}


@pytest.mark.parametrize(
    "step",
    [
        {"op": "remove", "path": "/spec/nothing"},
        {"op": "replace", "path": "/spec/nothing", "value": 1},
        {"op": "test", "path": "/metadata/name", "value": "b"},
        {"op": "add", "path": "/nowhere/at/all", "value": 1},
        {"op": "fly", "path": "/spec"},
        {"op": "replace", "path": "", "value": []},
    ],
)
def test_a_failing_operation_refuses_the_json_patch(step: Object) -> None:
    with pytest.raises(StatusError) as caught:
        apply_patch(POD, [step], "json")
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")
    assert str(caught.value) == "the server rejected our request due to an error in our request"


@pytest.mark.parametrize(
    ("patch", "style", "expected"),
    [
        (
            "not json",
            "strategic",
            "json: cannot unmarshal string into Go value of type map[string]interface {}",
        ),
        (
            ["not a map"],
            "merge",
            "error decoding patch: "
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            {"not": "a list"},
            "json",
            "error decoding patch: "
            "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        ),
    ],
)
def test_a_patch_of_the_wrong_type_is_refused(
    patch: object, style: PatchStyle, expected: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        apply_patch(POD, patch, style)
    assert str(caught.value) == expected


def test_a_json_patch_has_a_maximum_length() -> None:
    step = {"op": "test", "path": "/kind", "value": "Pod"}
    with pytest.raises(BadRequestError):
        apply_patch(POD, [step] * (MAX_JSON_PATCH_STEPS + 1), "json")


@pytest.mark.parametrize(
    ("patch", "style"),
    [
        ({"metadata": {"labels": {"env": None}}}, "merge"),
        ({"metadata": {"labels": {"env": None}}, "spec": {"paused": True}}, "strategic"),
        ([{"op": "remove", "path": "/spec/template"}], "json"),
    ],
)
def test_the_given_object_is_not_changed(patch: object, style: PatchStyle) -> None:
    current = deployment()
    before = copy.deepcopy(current)
    apply_patch(current, patch, style)
    assert current == before


MAP: dict[str, Any] = {
    "kind": "ConfigMap",
    "apiVersion": "v1",
    "metadata": {"name": "settings"},
    "data": {"colour": "blue"},
}


def after(current: Any, patch: Any, style: PatchStyle, **how: Any) -> DecodedObject:
    result = apply_patch(current, patch, style)
    return decode_patched(KINDS[current["kind"]], result, patch, style, **how)


def refusal(current: Any, patch: Any, style: PatchStyle, **how: Any) -> str:
    with pytest.raises(InvalidError) as caught:
        after(current, patch, style, **how)
    assert (caught.value.kind, caught.value.name) == ("", "")
    [cause] = caught.value.causes
    return f"{cause.field}: {cause.message}"


def test_a_patched_object_is_decoded() -> None:
    patch = {"data": {"colour": None, "size": "3"}}
    assert after(MAP, patch, "merge").obj["data"] == {"size": "3"}


def test_a_refused_strategic_patch_is_shown_as_go_prints_it() -> None:
    assert refusal(deployment(), {"spec": {"replicas": "x"}}, "strategic") == (
        'patch: Invalid value: "map[spec:map[replicas:x]]": unrecognized type: int32'
    )


def test_a_refused_merge_patch_shows_the_whole_object() -> None:
    assert refusal(MAP, {"data": {"size": 3}}, "merge") == (
        r'patch: Invalid value: "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",'
        r"\"metadata\":{\"name\":\"settings\"},\"data\":{\"colour\":\"blue\",\"size\":3}}"
        '": json: cannot unmarshal number into Go struct field ConfigMap.data of type string'
    )


def test_an_unknown_field_in_a_patch_gives_a_warning() -> None:
    patch = {"spec": {"replica": 3}}
    assert after(deployment(), patch, "strategic").warnings == ['unknown field "spec.replica"']


def test_an_unknown_field_in_a_patch_is_refused_if_strict() -> None:
    patch = {"spec": {"replica": 3}}
    assert refusal(deployment(), patch, "strategic", validation="Strict") == (
        'patch: Invalid value: "map[spec:map[replica:3]]": '
        'strict decoding error: unknown field "spec.replica"'
    )


POD_SPEC = "io.k8s.api.core.v1.PodSpec"
CONTAINER = "io.k8s.api.core.v1.Container"
SERVICE_SPEC = "io.k8s.api.core.v1.ServiceSpec"
DEPLOYMENT_SPEC = "io.k8s.api.apps.v1.DeploymentSpec"
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def named(*names: str) -> list[Object]:
    return [{"name": name} for name in names]


def names_after(before: list[Object], patch: Object) -> list[str]:
    """Of the containers of a pod."""
    return [
        item["name"]
        for item in strategic_merge(POD_SPEC, {"containers": before}, patch)["containers"]
    ]


def test_the_merge_keys_are_of_existing_lists() -> None:
    lists = {
        f"{go_name(name)}.{key}"
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
    assert strategic_merge(None, {"a": 1, "b": {"c": 1}}, patch) == after


def test_an_unknown_directive_is_refused() -> None:
    with pytest.raises(BadRequestError, match="unknown patch type found: fly"):
        strategic_merge(None, {}, {"$patch": "fly"})


def test_one_container_changes_and_the_others_stay() -> None:
    patch = {"containers": [{"name": "b", "image": "node_app:2.0"}]}
    after = strategic_merge(POD_SPEC, {"containers": named("a", "b", "c")}, patch)["containers"]
    assert after == [{"name": "a"}, {"name": "b", "image": "node_app:2.0"}, {"name": "c"}]


def test_lists_inside_of_lists_are_merged() -> None:
    before = {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}]}
    patch = {"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}]}]}
    env = strategic_merge(POD_SPEC, before, patch)["containers"][0]["env"]
    assert {entry["name"]: entry["value"] for entry in env} == {"X": "1", "Y": "2"}


def test_a_new_item_comes_first() -> None:
    assert names_after(named("a", "b"), {"containers": named("c")}) == ["c", "a", "b"]


def test_the_set_element_order_places_a_new_item() -> None:
    patch = {"$setElementOrder/containers": named("a", "b", "c"), "containers": named("c")}
    assert names_after(named("a", "b"), patch) == ["a", "b", "c"]


def test_a_set_element_order_alone_moves_items() -> None:
    patch = {"$setElementOrder/containers": named("c", "a")}
    assert names_after(named("a", "b", "c"), patch) == ["b", "c", "a"]


def test_an_item_can_be_deleted() -> None:
    patch = {"containers": [{"$patch": "delete", "name": "a"}]}
    assert names_after(named("a", "b"), patch) == ["b"]


def test_the_last_item_can_be_deleted() -> None:
    patch = {"containers": [{"$patch": "delete", "name": "a"}]}
    assert names_after(named("a"), patch) == []


def test_a_list_can_be_replaced() -> None:
    patch = {"containers": [{"$patch": "replace"}, {"name": "z"}]}
    assert names_after(named("a", "b"), patch) == ["z"]


def test_an_item_can_be_replaced() -> None:
    before = {"containers": [{"name": "a", "image": "node_app:1.0"}]}
    patch = {"containers": [{"$patch": "replace", "name": "a"}]}
    assert strategic_merge(POD_SPEC, before, patch)["containers"] == []


def test_service_ports_are_merged_by_port() -> None:
    before = {"ports": [{"port": 80, "nodePort": 32089}]}
    patch = {
        "$setElementOrder/ports": [{"port": 80}, {"port": 8080}],
        "ports": [{"name": "alt", "port": 8080}, {"name": "http", "port": 80}],
    }
    assert strategic_merge(SERVICE_SPEC, before, patch)["ports"] == [
        {"port": 80, "nodePort": 32089, "name": "http"},
        {"port": 8080, "name": "alt"},
    ]


def test_container_ports_are_merged_by_container_port() -> None:
    before = {"ports": [{"containerPort": 3333}]}
    after = strategic_merge(CONTAINER, before, {"ports": [{"containerPort": 9090}]})
    assert after["ports"] == [{"containerPort": 9090}, {"containerPort": 3333}]


def test_a_list_without_merge_key_is_replaced() -> None:
    after = strategic_merge(CONTAINER, {"command": ["node", "a.js"]}, {"command": ["node"]})
    assert after == {"command": ["node"]}


def test_primitives_are_added() -> None:
    after = strategic_merge(META, {"finalizers": ["a"]}, {"finalizers": ["b", "a"]})
    assert sorted(after["finalizers"]) == ["a", "b"]


def test_primitives_are_deleted() -> None:
    after = strategic_merge(
        META, {"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}
    )
    assert after == {"finalizers": ["b"]}


def test_retain_keys_drops_the_other_fields() -> None:
    before = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}
    assert strategic_merge(DEPLOYMENT_SPEC, before, patch) == {"strategy": {"type": "Recreate"}}


def test_null_removes_a_list() -> None:
    assert strategic_merge(POD_SPEC, {"volumes": named("a")}, {"volumes": None}) == {}


def test_a_new_list_is_set() -> None:
    assert strategic_merge(CONTAINER, {}, {"env": named("B", "A")}) == {"env": named("B", "A")}


def test_directives_are_not_stored() -> None:
    patch = {"containers": [{"name": "a", "$setElementOrder/env": named("X"), "env": named("X")}]}
    assert strategic_merge(POD_SPEC, {}, patch) == {
        "containers": [{"name": "a", "env": named("X")}]
    }


@pytest.mark.parametrize("item", [{"image": "node_app:2.0"}, "node_app:2.0", {"name": ["a"]}])
def test_an_item_without_its_merge_key_is_refused(item: Any) -> None:
    with pytest.raises(ApiError, match="does not contain declared merge key: name") as caught:
        strategic_merge(POD_SPEC, {"containers": named("a")}, {"containers": [item]})
    assert caught.value.code == 500


def test_two_items_of_one_key_stay_two() -> None:
    before = {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}
    after = strategic_merge(SERVICE_SPEC, before, {"ports": [{"port": 53, "name": "dns"}]})["ports"]
    assert [port["protocol"] for port in after] == ["TCP", "UDP"]


@pytest.mark.parametrize(
    ("structure", "patch", "expected"),
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
def test_an_invalid_set_element_order_is_refused(
    structure: str | None, patch: Object, expected: str
) -> None:
    with pytest.raises(BadRequestError, match=expected):
        strategic_merge(structure, {}, patch)


SERVERS = [list(one) for size in range(4) for one in permutations("abc", size)]
ORDERS = [list(one) for size in range(4) for one in permutations("abd", size)]


def itself(item: str) -> str:
    return item


def merged(before: list[str], order: list[str]) -> list[str]:
    every = before + [item for item in order if item not in before]
    return arrange(every, order, before, itself)


@pytest.mark.parametrize("before", SERVERS, ids="".join)
@pytest.mark.parametrize("order", ORDERS, ids="".join)
def test_arranging_keeps_all_items_and_both_orders(before: list[str], order: list[str]) -> None:
    after = merged(before, order)
    assert sorted(after) == sorted({*before, *order})
    assert [item for item in after if item in order] == order
    others = [item for item in before if item not in order]
    assert [item for item in after if item not in order] == others


@pytest.mark.parametrize("before", SERVERS, ids="".join)
def test_the_servers_order_changes_nothing(before: list[str]) -> None:
    assert merged(before, before) == before


def test_a_server_item_stays_before_the_item_it_preceded() -> None:
    assert merged(["a", "b"], ["b"]) == ["a", "b"]


def test_primitives_are_unique() -> None:
    assert merge_primitives(["a", "b"], ListChanges(["b", "c"], [], None)) == ["a", "b", "c"]


def test_primitives_are_ordered() -> None:
    assert merge_primitives(["a", "b"], ListChanges(["c"], ["a"], ["c", "b"])) == ["c", "b"]


def test_copies_that_double_the_object_are_refused() -> None:
    steps = [{"op": "copy", "from": "/spec", "path": f"/spec/a{number}"} for number in range(60)]
    with pytest.raises(ApiError, match=r"rejected our request|too large"):
        apply_patch(POD, steps, "json")


def test_steps_that_nest_the_object_deeper_and_deeper_are_refused() -> None:
    steps = [{"op": "add", "path": "/a" * deep, "value": {}} for deep in range(1, 500)]
    with pytest.raises(BadRequestError, match="exceeded max depth"):
        apply_patch(POD, steps, "json")


@pytest.mark.parametrize(
    "step", [1, None, [], {"op": "copy"}, {"op": "add", "path": 5, "value": 1}]
)
def test_a_step_that_is_none_refuses_the_json_patch(step: object) -> None:
    with pytest.raises(StatusError, match="rejected our request"):
        apply_patch(POD, [step], "json")


class Counted(str):
    """A name that counts how often it is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)


def test_to_merge_a_list_compares_each_item_a_few_times() -> None:
    names = [Counted(f"c{number}") for number in range(1_000)]
    Counted.compared = 0
    after = strategic_merge(
        "io.k8s.api.core.v1.PodSpec",
        {"containers": [{"name": name} for name in names]},
        {"containers": [{"name": Counted(name), "image": "x"} for name in names]},
    )
    assert len(after["containers"]) == 1_000
    assert Counted.compared < 20 * 1_000


def test_to_merge_primitives_compares_each_a_few_times() -> None:
    names = [Counted(f"c{number}") for number in range(1_000)]
    Counted.compared = 0
    changes = ListChanges([*map(Counted, names)], removed=[*map(Counted, names)], order=None)
    assert merge_primitives([*names], changes) == []
    assert Counted.compared < 20 * 1_000
