"""May this request be answered at all?

Whoever has the token may do everything; nobody else may do anything, since the API starts
processes. The name in the Host header, and the page a browser comes from, have to be this very
server: otherwise a page from elsewhere could reach it under a name of its own.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from canarylab.errors import RequestError
from canarylab.playground.apiserver.http.statuses import unauthorized

PUBLIC_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/version"})
_HOST_NAMES = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class TokenAuthenticator:
    """The token, and the port that belongs into a Host header."""

    token: str
    port: int

    def check(self, path: str, headers: Mapping[str, str]) -> None:
        """Raise RequestError, code 401 or 403, for whoever may not come in."""
        hosts = {f"{name}:{self.port}" for name in _HOST_NAMES}
        host, origin = headers.get("Host", ""), headers.get("Origin")
        if host not in hosts:
            raise _forbidden(f'host "{host}" is not a name of this server')
        if origin is not None and origin not in {f"https://{name}" for name in hosts}:
            raise _forbidden(f'requests from "{origin}" are not allowed')
        if path not in PUBLIC_PATHS and not self._is_ours(headers.get("Authorization", "")):
            raise unauthorized()

    def _is_ours(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            token.strip().encode(), self.token.encode()
        )


def _forbidden(why: str) -> RequestError:
    return RequestError(403, "Forbidden", f"forbidden: {why}")
