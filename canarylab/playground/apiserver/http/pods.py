"""What else can be asked of a pod: to be bound to a node, to be evicted."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.http.answers import json_response
from canarylab.playground.apiserver.http.bodies import read_document
from canarylab.playground.apiserver.http.calls import RequestContext
from canarylab.playground.apiserver.http.deleting import delete_request
from canarylab.playground.kube.api import Object

_SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


async def bind(context: RequestContext) -> web.Response:
    """POST .../binding."""
    binding = await read_document(context.request)
    target = binding.get("target") if isinstance(binding, dict) else None
    node = target.get("name") if isinstance(target, dict) else None
    if not isinstance(node, str) or not node:
        raise BadRequestError("target.name: Required value")
    context.commit(context.api.registry.bind(context.path.key, node))
    return json_response({**_SUCCESS, "code": 201}, code=201)


async def evict(context: RequestContext) -> web.Response:
    """POST .../eviction, as `kubectl drain` does: a deletion that is asked for politely."""
    eviction = await read_document(context.request)
    body = eviction.get("deleteOptions") if isinstance(eviction, dict) else None
    request = delete_request(body or {}, context.query)
    write = context.api.registry.delete("Pod", context.path.key, request.options)
    if not request.is_dry_run:
        context.api.commit(write)
    return json_response({**_SUCCESS, "code": 201}, code=201)


def choose_container(pod: Object, asked: str | None) -> str:
    """The container meant; raise BadRequestError where there is no such one, or several.

    >>> container_in({"spec": {"containers": [{"name": "nodeapp"}]}}, None)
    'nodeapp'
    """
    spec = pod["spec"]
    regular = [container["name"] for container in spec["containers"]]
    others = [container["name"] for container in spec.get("initContainers") or []]
    name = pod.get("metadata", {}).get("name", "")
    if asked is None and len(regular) == 1:
        return str(regular[0])
    if asked is None:
        raise BadRequestError(_container_choices(name, regular, others))
    if asked not in regular + others:
        raise BadRequestError(f"container {asked} is not valid for pod {name}")
    return asked


def _container_choices(name: str, regular: Sequence[str], others: Sequence[str]) -> str:
    choices = f"choose one of: [{' '.join(regular)}]"
    if others:
        choices += f" or one of the init containers: [{' '.join(others)}]"
    return f"a container name must be specified for pod {name}, {choices}"
