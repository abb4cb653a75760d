"""The three styles of patches."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from canarylab.errors import BadRequestError, RequestError
from canarylab.playground.apiserver.patching.patch import (
    MAX_JSON_PATCH_STEPS,
    PatchStyle,
    apply_patch,
)
from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import deployment

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
def test_a_json_patch_goes_step_by_step(step: Object, labels: Object) -> None:
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
def test_a_step_that_cannot_be_taken_refuses_the_patch(step: Object) -> None:
    with pytest.raises(RequestError) as caught:
        apply_patch(POD, [step], "json")
    assert (caught.value.code, caught.value.reason) == (422, "Invalid")
    assert str(caught.value) == "the server rejected our request due to an error in our request"


@pytest.mark.parametrize(
    ("patch", "style", "said"),
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
def test_each_style_has_its_shape(patch: object, style: PatchStyle, said: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        apply_patch(POD, patch, style)
    assert str(caught.value) == said


def test_a_json_patch_has_an_end() -> None:
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
def test_the_object_given_stays_as_it_is(patch: object, style: PatchStyle) -> None:
    current = deployment()
    before = copy.deepcopy(current)
    apply_patch(current, patch, style)
    assert current == before
