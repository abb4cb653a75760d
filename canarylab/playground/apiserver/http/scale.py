"""How many replicas? The subresource that `kubectl scale` reads and writes."""

from __future__ import annotations

from aiohttp import web

from canarylab.errors import BadRequestError, Cause, ConflictError, InvalidError
from canarylab.playground.apiserver.http.answers import answer
from canarylab.playground.apiserver.http.bodies import read_document, read_patch
from canarylab.playground.apiserver.http.calls import Call
from canarylab.playground.apiserver.patching.patch import apply_patch
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.selectors import label_query

_SHARED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


async def read(call: Call) -> web.Response:
    """GET .../scale."""
    return answer(scale_of(call.found()))


async def replace(call: Call) -> web.Response:
    """PUT .../scale."""
    return _scaled(call, await read_document(call.request))


async def patch(call: Call) -> web.Response:
    """PATCH .../scale."""
    change, style = await read_patch(call.request, call.kind)
    known = "merge" if style == "strategic" else style  # a Scale has no lists to merge
    return _scaled(call, apply_patch(scale_of(call.found()), change, known))


def scale_of(obj: Object) -> Object:
    """The Scale of a Deployment or ReplicaSet.

    Zero replicas are left out of the spec, and not out of the status, as on a real cluster.
    """
    meta, wanted = obj["metadata"], obj["spec"].get("replicas", 0)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in _SHARED if name in meta},
        "spec": {"replicas": wanted} if wanted else {},
        "status": {
            "replicas": obj.get("status", {}).get("replicas", 0),
            "selector": label_query(obj["spec"]["selector"]),
        },
    }


def _scaled(call: Call, scale: object) -> web.Response:
    current = call.found()
    wanted = _replicas(call, scale)
    after = {**current, "spec": {**current["spec"], "replicas": wanted}}
    return answer(scale_of(call.done(call.api.registry.update(after))))


def _replicas(call: Call, scale: object) -> int:
    if not isinstance(scale, dict) or not isinstance(scale.get("spec") or {}, dict):
        raise BadRequestError('Scale in version "v1" cannot be handled as a Scale')
    _check_fresh(call, scale)
    wanted = (scale.get("spec") or {}).get("replicas") or 0
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise BadRequestError(
            'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal '
            f"{_json_name(wanted)} into Go struct field ScaleSpec.spec.replicas of type int32"
        )
    if wanted < 0:
        message = f"Invalid value: {wanted}: must be greater than or equal to 0"
        cause = Cause("FieldValueInvalid", "spec.replicas", message)
        raise InvalidError("Scale", "autoscaling", call.target.key.name, [cause])
    return wanted


def _check_fresh(call: Call, scale: Object) -> None:
    version = (scale.get("metadata") or {}).get("resourceVersion")
    if version not in {None, "", call.found()["metadata"]["resourceVersion"]}:
        raise ConflictError(call.kind.plural, call.kind.group, call.target.key.name)


def _json_name(value: object) -> str:
    names = {str: "string", bool: "bool", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "value")
