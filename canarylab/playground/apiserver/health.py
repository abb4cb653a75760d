"""The health of the API server: /livez, /readyz and /healthz, and each of their checks below them.

`?verbose` lists the checks, and `?exclude=NAME` leaves one out. The list withholds why a check
failed, as it is read without a token; the check itself, below the path, says it to who has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiohttp import web

from canarylab.errors import StatusError
from canarylab.playground.apiserver.store import Store

PATHS = frozenset({"/healthz", "/livez", "/readyz"})
_HEADERS = {"X-Content-Type-Options": "nosniff"}
Check = Callable[[], None]
"""Raises StatusError if something is wrong."""


def health_response(request: web.Request, store: Store) -> web.Response | None:
    """The response of a path of health, or None if the path is not one of them."""
    name, _, check = request.path.strip("/").partition("/")
    if request.method != "GET" or f"/{name}" not in PATHS:
        return None
    checks: dict[str, Check] = {"ping": lambda: None}
    if name != "livez":  # to start it again makes no room on a disk
        checks["database"] = store.check_writable
    if not check:
        return _all_checks(name, request, checks)
    return _one_check(checks[check]) if check in checks else None


def _all_checks(name: str, request: web.Request, checks: Mapping[str, Check]) -> web.Response:
    excluded = dict.fromkeys(request.query.getall("exclude", ()))
    results = {
        each: "excluded: ok" if each in excluded else _result(check)
        for each, check in checks.items()
    }
    lines = [
        f"[{'-' if result.startswith('failed') else '+'}]{each} {result}\n"
        for each, result in results.items()
    ]
    if unknown := sorted(excluded.keys() - checks):
        named = ",".join(f'"{each}"' for each in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {named}\n")
    if any(line.startswith("[-]") for line in lines):
        return _text("".join([*lines, f"{name} check failed\n"]), status=500)
    if "verbose" not in request.query:
        return _text("ok")
    return _text("".join([*lines, f"{name} check passed\n"]))


def _result(check: Check) -> str:
    try:
        check()
    except StatusError:
        return "failed: reason withheld"
    return "ok"


def _one_check(check: Check) -> web.Response:
    try:
        check()
    except StatusError as error:
        return _text(f"internal server error: {error}\n", status=500)
    return _text("ok")


def _text(text: str, *, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, headers=_HEADERS)
