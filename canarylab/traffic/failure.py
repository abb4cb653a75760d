"""Why did a request bring no answer?"""

from __future__ import annotations

import errno
import socket
import ssl

from httptools import HttpParserError, HttpParserUpgrade

REFUSED, UNREACHABLE, NO_CONNECTION = "refused", "unreachable", "no connection"
UNKNOWN_HOST, UNTRUSTED = "unknown host", "untrusted"
RESET, CUT_OFF, TIMEOUT, GARBAGE = "reset", "cut off", "timeout", "garbage"
NO_PORT_LEFT = "no port left"

UNSERVED = {
    REFUSED: "the connection was refused",
    UNREACHABLE: "there is no way to that address",
    NO_CONNECTION: "no connection came about in time",
    UNKNOWN_HOST: "no such host is known",
    UNTRUSTED: "its certificate is not one this machine trusts, or it does not speak TLS",
}
"""The kinds that mean nobody serves there, in words."""

_BY_NUMBER = {
    errno.ECONNREFUSED: REFUSED,
    errno.ENETUNREACH: UNREACHABLE,
    errno.EHOSTUNREACH: UNREACHABLE,
    errno.ETIMEDOUT: NO_CONNECTION,
    errno.EADDRNOTAVAIL: NO_PORT_LEFT,
    errno.ECONNRESET: RESET,
    errno.EPIPE: RESET,
}


class NoConnectionError(OSError):
    """The time was over before a connection came about."""


class CutOffError(ConnectionError):
    """The connection ended before the response did."""


class StaleError(ConnectionError):
    """A kept connection turned out to be closed; nothing of the request was answered."""


_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (NoConnectionError, NO_CONNECTION),
    (CutOffError, CUT_OFF),
    (TimeoutError, TIMEOUT),
    (HttpParserError, GARBAGE),
    (HttpParserUpgrade, GARBAGE),
    (socket.gaierror, UNKNOWN_HOST),
    (ssl.SSLError, UNTRUSTED),
    (ConnectionRefusedError, REFUSED),
    (ConnectionError, RESET),
)
EXPECTED = (OSError, HttpParserError, HttpParserUpgrade)
"""What a request may raise; anything else is a mistake of ours."""


def kind(exc: BaseException) -> str:
    """One or two words for a failure, as counted in a sample.

    >>> kind(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")), kind(TimeoutError())
    ('refused', 'timeout')
    """
    number = (exc.errno or 0) if isinstance(exc, OSError) else 0
    if number in _BY_NUMBER:
        return _BY_NUMBER[number]
    words = (word for type_, word in _BY_TYPE if isinstance(exc, type_))
    return next(words, errno.errorcode.get(number, type(exc).__name__))
