"""Forwarding of a request to a pod: the HTTP client, round robin, retries, mirrors."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import quote

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from canarylab.kube_objects import Address, Now, utc_now
from canarylab.playground.network.proxy_request import (
    DirectResponse,
    Forward,
    RequestHead,
    RequestSource,
    Timeouts,
    upstream_headers,
)

MAX_MIRROR_BACKLOG = 1_048_576  # bytes
_NOT_RETRIED = frozenset({"POST", "LOCK", "PATCH"})
"""Methods that nginx does not send to a second pod once it was sent to a first.
https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream
"""
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True)
class Limits:
    """Time, size and retries: the defaults of ingress-nginx.

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/
    """

    client_s: float = 60.0
    """client-body-timeout."""
    keep_alive_s: float = 75.0
    """The idle timeout of a client between requests, or in the middle of a head."""
    connect_s: float = 5.0
    """proxy-connect-timeout."""
    read_timeout_s: float = 60.0
    """proxy-read-timeout and proxy-send-timeout; also the idle timeout of a WebSocket."""
    linger_s: float = 5.0
    """How long the rest of a refused body is read and discarded: nginx's lingering_timeout."""
    idle_upstream_s: float = 4.0
    """One second less than Node keeps a connection: it must not close one just reused."""
    replay_bytes: int = 65_536
    """How much of a body is kept for a retry."""
    tries: int = 3
    """proxy-next-upstream-tries."""
    mirror_s: float = 60.0
    """For a whole exchange with a mirror: a response without an end must not run for ever."""
    connections: int = 0
    """Connections of clients; 0 is as many as the open files of the process permit."""


class NoResponseError(Exception):
    """A request was sent to a pod, and no complete response head came back."""

    def __init__(self, status: int) -> None:
        super().__init__(f"no response: {status}")
        self.status = status


class RefusedBodyError(Exception):
    """The body of a request was not accepted. `status` is for the client."""

    def __init__(self, status: int) -> None:
        super().__init__(f"body not accepted: {status}")
        self.status = status


class UpstreamResponse(NamedTuple):
    """The response of a pod, whose body is still to be read."""

    response: aiohttp.ClientResponse
    set_cookie: str | None
    """A cookie to add to it."""
    deadline: float
    """The time of the event loop at which it has to be complete, or infinity."""


class RoundRobin:
    """Chooses the endpoints of each backend in turn, from a random start, as ingress-nginx does.

    So the pods of one Service get equally many requests, far more evenly than at random.
    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/#load-balance
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._next: dict[Hashable, tuple[tuple[Address, ...], int]] = {}

    def choose(self, key: Hashable, endpoints: tuple[Address, ...]) -> Address:
        """The next of the endpoints, of which there is at least one."""
        known, number = self._next.get(key, ((), 0))
        if known != endpoints:
            number = self._random.randrange(len(endpoints))
        self._next[key] = (endpoints, (number + 1) % len(endpoints))
        return endpoints[number]


class RequestBody:
    """The body of a request: streamed to the pod, and kept for a retry while it is small."""

    def __init__(self, request: web.BaseRequest, body_limit: int, limits: Limits) -> None:
        self.exists = request.body_exists
        self.refused = 0
        """The status for the client if its body was not accepted; else 0."""
        self._content, self._body_limit, self._limits = request.content, body_limit, limits
        self._received = 0
        self._kept: list[bytes] | None = []
        self._copies: list[BodyCopy] = []

    @property
    def is_complete(self) -> bool:
        """Whether all of it was read from the client."""
        return self._content.at_eof()

    @property
    def is_repeatable(self) -> bool:
        """Whether it can be sent again from its beginning."""
        return self._kept is not None

    def copy(self) -> BodyCopy:
        """A copy for a mirror, filled while the original is sent to the pod."""
        self._copies.append(BodyCopy())
        return self._copies[-1]

    async def stream(self) -> AsyncIterator[bytes]:
        """The kept part, then the rest from the client."""
        for piece in list(self._kept or ()):
            yield piece
        while piece := await self._read():
            yield piece
        for copy in self._copies:
            copy.end()

    def close(self) -> None:
        """Cancel the mirrors of a body that will never be complete."""
        if not self.is_complete:
            for copy in self._copies:
                copy.abandon()

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout(self._limits.client_s):
                piece = await self._content.readany()
        except TimeoutError as exc:
            raise self._refusal(408) from exc
        except (aiohttp.http.HttpProcessingError, web.RequestPayloadError) as exc:
            raise self._refusal(400) from exc
        self._received += len(piece)
        if self._body_limit and self._received > self._body_limit:
            raise self._refusal(413)
        if self._received > self._limits.replay_bytes:
            self._kept = None
        elif self._kept is not None and piece:
            self._kept.append(piece)
        for copy in self._copies:
            copy.add(piece)
        return piece

    def _refusal(self, status: int) -> RefusedBodyError:
        self.refused = status
        return RefusedBodyError(status)


class BodyCopy:
    """A copy of a body for a mirror, cancelled if the mirror is too slow."""

    def __init__(self) -> None:
        self.abandon: Callable[[], object] = lambda: None
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._unsent = 0

    def add(self, piece: bytes) -> None:
        """Add a piece of the body."""
        if piece:
            self._unsent += len(piece)
            self._pieces.put_nowait(piece)
        if self._unsent > MAX_MIRROR_BACKLOG:
            self.abandon()

    def end(self) -> None:
        """The body is complete."""
        self._pieces.put_nowait(b"")

    async def stream(self) -> AsyncIterator[bytes]:
        """The pieces of the body, as they arrive."""
        while piece := await self._pieces.get():
            self._unsent -= len(piece)
            yield piece


class UpstreamClient:
    """Connections to pods; use it as a context manager."""

    def __init__(self, limits: Limits, random: Random, now: Now = utc_now) -> None:
        self._limits, self._random, self._now = limits, random, now
        self._round_robin = RoundRobin(random)
        self._mirrors: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=limits.idle_upstream_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=limits.connect_s, sock_read=limits.read_timeout_s
            ),
            middlewares=(_without_retry,),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._mirrors:
            task.cancel()
        await asyncio.gather(*self._mirrors, return_exceptions=True)
        await self._session.close()

    def source(self, request: web.BaseRequest) -> RequestSource:
        """The source of a request, with an id of 32 hexadecimal digits, as in nginx."""
        client, here = request.protocol.peername, request.protocol.sockname
        return RequestSource(
            str(client[0]) if client else "",
            int(here[1]) if here else 0,
            f"{self._random.getrandbits(128):032x}",
        )

    async def send(
        self, forward: Forward, body: RequestBody, source: RequestSource
    ) -> UpstreamResponse | DirectResponse:
        """Send a request; if an endpoint fails, retry with the next if nginx would."""
        headers = upstream_headers(forward.head, source)
        failure = DirectResponse(502)
        failed: set[Address] = set()
        timeouts = Timeouts() if forward.head.is_upgrade else forward.timeouts
        last = _deadline(timeouts.request_s)
        for _ in range(self._limits.tries):
            address, set_cookie = self._choose(forward, failed)
            deadline = min(last, _deadline(timeouts.backend_s))
            try:
                data = body.stream() if body.exists else None
                async with asyncio.timeout_at(deadline):
                    response = await self._request(address, forward.head, headers, data)
                return UpstreamResponse(response, set_cookie, deadline)
            except aiohttp.ConnectionTimeoutError:
                failure = DirectResponse(504)
            except aiohttp.ClientConnectorError:
                failure = DirectResponse(502)
            except NoResponseError as exc:
                failure = DirectResponse(body.refused or exc.status)
                is_unsafe = forward.head.method in _NOT_RETRIED or not body.is_repeatable
                if body.refused or is_unsafe:
                    break
            except TimeoutError:
                return DirectResponse(504)
            failed.add(address)
        return failure

    def _choose(self, forward: Forward, failed: set[Address]) -> tuple[Address, str | None]:
        """An endpoint, and the cookie that keeps the client there, if it is a new one."""
        session = forward.session
        if session is None:
            return self._round_robin.choose(forward.key, forward.endpoints), None
        address, key = session.choose(forward.endpoints, failed, self._random)
        return address, session.set_cookie(key, self._now()) if key else None

    def mirror(self, forwards: Iterable[Forward], body: RequestBody, source: RequestSource) -> None:
        """Send copies of a request whose responses are discarded."""
        for forward in forwards:
            copy = body.copy() if body.exists else None
            task = asyncio.create_task(self._send_copy(forward, copy, source))
            if copy is not None:
                copy.abandon = task.cancel
            self._mirrors.add(task)
            task.add_done_callback(self._mirrors.discard)

    async def _send_copy(
        self, forward: Forward, body: BodyCopy | None, source: RequestSource
    ) -> None:
        address = self._round_robin.choose(forward.key, forward.endpoints)
        headers = upstream_headers(forward.head, source)
        data = None if body is None else body.stream()
        with suppress(aiohttp.ClientError, NoResponseError, TimeoutError):
            async with (
                asyncio.timeout(self._limits.mirror_s),
                await self._request(address, forward.head, headers, data) as response,
            ):
                async for _ in response.content.iter_any():
                    pass

    async def _request(
        self,
        address: Address,
        head: RequestHead,
        headers: CIMultiDict[str],
        body: AsyncIterator[bytes] | None,
    ) -> aiohttp.ClientResponse:
        target = head.target if head.target.isascii() else _quoted(head.target)
        if not target.startswith("/"):  # it would be read as a part of the host and port
            target = f"/{target}"
        url = URL(f"http://{address.host}:{address.port}{target}", encoded=True)
        return await self._session.request(
            head.method, url, headers=headers, data=body, allow_redirects=False
        )


async def _without_retry(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A client middleware that hides failures from aiohttp, which would send the request again."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except aiohttp.ClientError as exc:
        raise NoResponseError(504 if isinstance(exc, TimeoutError) else 502) from exc


def _deadline(timeout_s: float) -> float:
    return asyncio.get_running_loop().time() + timeout_s if timeout_s else math.inf


def _quoted(target: str) -> str:
    return quote(target, safe=_ASCII, errors="surrogateescape")
