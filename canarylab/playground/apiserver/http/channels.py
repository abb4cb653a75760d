"""How do five streams share one WebSocket?

Each message begins with the number of its stream. The fifth version of this protocol can also say
that one stream has ended, which is how `kubectl exec -i` ends the input of `cat`.
"""

from __future__ import annotations

from enum import IntEnum

from canarylab.errors import ApiError
from canarylab.playground.apiserver.encoding import encoded

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")


class StreamChannel(IntEnum):
    """The number a message begins with."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4
    CLOSE = 255


def closes_stdin(frame: bytes) -> bool:
    """Does this message say that there is no more input?"""
    return frame == bytes([StreamChannel.CLOSE, StreamChannel.STDIN])


def exit_status(status: int) -> bytes:
    """How a command ended; negative numbers are signals, as Python has them.

    >>> outcome(0)
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
    """Why the command could not even begin."""
    return encoded(
        {
            "metadata": {},
            "status": "Failure",
            "message": f"Internal error occurred: error executing command in container: {error}",
            "reason": "InternalError",
            "code": 500,
        }
    )
