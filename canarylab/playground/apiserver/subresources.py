"""Subresources: scale, binding and eviction of pods, and the proxies of Services and Pods.

GET .../services/NAME:PORT/proxy/PATH is forwarded to a ready pod of the Service, chosen at random
for each request, and .../pods/NAME:PORT/proxy/PATH to that pod: a way into the cluster for clients
that only reach the API.
"""

from __future__ import annotations

import random
import re
from typing import NamedTuple

import aiohttp
from aiohttp import web
from yarl import URL

from canarylab.errors import BadRequestError, Cause, ConflictError, InvalidError, StatusError
from canarylab.http_headers import HOP_BY_HOP, without_fields
from canarylab.kube_objects import Object, parse_integer
from canarylab.playground.apiserver.decode import decode_options
from canarylab.playground.apiserver.eviction import use_budget, with_eviction
from canarylab.playground.apiserver.handlers import check_namespace, delete_request
from canarylab.playground.apiserver.patch import apply_patch
from canarylab.playground.apiserver.requests import (
    APPLY,
    RequestContext,
    dial_error,
    field_manager,
    is_true,
    json_response,
    path_not_found,
    read_configuration,
    read_document,
    read_patch,
)
from canarylab.playground.apiserver.warnings import update_warnings
from canarylab.playground.kube.selectors import label_query

_SHARED_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
_SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
_HTTP_PORT = 80  # of a proxied Pod that declares no port
_NOT_FORWARDED = HOP_BY_HOP | {"authorization", "host"}
_PROXY_PATH = re.compile(
    r"/+api/v1/namespaces/[^/?]+/(?:services|pods)/[^/?]+/proxy(?P<rest>(?:[/?].*)?)", re.DOTALL
)


async def read_scale(context: RequestContext) -> web.Response:
    """GET .../scale."""
    return json_response(scale_of(context.current()))


async def replace_scale(context: RequestContext) -> web.Response:
    """PUT .../scale."""
    return _update_scale(context, await read_document(context.request))


async def patch_scale(context: RequestContext) -> web.Response:
    """PATCH .../scale."""
    if context.request.content_type == APPLY:
        return await _apply_scale(context)
    change, style = await read_patch(context.request, context.kind)
    known = "merge" if style == "strategic" else style  # a Scale has no lists
    return _update_scale(context, apply_patch(scale_of(context.current()), change, known))


def scale_of(obj: Object) -> Object:
    """The Scale of a Deployment or ReplicaSet.

    Zero replicas are omitted in the spec and kept in the status, as on a real cluster.
    """
    meta, replicas = obj["metadata"], obj["spec"].get("replicas", 0)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in _SHARED_METADATA if name in meta},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {
            "replicas": obj.get("status", {}).get("replicas", 0),
            "selector": label_query(obj["spec"]["selector"]),
        },
    }


def _update_scale(context: RequestContext, scale: object) -> web.Response:
    current = context.current()
    replicas = _replicas(context, scale)
    after = {**current, "spec": {**current["spec"], "replicas": replicas}}
    manager = field_manager(context.request, "scale")
    stored = context.commit(context.api.registry.update(after, manager))
    return json_response(scale_of(stored), warnings=update_warnings(stored, current))


async def _apply_scale(context: RequestContext) -> web.Response:
    replicas = _replicas(context, await read_configuration(context.request))
    current = context.current()
    meta = current["metadata"]
    configuration = {
        "apiVersion": context.kind.api_version,
        "kind": context.kind.kind,
        "metadata": {name: meta[name] for name in ("name", "namespace")},
        "spec": {"replicas": replicas},
    }
    manager, is_forced = field_manager(context.request, "scale"), is_true(context.query, "force")
    write = context.api.registry.apply(configuration, manager, is_forced=is_forced)
    stored = context.commit(write)
    return json_response(scale_of(stored), warnings=update_warnings(stored, current))


def _replicas(context: RequestContext, scale: object) -> int:
    given = decode_options("Scale", scale)
    _check_scale_version(context, given)
    replicas = int(given.get("spec", {}).get("replicas", 0))
    if replicas < 0:
        message = f"Invalid value: {replicas}: must be greater than or equal to 0"
        cause = Cause("FieldValueInvalid", "spec.replicas", message)
        raise InvalidError("Scale", "autoscaling", context.path.key.name, [cause])
    return replicas


def _check_scale_version(context: RequestContext, scale: Object) -> None:
    version = (scale.get("metadata") or {}).get("resourceVersion")
    if version not in {None, "", context.current()["metadata"]["resourceVersion"]}:
        raise ConflictError(context.kind.plural, context.kind.group, context.path.key.name)


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
    """POST .../eviction, as `kubectl drain` does; a disruption budget can refuse it."""
    eviction = await read_document(context.request)
    _check_eviction_name(context, eviction)
    body = eviction.get("deleteOptions") if isinstance(eviction, dict) else None
    request = delete_request(body or {}, context.query)
    registry = context.api.registry
    pod = registry.get("Pod", context.path.key)
    budget = use_budget(pod, context.api.store.all("PodDisruptionBudget", context.path.namespace))
    registry.delete("Pod", context.path.key, request.options)  # raises what refuses it
    if not request.is_dry_run:
        if budget is not None:
            context.api.commit(registry.update_status(budget))
        context.api.commit(registry.update_status(with_eviction(pod, registry.generators.now())))
        context.api.commit(registry.delete("Pod", context.path.key, request.options))
    return json_response({**_SUCCESS, "code": 201}, code=201)


def _check_eviction_name(context: RequestContext, eviction: object) -> None:
    given = eviction.get("metadata") if isinstance(eviction, dict) else None
    meta = given if isinstance(given, dict) else {}
    check_namespace(context, meta)
    if meta.get("name") != context.path.name:
        raise BadRequestError("name in URL does not match name in Eviction object")


class ProxyTarget(NamedTuple):
    """The object and port of a proxy path."""

    name: str
    port: str
    """A name or a number, or empty for the only port of a Service, or the first of a Pod."""


async def proxy_to_service(context: RequestContext) -> web.StreamResponse:
    """Forward the request to a ready pod of the Service."""
    target = parse_proxy_target("service", context.path.name or "")
    service = context.api.registry.get("Service", context.path.key._replace(name=target.name))
    port_name = _port_name(service, target)
    urls = _ready_urls(context, target.name, port_name)
    if not urls:
        raise _unavailable(f'no endpoints available for service "{target.name}"')
    return await _forward_request(context.request, random.choice(urls))


async def proxy_to_pod(context: RequestContext) -> web.StreamResponse:
    """Forward the request to the pod, whether it is ready or not."""
    name = context.path.name or ""
    target = parse_proxy_target("pod", name)
    pod = context.api.registry.get("Pod", context.path.key._replace(name=target.name))
    declared = [
        port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or []
    ]
    port = parse_integer(target.port) if target.port else (declared or [_HTTP_PORT])[0]
    if port is None or not 0 < port < 65_536:
        raise BadRequestError(f'invalid pod request "{name}"')
    address = pod.get("status", {}).get("podIP")
    if not address:
        raise BadRequestError("address not allowed")
    return await _forward_request(context.request, f"http://{address}:{port}")


def parse_proxy_target(kind: str, name: str) -> ProxyTarget:
    """Parse the part of the path between `services/` or `pods/` and `/proxy`.

    >>> parse_proxy_target("service", "web:80")
    ProxyTarget(name='web', port='80')
    >>> parse_proxy_target("pod", "http:web:") == parse_proxy_target("pod", "web")
    True
    """
    parts = name.split(":")
    if len(parts) == 3 and parts[0] in {"", "http"}:
        parts = parts[1:]
    if len(parts) > 2 or not parts[0]:
        raise StatusError(400, "BadRequest", f'invalid {kind} request "{name}"')
    return ProxyTarget(parts[0], parts[1] if len(parts) == 2 else "")


def _port_name(service: Object, target: ProxyTarget) -> str:
    """The name of the endpoints' port; a number is looked up in the Service's ports."""
    number = parse_integer(target.port)
    if number is None:
        return target.port
    for port in service["spec"].get("ports") or []:
        if port["port"] == number:
            return str(port.get("name", ""))
    raise _unavailable(f'no service port {target.port} found for service "{target.name}"')


def _ready_urls(context: RequestContext, service: str, port_name: str) -> list[str]:
    key = context.path.key._replace(name=service)
    return [
        f"http://{address['ip']}:{port['port']}"
        for endpoints in context.api.store.all("Endpoints")
        if (endpoints["metadata"]["namespace"], endpoints["metadata"]["name"]) == key
        for subset in endpoints.get("subsets") or []
        for port in subset.get("ports") or []
        if port.get("name", "") == port_name
        for address in subset.get("addresses") or []
    ]


async def _forward_request(request: web.Request, endpoint: str) -> web.StreamResponse:
    url = URL(f"{endpoint}{_path_in_pod(request.rel_url.raw_path_qs)}", encoded=True)
    headers = without_fields(request.headers, _NOT_FORWARDED)
    body = request.content if request.can_read_body else None
    try:
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method, url, headers=headers, data=body, allow_redirects=False
            ) as answer,
        ):
            return await _relay_response(request, answer)
    except aiohttp.ClientConnectorError as exc:
        words = dial_error(url.host or "", url.port or 0, exc.os_error)
        raise _unavailable(f"error trying to reach service: {words}") from exc
    except aiohttp.ClientConnectionError as exc:
        raise _unavailable(f"error trying to reach service: {exc}") from exc


def _path_in_pod(target: str) -> str:
    """The path and query after `NAME/proxy`, with a slash at the beginning."""
    found = _PROXY_PATH.fullmatch(target)
    if found is None:
        raise path_not_found()
    rest = found["rest"]
    return rest if rest.startswith("/") else f"/{rest}"


async def _relay_response(
    request: web.Request, answer: aiohttp.ClientResponse
) -> web.StreamResponse:
    headers = without_fields(answer.headers, HOP_BY_HOP)
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    async for piece in answer.content.iter_any():
        await response.write(piece)
    await response.write_eof()
    return response


def _unavailable(why: str) -> StatusError:
    return StatusError(503, "ServiceUnavailable", why)
