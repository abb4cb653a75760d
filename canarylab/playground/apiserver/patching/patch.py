"""What does an object look like after a patch?

There are three styles. A merge patch (RFC 7386) replaces every list; a JSON patch (RFC 6902) is a
list of steps; a strategic merge patch knows our kinds and merges lists item by item, which is why
`kubectl apply` can change one container and leave the other alone: `strategic.py`.
"""

from __future__ import annotations

from typing import Any, Literal

import jsonpatch

from canarylab.errors import BadRequestError, RequestError
from canarylab.playground.apiserver.documents.scalars import json_type
from canarylab.playground.apiserver.patching import strategic
from canarylab.playground.apiserver.schema.builtin import name_of
from canarylab.playground.kube.api import Object

PatchStyle = Literal["strategic", "merge", "json"]

LONGEST_JSON_PATCH = 10_000  # steps
_REJECTED = "the server rejected our request due to an error in our request"


def apply_patch(current: Object, patch: object, style: PatchStyle) -> Object:
    """A new object; the current one stays as it is.

    >>> apply_patch({"kind": "Pod", "metadata": {"labels": {"a": "1"}}},
    ...             {"metadata": {"labels": {"a": None, "b": "2"}}}, "merge")["metadata"]
    {'labels': {'b': '2'}}
    """
    match style:
        case "json":
            return _step_by_step(current, patch)
        case "merge":
            return dict(_merged(current, _as_map(patch, "error decoding patch: ")))
        case "strategic":
            return strategic.merge(_structure(current), current, _as_map(patch, ""))


def _structure(obj: Object) -> str:
    group, slash, _ = obj.get("apiVersion", "v1").partition("/")
    return name_of(obj["kind"], group if slash else "")


def _as_map(patch: object, prefix: str) -> Object:
    if isinstance(patch, dict):
        return patch
    raise BadRequestError(
        f"{prefix}json: cannot unmarshal {json_type(patch)} into Go value of type "
        "map[string]interface {}"
    )


def _merged(current: Any, patch: Any) -> Any:
    """RFC 7386, in its own words: null removes, maps are merged, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(current) if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _step_by_step(current: Object, patch: object) -> Object:
    if not isinstance(patch, list):
        raise BadRequestError(
            f"error decoding patch: json: cannot unmarshal {json_type(patch)} into Go value of "
            "type []handlers.jsonPatchOp"
        )
    if len(patch) > LONGEST_JSON_PATCH:
        raise BadRequestError(
            "The allowed maximum operations in a JSON patch is "
            f"{LONGEST_JSON_PATCH}, got {len(patch)}"
        )
    try:
        result = jsonpatch.apply_patch(current, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as exc:
        raise RequestError(422, "Invalid", _REJECTED) from exc
    if not isinstance(result, dict):
        raise RequestError(422, "Invalid", _REJECTED)
    return result
