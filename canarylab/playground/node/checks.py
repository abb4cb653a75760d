"""Is it well? Asks a container once, over HTTP, by a connection, or by a command inside it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from canarylab.playground.kube.api import Object

Run = Callable[[list[str]], Awaitable[tuple[int, str]]]
"""Runs a command inside the container: its exit code, and what it wrote."""

_OUTPUT_LIMIT = 10_240  # bytes


class Finding(NamedTuple):
    """Well or not, and if not, why, in the kubelet's words."""

    is_good: bool
    message: str = ""


class Target(NamedTuple):
    """Whom to ask."""

    ip: str
    container: Object
    run: Run


WELL = Finding(is_good=True)


async def check(how: Object, target: Target, *, timeout_s: float) -> Finding:
    """Ask the way the manifest says."""
    if "httpGet" in how:
        return await _http_get(how["httpGet"], target, timeout_s)
    if "tcpSocket" in how:
        return await _tcp_socket(how["tcpSocket"], target, timeout_s)
    if "exec" in how:
        return await _exec(how["exec"].get("command", []), target, timeout_s)
    return Finding(False, "the playground cannot ask over gRPC; use httpGet, tcpSocket or exec")


def port_number(port: int | str, container: Object) -> int | None:
    """The number of a port that may be given by its name.

    >>> port_number("http", {"ports": [{"name": "http", "containerPort": 3333}]})
    3333
    """
    if isinstance(port, int) or port.isdecimal():
        return int(port)
    named = {entry.get("name"): entry["containerPort"] for entry in container.get("ports", [])}
    return named.get(port)


def failure(refusal: OSError, address: str) -> str:
    """Why no connection came about, as Go's network library says it."""
    reasons = {
        "ConnectionRefusedError": "connect: connection refused",
        "TimeoutError": "i/o timeout",
    }
    reason = reasons.get(type(refusal).__name__, f"connect: {(refusal.strerror or '').lower()}")
    return f"dial tcp {address}: {reason}"


async def _tcp_socket(action: Object, target: Target, timeout_s: float) -> Finding:
    port = port_number(action["port"], target.container)
    if port is None:
        return _no_such_port(action["port"])
    host = action.get("host") or target.ip
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port)
    except OSError as refusal:  # a TimeoutError is one
        return Finding(False, failure(refusal, f"{host}:{port}"))
    writer.transport.abort()
    return WELL


async def _http_get(action: Object, target: Target, timeout_s: float) -> Finding:
    port = port_number(action["port"], target.container)
    if port is None:
        return _no_such_port(action["port"])
    host, scheme = action.get("host") or target.ip, action.get("scheme", "HTTP").lower()
    path = "/" + action.get("path", "/").removeprefix("/")
    try:
        async with asyncio.timeout(timeout_s):
            status = await _status_of(host, port, _request(action, path, f"{host}:{port}"), scheme)
    except ConnectionRefusedError as refusal:
        reason = failure(refusal, f"{host}:{port}")
    except TimeoutError:
        reason = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    except (OSError, EOFError, ValueError):
        reason = "EOF"
    else:
        if 200 <= status < 400:
            return WELL
        return Finding(False, f"HTTP probe failed with statuscode: {status}")
    return Finding(False, f'Get "{scheme}://{host}:{port}{path}": {reason}')


def _request(action: Object, path: str, address: str) -> bytes:
    headers = {
        "Host": address,
        "User-Agent": "kube-probe/1.36",
        "Accept": "*/*",
        **{header["name"]: header["value"] for header in action.get("httpHeaders", [])},
        "Connection": "close",
    }
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


async def _status_of(host: str, port: int, request: bytes, scheme: str) -> int:
    """The number in the answer's first line; the rest is read, so that nobody sees a reset."""
    reader, writer = await asyncio.open_connection(
        host, port, ssl=_trusting() if scheme == "https" else None, limit=_OUTPUT_LIMIT
    )
    try:
        writer.write(request)
        first_line = await reader.readuntil(b"\n")
        await reader.read(_OUTPUT_LIMIT)
        return int(first_line.split(b" ", 2)[1])
    except (IndexError, asyncio.LimitOverrunError) as exc:
        raise EOFError from exc
    finally:
        writer.transport.abort()


def _trusting() -> ssl.SSLContext:
    """A probe checks that somebody answers, not who."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _exec(command: list[str], target: Target, timeout_s: float) -> Finding:
    try:
        async with asyncio.timeout(timeout_s):
            code, output = await target.run(command)
    except TimeoutError:
        words = " ".join(command)
        return Finding(False, f'command timed out: "{words}" timed out after {timeout_s:g}s')
    return WELL if code == 0 else Finding(False, output[:_OUTPUT_LIMIT])


def _no_such_port(port: int | str) -> Finding:
    return Finding(False, f"couldn't find port: {port} in container")
