"""The API server for everybody outside its process: HTTPS, with a token.

A request passes the gate (`http/auth.py`), is told apart by its path (`http/paths.py`) and is
answered by one function. Whatever goes wrong on the way becomes a Status (`http/statuses.py`).
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from canarylab.errors import ApiError
from canarylab.playground.apiserver.changes import Subscription
from canarylab.playground.apiserver.http import about, answers, statuses
from canarylab.playground.apiserver.http.auth import Gate
from canarylab.playground.apiserver.http.bodies import LARGEST
from canarylab.playground.apiserver.http.calls import Call
from canarylab.playground.apiserver.http.paths import target
from canarylab.playground.apiserver.http.routes import find_handler
from canarylab.playground.apiserver.http.watching import WATCHES
from canarylab.playground.apiserver.local import LocalApi
from canarylab.playground.kube.api import KubeletClient

logger = logging.getLogger(__name__)

GOODBYE = 0.5  # seconds that a log or a command gets to end when the server does
_DEPRECATED = {
    "Endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
}

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(api: LocalApi, kubelet: KubeletClient, gate: Gate) -> web.Application:
    """The application; `serving` gives it a socket."""

    async def answer(request: web.Request) -> web.StreamResponse:
        gate.check(request.path, request.headers)
        if (said := about.reply(request)) is not None:
            return said
        found = target(request.path)
        if found is None:
            raise statuses.no_such_path()
        return await find_handler(request.method, found)(Call(request, found, api, kubelet))

    app = web.Application(client_max_size=LARGEST, middlewares=[_refusals])
    app[WATCHES] = set()
    app.on_response_prepare.append(_warn_of_deprecated)
    app.on_shutdown.append(_end_watches)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


@asynccontextmanager
async def serving(
    app: web.Application, listener: socket.socket, tls: ssl.SSLContext
) -> AsyncIterator[None]:
    """Answer on this socket for as long as the block lasts."""
    # With handler_cancellation, a watch ends when its client has left, not at its next event.
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, shutdown_timeout=GOODBYE
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener, ssl_context=tls).start()
        yield
    finally:
        await runner.cleanup()


@web.middleware
async def _refusals(request: web.Request, handler: Answering) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return answers.refusal(error)
    except web.HTTPException:
        raise
    except Exception as exc:
        logger.exception("%s %s failed", request.method, request.path)
        return answers.refusal(statuses.internal(exc))


async def _warn_of_deprecated(request: web.Request, response: web.StreamResponse) -> None:
    found = target(request.path)
    if found is not None and (warning := _DEPRECATED.get(found.kind.kind)):
        response.headers.add("Warning", answers.warning_header(warning))


async def _end_watches(app: web.Application) -> None:
    watches: set[Subscription] = app[WATCHES]
    for subscription in tuple(watches):
        subscription.end()
