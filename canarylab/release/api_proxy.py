"""One Service on a port of 127.0.0.1, through the API server: `kubectl proxy` for one Service.

A request to this port is answered by .../services/NAME:PORT/proxy, with the credentials of the
kubeconfig. Only this machine can connect, only under its own name (so that no web page can), only
to this Service, and only GET and HEAD are carried: a guest of a cluster may do no more there.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web
from urllib3.exceptions import HTTPError

from canarylab import runtime
from canarylab.errors import ApiRefusedError
from canarylab.http_headers import HOP_BY_HOP, without_fields
from canarylab.ports import LOOPBACK
from canarylab.release.connection import Connection, kubectl_words

TIMEOUT_S = 30.0
_NAMES = (LOOPBACK, "localhost")
_OF_THIS_MACHINE = frozenset({"authorization", "cookie", "host"})
_FORBIDDEN = (401, 403)


class ApiServerProxy:
    """Listens from its construction until `close`."""

    def __init__(self, connection: Connection, service: str, port: int) -> None:
        self._connection, self.service = connection, service
        self.path = f"/api/v1/namespaces/{connection.namespace}/services/{service}:{port}/proxy"
        self._ensure_allowed()
        self._runner = web.AppRunner(self._app(), access_log=None, handler_cancellation=True)
        self.port = runtime.run(_listen(self._runner))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"

    def close(self) -> None:
        """Stop listening."""
        runtime.run(self._runner.cleanup())

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    def _ensure_allowed(self) -> None:
        reply = self._fetch("GET", "/", {})
        kind = reply.headers.get("Content-Type", "")
        if reply.status in _FORBIDDEN and kind.startswith("application/json"):
            raise ApiRefusedError(
                f'the proxy of Service "{self.service}"',
                kubectl_words(reply.data, reply.reason),
                "No address of the Service answers from here, and you may not use its proxy: ask "
                "whoever runs the cluster for the right to get services/proxy.",
            )

    async def _answer(self, request: web.Request) -> web.Response:
        if request.url.host not in _NAMES:
            return web.Response(status=403, text=f'"{request.host}" is not a name of this proxy.')
        if not {".", ".."}.isdisjoint(unquote(request.rel_url.raw_path).split("/")):
            return web.Response(status=400, text="This path would lead out of the Service.")
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, text="Only GET and HEAD go through the API server.")
        kept = without_fields(request.headers, HOP_BY_HOP | _OF_THIS_MACHINE)
        try:
            reply = await asyncio.to_thread(
                self._fetch, request.method, request.rel_url.raw_path_qs, dict(kept)
            )
        except HTTPError as exc:
            return web.Response(status=502, text=f"The API server did not answer: {exc}")
        headers = without_fields(reply.headers, HOP_BY_HOP | {"content-length"})
        return web.Response(status=reply.status, body=reply.data, headers=headers)

    def _fetch(self, method: str, path: str, headers: dict[str, str]) -> Any:
        url = self._connection.server + quote(self.path, safe="/:") + path
        return self._connection.http.request(
            method,
            url,
            headers={**headers, **self._connection.credentials()},
            timeout=TIMEOUT_S,
            redirect=False,
            retries=False,
            decode_content=False,
        )


async def _listen(runner: web.AppRunner) -> int:
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    return int(runner.addresses[0][1])
