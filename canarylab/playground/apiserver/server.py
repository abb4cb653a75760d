"""The API server over HTTPS: authentication, routing, and errors as Statuses.

The token permits everything, since the API starts processes; without it only the health of the
server can be read. Host and Origin must be this server's own: otherwise a web page could reach it
under a name of its own (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from canarylab.errors import ApiError, StatusError
from canarylab.playground.apiserver import (
    discovery,
    handlers,
    health,
    pod_streams,
    port_forward,
    requests,
    subresources,
)
from canarylab.playground.apiserver.local_api import LocalApi
from canarylab.playground.apiserver.requests import (
    MAX_BODY_BYTES,
    Handler,
    RequestContext,
    ResourcePath,
    parse_path,
    unauthorized,
)
from canarylab.playground.apiserver.store import Subscription
from canarylab.playground.apiserver.watch import WATCHES
from canarylab.playground.connections import HttpConnections, http_logger, most_connections
from canarylab.playground.kube.api import KubeletClient

logger = logging.getLogger(__name__)
SHUTDOWN_TIMEOUT = 0.5  # seconds for logs and commands to end
MOST_CONNECTIONS, MOST_UNAUTHENTICATED = 512, 128
AUTHENTICATION_TIMEOUT_S = 10.0
KEEP_ALIVE_S = 90.0  # between two requests, as Go's server has it in Kubernetes
LINGERING_S = 0.5  # for a body that nobody reads
MethodHandlers = Mapping[str, Handler]
PUBLIC_PATHS = health.PATHS | {"/version"}

_DEPRECATED_KINDS = {
    "Endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
}
_WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_COLLECTION: MethodHandlers = {
    "GET": handlers.list_or_watch,
    "POST": handlers.create,
    "DELETE": handlers.delete_collection,
}
_ALL_NAMESPACES: MethodHandlers = {"GET": handlers.list_or_watch}
_OBJECT: MethodHandlers = {
    "GET": handlers.get,
    "PUT": handlers.replace,
    "PATCH": handlers.patch,
    "DELETE": handlers.delete,
}
_STATUS_SUBRESOURCE: MethodHandlers = {
    "GET": handlers.get,
    "PUT": handlers.replace_status,
    "PATCH": handlers.patch_status,
}
_SCALE_SUBRESOURCE: MethodHandlers = {
    "GET": subresources.read_scale,
    "PUT": subresources.replace_scale,
    "PATCH": subresources.patch_scale,
}
_PROXY_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_POD_SUBRESOURCES: Mapping[str, MethodHandlers] = {
    "attach": dict.fromkeys(("GET", "POST"), pod_streams.attach),
    "binding": {"POST": subresources.bind},
    "eviction": {"POST": subresources.evict},
    "exec": {"GET": pod_streams.execute, "POST": pod_streams.execute},
    "log": {"GET": pod_streams.read_log},
    "proxy": dict.fromkeys(_PROXY_METHODS, subresources.proxy_to_pod),
    "portforward": dict.fromkeys(("GET", "POST"), port_forward.forward_ports),
}
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_HOST_NAMES = ("127.0.0.1", "localhost")


def make_web_app(
    api: LocalApi, kubelet: KubeletClient, authenticator: TokenAuthenticator
) -> web.Application:
    """Make the aiohttp application."""

    async def respond(request: web.Request) -> web.StreamResponse:
        if (refusal := _refusal(request)) is not None:
            return refusal
        if (response := health.health_response(request, api.store)) is not None:
            return response
        if (response := discovery.meta_response(request)) is not None:
            return response
        path = parse_path(request.path)
        if path is None:
            return requests.unserved_response(request, api.store.version)
        handler = find_handler(request.method, path)
        answer = await handler(RequestContext(request, path, api, kubelet))
        if request.method in _WRITING and not answer.prepared:
            await api.store.until_stored()
        return answer

    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_errors_to_statuses])
    app[WATCHES] = set()
    app[AUTHENTICATED] = set()
    app[AUTHENTICATOR] = authenticator
    app[port_forward.FORWARDED] = port_forward.forwarded_limit()
    app.on_response_prepare.append(_warn_of_deprecated)
    app.on_shutdown.append(_end_watches)
    app.router.add_route("*", "/{path:.*}", respond, expect_handler=_expect)
    return app


@asynccontextmanager
async def serving(
    app: web.Application, listener: socket.socket, tls: ssl.SSLContext
) -> AsyncIterator[None]:
    """Serve the application on a socket for the length of the block."""
    # With handler_cancellation, a watch ends when its client disconnects, not at its next event.
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=http_logger(__name__),
        handler_cancellation=True,
        shutdown_timeout=SHUTDOWN_TIMEOUT,
        auto_decompress=False,
        keepalive_timeout=KEEP_ALIVE_S,
        lingering_time=LINGERING_S,
    )
    await runner.setup()
    if runner.server is None:
        raise RuntimeError("The server was set up and is not there.")
    most = most_connections(MOST_CONNECTIONS)
    connections = HttpConnections(
        runner.server,
        app[AUTHENTICATED],
        most=most,
        most_others=min(MOST_UNAUTHENTICATED, (most + 1) // 2),
        first_request_s=AUTHENTICATION_TIMEOUT_S,
    )
    acceptor = connections.accept(listener, tls)
    try:
        yield
    finally:
        acceptor.close()
        connections.close()
        await runner.cleanup()


def _refusal(request: web.Request) -> web.Response | None:
    """The response to a request that is not permitted, whose body is not read; None for others."""
    try:
        has_token = request.app[AUTHENTICATOR].check(request.path, request.headers)
    except ApiError as error:
        response = requests.error_response(error)
        response.force_close()
        return response
    if has_token:
        request.app[AUTHENTICATED].add(request.protocol)
    return None


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """Ask for the body only if the request is permitted."""
    if (refusal := _refusal(request)) is not None:
        return refusal
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the response has not started
    return None


@web.middleware
async def _errors_to_statuses(request: web.Request, handler: _WebHandler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return requests.error_response(error)
    except web.HTTPException:
        raise
    except Exception as exc:
        logger.exception("%s %s failed", request.method, request.path)
        return requests.error_response(requests.internal_error(exc))


async def _warn_of_deprecated(request: web.Request, response: web.StreamResponse) -> None:
    found = parse_path(request.path)
    if found is not None and (warning := _DEPRECATED_KINDS.get(found.kind.kind)):
        response.headers.add("Warning", requests.warning_header(warning))


async def _end_watches(app: web.Application) -> None:
    watches: set[Subscription] = app[WATCHES]
    for subscription in tuple(watches):
        subscription.end()


def find_handler(method: str, target: ResourcePath) -> Handler:
    """The handler of a method and path; raise StatusError (404 or 405) if there is none."""
    verbs = _handlers(target)
    if verbs is None:
        raise requests.path_not_found()
    if method not in verbs:
        raise requests.method_not_allowed()
    return verbs[method]


def _handlers(target: ResourcePath) -> MethodHandlers | None:
    if target.subresource is not None:
        return _subresource_handlers(target, target.subresource)
    if target.name is not None:
        return _OBJECT
    if target.kind.namespaced and target.namespace is None:
        return _ALL_NAMESPACES
    if target.kind.kind == "Namespace":
        return {method: verb for method, verb in _COLLECTION.items() if method != "DELETE"}
    return _COLLECTION


def _subresource_handlers(target: ResourcePath, subresource: str) -> MethodHandlers | None:
    kind = target.kind
    match subresource:
        case "status" if kind.has_status:
            return _STATUS_SUBRESOURCE
        case "scale" if kind.has_scale:
            return _SCALE_SUBRESOURCE
        case "finalize" if kind.kind == "Namespace":
            return {"PUT": handlers.replace_finalizers}
        case "token" if kind.kind == "ServiceAccount":
            raise requests.no_token_error()
        case "proxy" if kind.kind == "Service":
            return dict.fromkeys(_PROXY_METHODS, subresources.proxy_to_service)
        case _ if kind.kind == "Pod":
            return _POD_SUBRESOURCES.get(subresource)
    return None


@dataclass(frozen=True)
class TokenAuthenticator:
    """The check of token, Host and Origin of each request."""

    token: str
    port: int

    def check(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether the request has the token.

        Raise StatusError with code 401 or 403 for a request that is not permitted.
        """
        hosts = {f"{name}:{self.port}" for name in _HOST_NAMES}
        host, origin = headers.get("Host", ""), headers.get("Origin")
        if host not in hosts:
            raise _forbidden(f'host "{host}" is not a name of this server')
        if origin is not None and origin not in {f"https://{name}" for name in hosts}:
            raise _forbidden(f'requests from "{origin}" are not allowed')
        has_token = self._has_token(headers.get("Authorization", ""))
        if not has_token and path not in PUBLIC_PATHS:
            raise unauthorized()
        return has_token

    def _has_token(self, authorization: str) -> bool:
        # aiohttp decodes bytes that are not UTF-8 as lone surrogates, which cannot be encoded.
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            token.strip().encode(errors="replace"), self.token.encode()
        )


AUTHENTICATED = web.AppKey("authenticated", set[asyncio.BaseProtocol])
AUTHENTICATOR = web.AppKey("authenticator", TokenAuthenticator)


def _forbidden(why: str) -> StatusError:
    return StatusError(403, "Forbidden", f"forbidden: {why.encode(errors='replace').decode()}")
