"""How is an outcome said to a client?

As a Status, which kubectl takes apart: `reason` chooses its words, `details.kind` is the plural
resource, except for 422, where it is the Kind.
"""

from __future__ import annotations

from typing import Any

from canarylab.errors import (
    AlreadyExistsError,
    ApiError,
    Cause,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RequestError,
)
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import Kind
from canarylab.playground.kube.objects import uid_of


def failure_status(error: ApiError) -> Object:
    """The Status of a refusal.

    >>> failure(NotFoundError("deployments", "apps", "web"))["details"]
    {'name': 'web', 'group': 'apps', 'kind': 'deployments'}
    """
    status: Object = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": str(error),
    }
    if error.reason:
        status["reason"] = error.reason
    if (details := _error_details(error)) is not None:
        status["details"] = details
    return {**status, "code": error.code}


def deleted_status(obj: Object, kind: Kind) -> Object:
    """The Status of a deletion that is complete."""
    details = {
        **_object_details(obj["metadata"]["name"], kind.group, kind.plural),
        "uid": uid_of(obj),
    }
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


def path_not_found() -> RequestError:
    """For a path that leads nowhere."""
    return RequestError(404, "NotFound", "the server could not find the requested resource")


def method_not_allowed() -> RequestError:
    """For a verb that this path does not know."""
    message = "the server does not allow this method on the requested resource"
    return RequestError(405, "MethodNotAllowed", message)


def unsupported_media_type(*accepted: str) -> RequestError:
    """For a body in a format nobody here reads."""
    return RequestError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted),
    )


def body_too_large(limit: int) -> RequestError:
    """For a body longer than `limit` bytes."""
    message = f"Request entity is too large: limit is {limit}"
    return RequestError(413, "RequestEntityTooLarge", message)


def unauthorized() -> RequestError:
    """For whoever brings no token, or another one."""
    return RequestError(401, "Unauthorized", "Unauthorized")


def internal_error(error: Exception) -> RequestError:
    """For what should not have happened."""
    return RequestError(500, "InternalError", f"Internal error occurred: {error}")


def _error_details(error: ApiError) -> Object | None:
    match error:
        case InvalidError():
            named = _object_details(error.name, error.group, error.kind)
            return {**named, "causes": list(map(_cause, error.causes))}
        case ForbiddenError(causes=[_, *_]):
            named = _object_details(error.name, error.group, error.resource)
            return {**named, "causes": list(map(_cause, error.causes))}
        case NotFoundError() | AlreadyExistsError() | ConflictError() | ForbiddenError():
            return _object_details(error.name, error.group, error.resource)
        case RequestError(code=404 | 405 | 415):
            return {}
        case _:
            return None


def _object_details(name: str, group: str, kind: str) -> Object:
    fields: dict[str, Any] = {"name": name, "group": group, "kind": kind}
    return {field: value for field, value in fields.items() if value}


def _cause(cause: Cause) -> Object:
    return {"reason": cause.reason, "message": cause.message, "field": cause.field}
