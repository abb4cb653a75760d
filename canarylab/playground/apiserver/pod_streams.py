"""exec, attach and logs: streams between a client and the kubelet.

exec and attach are a WebSocket whose messages begin with the number of a stream. Version 5 of the
protocol can also close one stream, which is how `kubectl exec -i` ends the input of `cat`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, datetime
from enum import IntEnum

from aiohttp import WSMsgType, web

from canarylab.errors import ApiError, BadRequestError
from canarylab.kube_objects import parse_timestamp
from canarylab.playground.apiserver.decode import encoded
from canarylab.playground.apiserver.requests import (
    Query,
    RequestContext,
    integer_parameter,
    is_true,
)
from canarylab.playground.kube.api import (
    ContainerStreams,
    LogOptions,
    OutputReader,
    choose_container,
)

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")

_CHUNK_BYTES = 32 * 1024  # bytes
_Start = Callable[[str, Collection[str]], Awaitable[ContainerStreams]]


async def execute(context: RequestContext) -> web.StreamResponse:
    """GET or POST .../exec."""
    command = context.request.query.getall("command", [])
    if not command:
        raise BadRequestError("you must specify at least one command for the container")
    terminal = is_true(context.query, "tty")

    async def start(container: str, asked: Collection[str]) -> ContainerStreams:
        streams = await context.kubelet.execute(
            context.path.key, command, container=container, terminal=terminal
        )
        if "stdin" not in asked:
            streams.close_input()
        return streams

    return await _carry_streams(context, start)


async def attach(context: RequestContext) -> web.StreamResponse:
    """GET or POST .../attach."""

    async def start(container: str, asked: Collection[str]) -> ContainerStreams:
        return context.kubelet.attach(context.path.key, container=container, stdin="stdin" in asked)

    return await _carry_streams(context, start)


async def _carry_streams(context: RequestContext, start: _Start) -> web.StreamResponse:
    """Carry the streams that the client asks for over a WebSocket, and the status at the end."""
    pod = context.current()
    container = choose_container(pod, context.query.get("container") or None)
    if not pod["spec"].get("nodeName"):
        raise BadRequestError(f"pod {context.path.name} does not have a host assigned")
    asked = {name for name in ("stdin", "stdout", "stderr") if is_true(context.query, name)}
    if not asked:
        raise BadRequestError("you must specify at least 1 of stdin, stdout, stderr")
    socket = web.WebSocketResponse(protocols=PROTOCOLS)
    if not socket.can_prepare(context.request):
        raise BadRequestError(
            "Upgrade request required: this cluster runs commands over WebSockets only. "
            "Use kubectl 1.30 or later."
        )
    await socket.prepare(context.request)
    try:
        streams = await start(container, asked)
    except ApiError as error:
        await _send_status(socket, start_error(error))
        return socket
    await _send_status(socket, exit_status(await _copy_streams(socket, streams, asked)))
    return socket


async def _copy_streams(
    socket: web.WebSocketResponse, streams: ContainerStreams, asked: Collection[str]
) -> int:
    """The exit status, after the outputs have ended and have been sent."""
    try:
        async with asyncio.TaskGroup() as tasks:
            copying = tasks.create_task(_copy_input(socket, streams))
            async with asyncio.TaskGroup() as reading:
                for name, pipe in (("stdout", streams.stdout), ("stderr", streams.stderr)):
                    channel = StreamChannel[name.upper()] if name in asked else None
                    reading.create_task(_copy_output(socket, pipe, channel))
            status = await streams.wait()
            copying.cancel()
        return status
    finally:
        streams.close()  # if the client has disconnected
        await streams.wait()


async def _copy_input(socket: web.WebSocketResponse, streams: ContainerStreams) -> None:
    """Take the client's messages, until it disconnects; then the streams end."""
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            frame = message.data.encode()  # the Python client sends str as text
        elif message.type is WSMsgType.BINARY:
            frame = message.data
        else:
            break
        if closes_stdin(frame):
            streams.close_input()
        elif frame[:1] == bytes([StreamChannel.STDIN]):
            await streams.write(frame[1:])
        elif frame[:1] == bytes([StreamChannel.RESIZE]) and (size := terminal_size(frame[1:])):
            streams.resize(*size)
    if socket.closed:
        streams.close()


async def _copy_output(
    socket: web.WebSocketResponse, pipe: OutputReader | None, channel: StreamChannel | None
) -> None:
    """Send an output to the client; read one that the client does not want, and drop it."""
    while pipe is not None and (chunk := await pipe.read(_CHUNK_BYTES)):
        if channel is None:
            continue
        try:
            await socket.send_bytes(bytes([channel]) + chunk)
        except ConnectionResetError:
            return  # the client has disconnected


async def _send_status(socket: web.WebSocketResponse, status: bytes) -> None:
    if not socket.closed:
        with contextlib.suppress(ConnectionResetError):
            await socket.send_bytes(bytes([StreamChannel.ERROR]) + status)
        await socket.close()


class StreamChannel(IntEnum):
    """The number of a stream, with which a message begins."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4
    CLOSE = 255


def closes_stdin(frame: bytes) -> bool:
    """Whether the message closes the input."""
    return frame == bytes([StreamChannel.CLOSE, StreamChannel.STDIN])


def terminal_size(message: bytes) -> tuple[int, int] | None:
    """The columns and rows in a message about the size of a terminal; None if it has none.

    >>> terminal_size(b'{"Width":80,"Height":24}')
    (80, 24)
    """
    try:
        size = json.loads(message)
        width, height = int(size["Width"]), int(size["Height"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return (width, height) if 0 < width < 65_536 and 0 < height < 65_536 else None


def exit_status(status: int) -> bytes:
    """The Status of a command that has ended; negative numbers are signals, as in Python.

    >>> exit_status(0)
    b'{"metadata":{},"status":"Success"}'
    """
    if status == 0:
        return encoded({"metadata": {}, "status": "Success"})
    code = status if status > 0 else 128 - status
    return encoded(
        {
            "metadata": {},
            "status": "Failure",
            "message": f"command terminated with non-zero exit code: exit status {code}",
            "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
        }
    )


def start_error(error: ApiError) -> bytes:
    """The Status of a command that could not be started."""
    return encoded(
        {
            "metadata": {},
            "status": "Failure",
            "message": f"Internal error occurred: error executing command in container: {error}",
            "reason": "InternalError",
            "code": 500,
        }
    )


async def read_log(context: RequestContext) -> web.StreamResponse:
    """GET .../log."""
    pod = context.current()
    container = choose_container(pod, context.query.get("container") or None)
    if not pod["spec"].get("nodeName"):
        raise BadRequestError(f"pod {context.path.name} does not have a host assigned")
    options = log_options(context.query, container, datetime.now(UTC))
    lines = context.kubelet.logs(context.path.key, options)
    return await _stream_log(context, lines, at_most=integer_parameter(context.query, "limitBytes"))


def log_options(query: Query, container: str, now: datetime) -> LogOptions:
    """The options in the query.

    >>> log_options({"tailLines": "5"}, "nodeapp", datetime.now(UTC)).tail_lines
    5
    """
    tail_lines = integer_parameter(query, "tailLines")
    if tail_lines is not None and tail_lines < 0:
        raise BadRequestError(
            f"tailLines: Invalid value: {tail_lines}: must be greater than or equal to 0"
        )
    return LogOptions(
        container=container,
        follow=is_true(query, "follow"),
        previous=is_true(query, "previous"),
        tail_lines=tail_lines,
        since_s=_since_s(query, now),
        timestamps=is_true(query, "timestamps"),
    )


def _since_s(query: Query, now: datetime) -> float | None:
    since = query.get("sinceTime")
    if not since:
        return integer_parameter(query, "sinceSeconds")
    try:
        return (now - parse_timestamp(since)).total_seconds()
    except ValueError:
        message = f'sinceTime: Invalid value: "{since}": must be a time such as {now.isoformat()}'
        raise BadRequestError(message) from None


async def _stream_log(
    context: RequestContext, lines: AsyncIterator[bytes], *, at_most: int | None
) -> web.StreamResponse:
    # Get the first line before the headers are sent: an error needs a status code of its own.
    line = await anext(lines, None)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.enable_chunked_encoding()
    await response.prepare(context.request)
    left = at_most
    try:
        while line is not None and left != 0:
            sent = line if left is None else line[:left]
            left = None if left is None else left - len(sent)
            await response.write(sent)
            line = await anext(lines, None)
    except ConnectionResetError:
        return response  # the client has disconnected
    await response.write_eof()
    return response
