"""What is said of a patch that leaves something unreadable."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.errors import InvalidError
from canarylab.playground.apiserver.documents.decode import DecodedObject
from canarylab.playground.apiserver.patching.patch import PatchStyle, apply_patch
from canarylab.playground.apiserver.patching.patched import decode_patched
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.specimens import deployment

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


def test_a_good_patch_makes_an_object() -> None:
    patch = {"data": {"colour": None, "size": "3"}}
    assert after(MAP, patch, "merge").obj["data"] == {"size": "3"}


def test_a_strategic_patch_is_shown_as_go_prints_it() -> None:
    assert refusal(deployment(), {"spec": {"replicas": "x"}}, "strategic") == (
        'patch: Invalid value: "map[spec:map[replicas:x]]": unrecognized type: int32'
    )


def test_after_a_merge_patch_the_whole_object_is_shown() -> None:
    assert refusal(MAP, {"data": {"size": 3}}, "merge") == (
        r'patch: Invalid value: "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",'
        r"\"metadata\":{\"name\":\"settings\"},\"data\":{\"colour\":\"blue\",\"size\":3}}"
        '": json: cannot unmarshal number into Go struct field ConfigMap.data of type string'
    )


def test_an_unknown_field_is_warned_of() -> None:
    patch = {"spec": {"replica": 3}}
    assert after(deployment(), patch, "strategic").warnings == ['unknown field "spec.replica"']


def test_an_unknown_field_is_refused_when_asked() -> None:
    patch = {"spec": {"replica": 3}}
    assert refusal(deployment(), patch, "strategic", validation="Strict") == (
        'patch: Invalid value: "map[spec:map[replica:3]]": '
        'strict decoding error: unknown field "spec.replica"'
    )
