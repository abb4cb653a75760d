"""How many replicas? The subresource that `kubectl scale` reads and writes."""

from __future__ import annotations

from aiohttp import web

from canarylab.errors import BadRequestError, Cause, ConflictError, InvalidError
from canarylab.playground.apiserver.http.answers import json_response
from canarylab.playground.apiserver.http.bodies import read_document, read_patch
from canarylab.playground.apiserver.http.calls import RequestContext
from canarylab.playground.apiserver.patching.patch import apply_patch
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.selectors import label_query

_SHARED_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


async def read_scale(context: RequestContext) -> web.Response:
    """GET .../scale."""
    return json_response(scale_of(context.current()))


async def replace_scale(context: RequestContext) -> web.Response:
    """PUT .../scale."""
    return _update_scale(context, await read_document(context.request))


async def patch_scale(context: RequestContext) -> web.Response:
    """PATCH .../scale."""
    change, style = await read_patch(context.request, context.kind)
    known = "merge" if style == "strategic" else style  # a Scale has no lists to merge
    return _update_scale(context, apply_patch(scale_of(context.current()), change, known))


def scale_of(obj: Object) -> Object:
    """The Scale of a Deployment or ReplicaSet.

    Zero replicas are left out of the spec, and not out of the status, as on a real cluster.
    """
    meta, wanted = obj["metadata"], obj["spec"].get("replicas", 0)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in _SHARED_METADATA if name in meta},
        "spec": {"replicas": wanted} if wanted else {},
        "status": {
            "replicas": obj.get("status", {}).get("replicas", 0),
            "selector": label_query(obj["spec"]["selector"]),
        },
    }


def _update_scale(context: RequestContext, scale: object) -> web.Response:
    current = context.current()
    wanted = _replicas(context, scale)
    after = {**current, "spec": {**current["spec"], "replicas": wanted}}
    return json_response(scale_of(context.commit(context.api.registry.update(after))))


def _replicas(context: RequestContext, scale: object) -> int:
    if not isinstance(scale, dict) or not isinstance(scale.get("spec") or {}, dict):
        raise BadRequestError('Scale in version "v1" cannot be handled as a Scale')
    _check_scale_version(context, scale)
    wanted = (scale.get("spec") or {}).get("replicas") or 0
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise BadRequestError(
            'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal '
            f"{_json_name(wanted)} into Go struct field ScaleSpec.spec.replicas of type int32"
        )
    if wanted < 0:
        message = f"Invalid value: {wanted}: must be greater than or equal to 0"
        cause = Cause("FieldValueInvalid", "spec.replicas", message)
        raise InvalidError("Scale", "autoscaling", context.path.key.name, [cause])
    return wanted


def _check_scale_version(context: RequestContext, scale: Object) -> None:
    version = (scale.get("metadata") or {}).get("resourceVersion")
    if version not in {None, "", context.current()["metadata"]["resourceVersion"]}:
        raise ConflictError(context.kind.plural, context.kind.group, context.path.key.name)


def _json_name(value: object) -> str:
    names = {str: "string", bool: "bool", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "value")
