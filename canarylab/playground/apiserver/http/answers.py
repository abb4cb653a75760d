"""In what shape does a client get its objects?

As they are; or, when kubectl prints them for people, as a Table that the server fills in.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from aiohttp import web

from canarylab.errors import ApiError
from canarylab.playground.apiserver.encoding import encoded
from canarylab.playground.apiserver.http import statuses
from canarylab.playground.apiserver.http.calls import RequestContext
from canarylab.playground.apiserver.tables import table_of
from canarylab.playground.kube.api import Object

JSON = "application/json"


def json_response(obj: Object, *, code: int = 200, warnings: Iterable[str] = ()) -> web.Response:
    """One JSON document.

    Warnings are what kubectl prints behind the word "Warning".
    """
    response = web.Response(body=encoded(obj), status=code, content_type=JSON)
    for warning in warnings:
        response.headers.add("Warning", warning_header(warning))
    return response


def error_response(error: ApiError) -> web.Response:
    """The Status of an error."""
    return json_response(statuses.failure_status(error), code=error.code)


def object_response(context: RequestContext, obj: Object) -> web.Response:
    """One object, as the client wants to see it."""
    if wants_table(context.request.headers.get("Accept", "")):
        return json_response(_table(context, [obj], obj["metadata"].get("resourceVersion", "")))
    return json_response(obj)


def list_response(context: RequestContext, objects: list[Object]) -> web.Response:
    """A list of objects, as the client wants to see it."""
    version = str(context.api.store.version)
    if wants_table(context.request.headers.get("Accept", "")):
        return json_response(_table(context, objects, version))
    return json_response(
        {
            "kind": f"{context.kind.kind}List",
            "apiVersion": context.kind.api_version,
            "metadata": {"resourceVersion": version},
            "items": [_list_item(obj) for obj in objects],
        }
    )


def _table(context: RequestContext, objects: list[Object], version: str) -> Object:
    """What kubectl prints."""
    full = context.query.get("includeObject") == "Object"
    rows = table_of(context.kind.kind, objects, datetime.now(UTC), full_objects=full)
    return {**rows, "metadata": {"resourceVersion": version}}


def wants_table(accept: str) -> bool:
    """Does the client like a Table best?

    >>> wants_table("application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
    True
    """
    best = accept.partition(",")[0].replace(" ", "")
    return best.startswith(JSON) and "as=Table" in best.split(";")


def warning_header(text: str) -> str:
    r"""The value of a Warning header.

    >>> print(warning_header('unknown field "spec.replica"'))
    299 - "unknown field \"spec.replica\""
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{escaped}"'


def _list_item(obj: Object) -> Object:
    # In a list the kind is said once, at the top; Go leaves it out of the items.
    return {name: value for name, value in obj.items() if name not in {"kind", "apiVersion"}}
