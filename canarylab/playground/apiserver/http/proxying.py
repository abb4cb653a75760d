"""How does the API server reach a Service for somebody who cannot?

GET .../services/NAME:PORT/proxy/PATH goes to one of the Service's ready pods, drawn anew for each
request. That is what is left to a client which sees the API and nothing else of the cluster.
"""

from __future__ import annotations

import random
from typing import NamedTuple

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from canarylab.errors import RequestError
from canarylab.playground.apiserver.http.calls import RequestContext
from canarylab.playground.kube.api import Object

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host"}
)
_NOT_FORWARDED = _HOP_BY_HOP | {"authorization"}


class ProxyTarget(NamedTuple):
    """What stands between `services/` and `/proxy`."""

    service: str
    port: str
    """A name or a number; empty for the only port."""


async def proxy_to_service(context: RequestContext) -> web.StreamResponse:
    """Hand the request on, and its answer back."""
    asked = parse_proxy_target(context.path.name or "")
    found = context.api.registry.get("Service", context.path.key._replace(name=asked.service))
    port_name = _port_name(found, asked)
    places = _ready_urls(context, asked.service, port_name)
    if not places:
        raise _unavailable(f'no endpoints available for service "{asked.service}"')
    return await _forward_request(context.request, random.choice(places))


def parse_proxy_target(name: str) -> ProxyTarget:
    """The Service and the port.

    >>> parsed("web:80")
    Asked(service='web', port='80')
    >>> parsed("http:web:") == parsed("web")
    True
    """
    parts = name.split(":")
    if len(parts) == 3 and parts[0] in {"", "http"}:
        parts = parts[1:]
    if len(parts) > 2 or not parts[0]:
        raise RequestError(400, "BadRequest", f'invalid service request "{name}"')
    return ProxyTarget(parts[0], parts[1] if len(parts) == 2 else "")


def _port_name(service: Object, asked: ProxyTarget) -> str:
    """A number means the port of the Service that has it; its name finds the endpoints' port."""
    if not asked.port.isdigit():
        return asked.port
    for port in service["spec"].get("ports") or []:
        if port["port"] == int(asked.port):
            return str(port.get("name", ""))
    raise _unavailable(f'no service port {asked.port} found for service "{asked.service}"')


def _ready_urls(context: RequestContext, service: str, port_name: str) -> list[URL]:
    key = context.path.key._replace(name=service)
    return [
        URL.build(scheme="http", host=address["ip"], port=port["port"])
        for endpoints in context.api.store.all("Endpoints")
        if (endpoints["metadata"]["namespace"], endpoints["metadata"]["name"]) == key
        for subset in endpoints.get("subsets") or []
        for port in subset.get("ports") or []
        if port.get("name", "") == port_name
        for address in subset.get("addresses") or []
    ]


async def _forward_request(request: web.Request, place: URL) -> web.StreamResponse:
    _, _, below = request.rel_url.raw_path_qs.partition("/proxy")
    url = place.join(URL(below if below.startswith("/") else f"/{below}", encoded=True))
    headers = _headers_without(request.headers, _NOT_FORWARDED)
    body = request.content if request.can_read_body else None
    try:
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method, url, headers=headers, data=body, allow_redirects=False
            ) as answer,
        ):
            return await _relay_response(request, answer)
    except aiohttp.ClientConnectionError as exc:
        raise _unavailable(f"error trying to reach service: {exc}") from exc


async def _relay_response(
    request: web.Request, answer: aiohttp.ClientResponse
) -> web.StreamResponse:
    headers = _headers_without(answer.headers, _HOP_BY_HOP)
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    async for piece in answer.content.iter_any():
        await response.write(piece)
    await response.write_eof()
    return response


def _headers_without(headers: CIMultiDictProxy[str], names: frozenset[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, said) for name, said in headers.items() if name.lower() not in names)


def _unavailable(why: str) -> RequestError:
    return RequestError(503, "ServiceUnavailable", why)
