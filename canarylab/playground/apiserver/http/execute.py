"""How does a command run inside a pod, for someone far away?

Over a WebSocket, whose messages begin with the number of a stream. The kubelet starts the
command; here its pipes and the streams are tied together. What goes over the wire is in
`channels.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process

from aiohttp import WSMsgType, web

from canarylab.errors import ApiError, BadRequestError
from canarylab.playground.apiserver.http import channels
from canarylab.playground.apiserver.http.calls import RequestContext
from canarylab.playground.apiserver.http.channels import StreamChannel
from canarylab.playground.apiserver.http.pods import choose_container
from canarylab.playground.apiserver.http.queries import is_true

_CHUNK_BYTES = 32 * 1024  # bytes


async def execute(context: RequestContext) -> web.StreamResponse:
    """GET .../exec."""
    command = _command(context)
    container = choose_container(context.current(), context.query.get("container") or None)
    socket = web.WebSocketResponse(protocols=channels.PROTOCOLS)
    if not socket.can_prepare(context.request):
        raise BadRequestError(
            "Upgrade request required: this cluster runs commands over WebSockets only. "
            "Use kubectl 1.30 or later."
        )
    await socket.prepare(context.request)
    try:
        process = await context.kubelet.execute(context.path.key, command, container=container)
    except ApiError as error:
        await _send_status(socket, channels.start_error(error))
        return socket
    await _send_status(socket, channels.exit_status(await _run_attached(socket, process, context)))
    return socket


def _command(context: RequestContext) -> list[str]:
    command = context.request.query.getall("command", [])
    if not command:
        raise BadRequestError("you must specify at least one command for the container")
    if is_true(context.query, "tty"):
        raise BadRequestError(
            "This cluster cannot give a command a terminal (-t) yet. "
            "Leave out -t, and keep -i if the command reads its input."
        )
    return command


async def _run_attached(
    socket: web.WebSocketResponse, process: Process, context: RequestContext
) -> int:
    """The exit status, once the command has ended and all it wrote has been sent."""
    try:
        async with asyncio.TaskGroup() as tasks:
            typing = tasks.create_task(_copy_stdin(socket, process))
            if not is_true(context.query, "stdin") and process.stdin:
                process.stdin.close()
            async with asyncio.TaskGroup() as reading:
                reading.create_task(_copy_output(socket, process.stdout, StreamChannel.STDOUT))
                reading.create_task(_copy_output(socket, process.stderr, StreamChannel.STDERR))
            status = await process.wait()
            typing.cancel()
        return status
    finally:
        _kill(process)  # if the client has left in the middle
        await process.wait()


async def _copy_stdin(socket: web.WebSocketResponse, process: Process) -> None:
    """Hand on what the client types, until it stops or leaves."""
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            frame = message.data.encode()  # the Python client sends str as text
        elif message.type is WSMsgType.BINARY:
            frame = message.data
        else:
            break
        await _write_stdin(frame, process)
    if socket.closed:
        _kill(process)


def _kill(process: Process) -> None:
    """Not `process.kill()`: it may reap a dead process before asyncio does, and lose its status."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def _write_stdin(frame: bytes, process: Process) -> None:
    stdin = process.stdin
    if stdin is None or stdin.is_closing():
        return
    if channels.closes_stdin(frame):
        stdin.close()
    elif frame[:1] == bytes([StreamChannel.STDIN]):
        stdin.write(frame[1:])
        try:
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return  # the command does not read any more


async def _copy_output(
    socket: web.WebSocketResponse, pipe: asyncio.StreamReader | None, channel: StreamChannel
) -> None:
    while pipe is not None and (chunk := await pipe.read(_CHUNK_BYTES)):
        try:
            await socket.send_bytes(bytes([channel]) + chunk)
        except ConnectionResetError:
            return  # the client has left


async def _send_status(socket: web.WebSocketResponse, status: bytes) -> None:
    if not socket.closed:
        await socket.send_bytes(bytes([StreamChannel.ERROR]) + status)
        await socket.close()
