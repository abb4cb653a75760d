from __future__ import annotations

import json

from canarylab.release.apply import LAST_APPLIED, patch_for


def live_after(applied: dict[str, object]) -> dict[str, object]:
    return {"metadata": {"annotations": {LAST_APPLIED: json.dumps(applied)}}}


def test_a_field_that_left_the_manifest_is_removed() -> None:
    before = {"metadata": {"name": "web", "labels": {"a": "1", "b": "2"}}, "spec": {"paused": True}}
    now = {"metadata": {"name": "web", "labels": {"a": "1"}}, "spec": {}}
    patch = patch_for(now, live_after(before))
    assert patch["spec"] == {"paused": None}
    assert patch["metadata"]["labels"] == {"a": "1", "b": None}


def test_a_field_that_somebody_else_set_is_left_alone() -> None:
    live = live_after({"metadata": {"name": "web"}, "spec": {}}) | {"spec": {"replicas": 5}}
    assert patch_for({"metadata": {"name": "web"}, "spec": {}}, live)["spec"] == {}


def test_the_manifest_is_remembered_as_kubectl_does() -> None:
    manifest = {
        "metadata": {"name": "web", "annotations": {"mine": "yes"}},
        "spec": {"replicas": 1},
    }
    annotations = patch_for(manifest, {})["metadata"]["annotations"]
    assert json.loads(annotations[LAST_APPLIED]) == manifest
    assert annotations["mine"] == "yes"
