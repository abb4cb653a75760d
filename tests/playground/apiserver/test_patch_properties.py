"""Laws of the three styles of patches."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from canarylab.errors import StatusError
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.patch import apply_patch
from tests.properties import with_examples

names = st.sampled_from(["a", "b", "c", "d/e", "f~g"])
plain = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), names)
trees = st.recursive(
    plain,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=8,
)
objects = st.dictionaries(names, trees, max_size=4)
segments = st.one_of(st.sampled_from(["a", "b", "c", "d~1e", "f~0g", "0", "1", "-"]))
paths = st.lists(segments, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
steps = st.one_of(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "test"]), "path": paths, "value": trees}
    ),
    st.fixed_dictionaries({"op": st.just("remove"), "path": paths}),
    st.fixed_dictionaries({"op": st.sampled_from(["move", "copy"]), "path": paths, "from": paths}),
)
containers = st.lists(
    st.builds(
        lambda name, image: {"name": name, **({"image": image} if image else {})},
        st.sampled_from("abcde"),
        st.sampled_from(["", "x", "y"]),
    ),
    max_size=5,
    unique_by=lambda item: item["name"],
)


def without_nulls(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    return {key: without_nulls(value) for key, value in tree.items() if value is not None}


def by_rfc_7386(target: Any, patch: Any) -> Any:
    """MergePatch, as section 2 of the RFC writes it."""
    if not isinstance(patch, dict):
        return patch
    result = copy.deepcopy(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = by_rfc_7386(result.get(name), value)
    return result


@with_examples(80)
@given(objects, objects)
def test_a_merge_patch_is_that_of_its_rfc(current: Object, patch: Object) -> None:
    before = copy.deepcopy((current, patch))
    once = apply_patch(current, patch, "merge")
    assert once == by_rfc_7386(current, patch)
    assert apply_patch(once, patch, "merge") == once
    assert (current, patch) == before


@with_examples(80)
@given(objects, objects)
def test_a_merge_patch_of_nulls_and_values_makes_any_object(
    current: Object, wanted: Object
) -> None:
    patch = {**dict.fromkeys(current), **wanted}
    cleared = {key: value for key, value in current.items() if not isinstance(value, dict)}
    assert apply_patch(cleared, patch, "merge") == without_nulls(wanted)


@with_examples(80)
@given(objects, st.lists(steps, max_size=4))
def test_a_json_patch_changes_what_its_library_does_or_is_refused(
    current: Object, patch: list[Object]
) -> None:
    before = copy.deepcopy(current)
    try:
        expected: Any = jsonpatch.apply_patch(current, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
        expected = None
    try:
        found: Any = apply_patch(current, patch, "json")
    except StatusError as exc:
        assert exc.code == 422
        found = None
    assert found == expected
    assert current == before


def by_name(items: list[Object]) -> dict[str, Object]:
    return {item["name"]: item for item in items}


def merged(current: list[Object], patch: list[Object], **more: Any) -> list[Object]:
    pod = {"kind": "Pod", "apiVersion": "v1", "spec": {"containers": current}}
    change = {"spec": {"containers": patch, **more}}
    found: list[Object] = apply_patch(pod, change, "strategic")["spec"]["containers"]
    return found


@with_examples(80)
@given(containers, containers)
def test_a_strategic_patch_merges_items_by_their_key(
    current: list[Object], patch: list[Object]
) -> None:
    found = merged(current, patch)
    assert len(found) == len(by_name(found))
    assert by_name(found) == {
        name: {**by_name(current).get(name, {}), **by_name(patch).get(name, {})}
        for name in by_name(current) | by_name(patch)
    }
    assert merged(found, patch) == found


@with_examples(80)
@given(containers, containers, st.permutations("abcde"))
def test_the_order_of_a_strategic_patch_is_the_one_it_names(
    current: list[Object], patch: list[Object], order: list[str]
) -> None:
    named = [name for name in order if name in by_name(current) | by_name(patch)]
    element_order = {"$setElementOrder/containers": [{"name": name} for name in named]}
    assert [item["name"] for item in merged(current, patch, **element_order)] == named


@with_examples(80)
@given(containers, st.sets(st.sampled_from("abcde")))
def test_the_directive_delete_removes_items_and_keeps_the_order_of_others(
    current: list[Object], gone: set[str]
) -> None:
    patch = [{"name": name, "$patch": "delete"} for name in sorted(gone)]
    assert merged(current, patch) == [item for item in current if item["name"] not in gone]


@with_examples(80)
@given(containers, containers)
def test_the_directive_replace_replaces_the_list(
    current: list[Object], patch: list[Object]
) -> None:
    assert merged(current, [*patch, {"$patch": "replace"}]) == patch
