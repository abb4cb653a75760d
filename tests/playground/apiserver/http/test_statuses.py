"""How a refusal is said to a client."""

from __future__ import annotations

import pytest

from canarylab.errors import (
    AlreadyExistsError,
    ApiError,
    BadRequestError,
    Cause,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidError,
    NotFoundError,
)
from canarylab.playground.apiserver.http import statuses


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (NotFoundError("pods", "", "web"), 404, "NotFound"),
        (AlreadyExistsError("pods", "", "web"), 409, "AlreadyExists"),
        (ConflictError("pods", "", "web"), 409, "Conflict"),
        (InvalidError("Pod", "", "web", []), 422, "Invalid"),
        (BadRequestError("no"), 400, "BadRequest"),
        (ForbiddenError("pods", "", "web", "no"), 403, "Forbidden"),
        (GoneError("too old"), 410, "Expired"),
        (statuses.unauthorized(), 401, "Unauthorized"),
        (statuses.path_not_found(), 404, "NotFound"),
        (statuses.method_not_allowed(), 405, "MethodNotAllowed"),
        (statuses.unsupported_media_type("a"), 415, "UnsupportedMediaType"),
        (statuses.body_too_large(3), 413, "RequestEntityTooLarge"),
        (statuses.internal_error(KeyError("x")), 500, "InternalError"),
    ],
)
def test_each_error_has_its_code_and_reason(error: ApiError, code: int, reason: str) -> None:
    said = statuses.failure_status(error)
    assert (said["code"], said["reason"], said["message"]) == (code, reason, str(error))


def test_an_error_without_a_reason_says_none() -> None:
    assert "reason" not in statuses.failure_status(ApiError("resourceVersion should not be set"))


def test_what_is_missing_is_named_by_its_resource() -> None:
    details = statuses.failure_status(NotFoundError("deployments", "apps", "web"))["details"]
    assert details == {"name": "web", "group": "apps", "kind": "deployments"}


def test_what_is_invalid_is_named_by_its_kind_and_says_why() -> None:
    cause = Cause("FieldValueRequired", "spec.selector", "Required value")
    details = statuses.failure_status(InvalidError("Deployment", "apps", "web", [cause]))["details"]
    assert details["kind"] == "Deployment"
    assert details["causes"] == [
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.selector"}
    ]


def test_the_core_group_has_no_name() -> None:
    assert "group" not in statuses.failure_status(NotFoundError("pods", "", "web"))["details"]
