"""What does an answer of the ingress's own look like?"""

from __future__ import annotations

from http import HTTPStatus

from canarylab.playground.network.http.verdicts import Answer

DEFAULT_BACKEND = b"default backend - 404"
"""The words of the default backend of ingress-nginx, for what no rule serves."""

_NGINX = {
    408: "Request Time-out",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
    505: "HTTP Version Not Supported",
}
_PAGE = (
    "<html>\r\n<head><title>{status} {phrase}</title></head>\r\n<body>\r\n"
    "<center><h1>{status} {phrase}</h1></center>\r\n<hr><center>canarylab ingress</center>\r\n"
    "</body>\r\n</html>\r\n"
)


def phrase(status: int) -> str:
    """As nginx says it.

    >>> phrase(503)
    'Service Temporarily Unavailable'
    """
    return _NGINX.get(status) or HTTPStatus(status).phrase


def answer_bytes(answer: Answer, *, keep_alive: bool, bodiless: bool) -> bytes:
    """The whole answer; `bodiless` for a HEAD request, which gets the head alone."""
    page = _PAGE.format(status=answer.status, phrase=phrase(answer.status)).encode()
    body = page if answer.body is None else answer.body
    kind = "text/html" if answer.body is None else "text/plain; charset=utf-8"
    lines = [
        f"HTTP/1.1 {answer.status} {phrase(answer.status)}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        *(f"{name}: {value}" for name, value in answer.fields),
    ]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if bodiless else head + body
