"""Paths, queries and Statuses."""

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
from canarylab.playground.apiserver import requests
from canarylab.playground.apiserver.requests import parse_path
from canarylab.playground.kube.kinds import KINDS

WEB = {
    "metadata": {"name": "web", "namespace": "lab", "labels": {"app": "nodeapp"}},
    "status": {"phase": "Running"},
}


def chosen(query: dict[str, str], namespace: str | None = None) -> bool:
    return requests.object_selector(query, KINDS["Pod"], namespace)(WEB)


def test_an_empty_query_selects_everything() -> None:
    assert chosen({})


def test_a_namespace_excludes_the_others() -> None:
    assert not chosen({}, namespace="other")


@pytest.mark.parametrize(
    ("labels", "fields", "matches"),
    [
        ("app=nodeapp", "status.phase=Running", True),
        ("app=nodeapp", "status.phase!=Running", False),
        ("app!=nodeapp", "status.phase=Running", False),
        ("app=nodeapp", "metadata.name=web,metadata.namespace=lab", True),
    ],
)
def test_both_selectors_have_to_match(labels: str, fields: str, *, matches: bool) -> None:
    assert chosen({"labelSelector": labels, "fieldSelector": fields}) is matches


def test_an_unknown_field_selector_is_refused() -> None:
    with pytest.raises(BadRequestError, match=r"^field label not supported: status\.colour$"):
        chosen({"fieldSelector": "status.colour=red"})


def test_most_kinds_can_be_selected_by_name_only() -> None:
    query = {"fieldSelector": "spec.replicas=3"}
    with pytest.raises(BadRequestError, match="is not a known field selector"):
        requests.object_selector(query, KINDS["Deployment"], None)


def test_field_validation_is_warn_by_default() -> None:
    assert requests.field_validation({}) == "Warn"


@pytest.mark.parametrize(
    ("name", "value"), [("dryRun", "Some"), ("fieldValidation", "Hard"), ("limit", "many")]
)
def test_invalid_query_parameters_are_refused(name: str, value: str) -> None:
    query = {name: value}
    with pytest.raises(BadRequestError, match=value):
        requests.is_dry_run(query)
        requests.field_validation(query)
        requests.integer_parameter(query, "limit")


@pytest.mark.parametrize(
    ("path", "kind", "namespace", "name", "subresource"),
    [
        ("/api/v1/pods", "Pod", None, None, None),
        ("/api/v1/namespaces/lab/pods", "Pod", "lab", None, None),
        ("/api/v1/namespaces/lab/pods/web", "Pod", "lab", "web", None),
        ("/api/v1/namespaces/lab/pods/web/log", "Pod", "lab", "web", "log"),
        ("/api/v1/namespaces/lab/services/web:80/proxy/a/b", "Service", "lab", "web:80", "proxy"),
        ("/api/v1/namespaces", "Namespace", None, None, None),
        ("/api/v1/namespaces/lab", "Namespace", None, "lab", None),
        ("/api/v1/namespaces/lab/status", "Namespace", None, "lab", "status"),
        ("/api/v1/namespaces/lab/finalize", "Namespace", None, "lab", "finalize"),
        ("/api/v1/nodes/playground", "Node", None, "playground", None),
        ("/apis/apps/v1/deployments", "Deployment", None, None, None),
        ("/apis/apps/v1/namespaces/lab/deployments/a/scale", "Deployment", "lab", "a", "scale"),
    ],
)
def test_valid_paths_are_parsed(
    path: str, kind: str, namespace: str | None, name: str | None, subresource: str | None
) -> None:
    found = parse_path(path)
    assert found is not None
    assert (found.kind.kind, *found[1:]) == (kind, namespace, name, subresource)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1",
        "/api/v2/pods",
        "/apis/apps/v2/deployments",
        "/apis/apps/v1/pods",
        "/api/v1/pods/web",
        "/api/v1/namespaces/lab/nodes",
        "/api/v1/namespaces/lab/pods/web/log/more",
        "/api/v1/namespaces//pods",
        "/nonsense",
    ],
)
def test_other_paths_are_not_parsed(path: str) -> None:
    assert parse_path(path) is None


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
        (requests.unauthorized(), 401, "Unauthorized"),
        (requests.path_not_found(), 404, "NotFound"),
        (requests.method_not_allowed(), 405, "MethodNotAllowed"),
        (requests.unsupported_media_type("a"), 415, "UnsupportedMediaType"),
        (requests.body_too_large(3), 413, "RequestEntityTooLarge"),
        (requests.internal_error(KeyError("x")), 500, "InternalError"),
    ],
)
def test_each_error_has_its_code_and_reason(error: ApiError, code: int, reason: str) -> None:
    status = requests.failure_status(error)
    assert (status["code"], status["reason"], status["message"]) == (code, reason, str(error))


def test_an_error_without_a_reason_has_none() -> None:
    assert "reason" not in requests.failure_status(ApiError("resourceVersion should not be set"))


def test_not_found_has_the_plural_resource() -> None:
    details = requests.failure_status(NotFoundError("deployments", "apps", "web"))["details"]
    assert details == {"name": "web", "group": "apps", "kind": "deployments"}


def test_invalid_has_the_kind_and_causes() -> None:
    cause = Cause("FieldValueRequired", "spec.selector", "Required value")
    details = requests.failure_status(InvalidError("Deployment", "apps", "web", [cause]))["details"]
    assert details["kind"] == "Deployment"
    assert details["causes"] == [
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.selector"}
    ]


def test_the_core_group_has_no_name() -> None:
    assert "group" not in requests.failure_status(NotFoundError("pods", "", "web"))["details"]


@pytest.mark.parametrize(
    ("text", "why"),
    [("abc", "invalid syntax"), ("²", "invalid syntax"), ("9" * 5_000, "value out")],
)
def test_a_number_in_a_query_is_read_as_go_reads_it(text: str, why: str) -> None:
    with pytest.raises(BadRequestError, match=f'^strconv.ParseInt: parsing "{text}": {why}'):
        requests.integer_parameter({"limit": text}, "limit")


def test_warnings_are_given_once_and_not_without_end() -> None:
    names = [f"field {number} {'x' * 400}" for number in range(10_000)]
    shown = requests.shown_warnings(names + names)
    assert shown == [name[: requests.MAX_WARNING_LENGTH] for name in names[:16]]


@pytest.mark.parametrize("text", ["a\nb", "a\r\nX-Pod: b", "a\0b", "a\x7fb", "a\u2028b"])
def test_a_warning_that_no_header_can_hold_is_left_out(text: str) -> None:
    assert requests.shown_warnings([text, "b"]) == ["b"]
