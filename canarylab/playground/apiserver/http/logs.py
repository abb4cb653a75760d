"""What has a pod written? The lines come from the kubelet, as they are written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from aiohttp import web

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.http.calls import Call
from canarylab.playground.apiserver.http.pods import container_in
from canarylab.playground.apiserver.http.queries import Query, is_true, whole_number
from canarylab.playground.kube.api import LogOptions
from canarylab.playground.kube.objects import parse_timestamp


async def read(call: Call) -> web.StreamResponse:
    """GET .../log."""
    pod = call.found()
    container = container_in(pod, call.query.get("container") or None)
    if not pod["spec"].get("nodeName"):
        raise BadRequestError(f"pod {call.target.name} does not have a host assigned")
    options = log_options(call.query, container, datetime.now(UTC))
    lines = call.kubelet.logs(call.target.key, options)
    return await _streamed(call, lines, at_most=whole_number(call.query, "limitBytes"))


def log_options(query: Query, container: str, now: datetime) -> LogOptions:
    """What the query asks for.

    >>> log_options({"tailLines": "5"}, "nodeapp", datetime.now(UTC)).tail_lines
    5
    """
    tail_lines = whole_number(query, "tailLines")
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
        return whole_number(query, "sinceSeconds")
    try:
        return (now - parse_timestamp(since)).total_seconds()
    except ValueError:
        message = f'sinceTime: Invalid value: "{since}": must be a time such as {now.isoformat()}'
        raise BadRequestError(message) from None


async def _streamed(
    call: Call, lines: AsyncIterator[bytes], *, at_most: int | None
) -> web.StreamResponse:
    # The first line decides whether there is a log at all; a refusal needs a status of its own.
    line = await anext(lines, None)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.enable_chunked_encoding()
    await response.prepare(call.request)
    left = at_most
    try:
        while line is not None and left != 0:
            sent = line if left is None else line[:left]
            left = None if left is None else left - len(sent)
            await response.write(sent)
            line = await anext(lines, None)
    except ConnectionResetError:
        return response  # the client has left
    await response.write_eof()
    return response
