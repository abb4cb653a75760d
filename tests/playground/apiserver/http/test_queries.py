"""What the query of a request asks for."""

from __future__ import annotations

import pytest

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.http import queries
from canarylab.playground.kube.kinds import KINDS

WEB = {
    "metadata": {"name": "web", "namespace": "lab", "labels": {"app": "nodeapp"}},
    "status": {"phase": "Running"},
}


def chosen(query: dict[str, str], namespace: str | None = None) -> bool:
    return queries.object_selector(query, KINDS["Pod"], namespace)(WEB)


def test_nothing_said_chooses_everything() -> None:
    assert chosen({})


def test_a_namespace_leaves_out_the_others() -> None:
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


def test_an_unknown_field_is_refused_in_kubernetes_words() -> None:
    with pytest.raises(BadRequestError, match=r"^field label not supported: status\.colour$"):
        chosen({"fieldSelector": "status.colour=red"})


def test_most_kinds_can_be_selected_by_name_only() -> None:
    query = {"fieldSelector": "spec.replicas=3"}
    with pytest.raises(BadRequestError, match="is not a known field selector"):
        queries.object_selector(query, KINDS["Deployment"], None)


def test_fields_are_checked_with_a_warning_by_default() -> None:
    assert queries.field_validation({}) == "Warn"


@pytest.mark.parametrize(
    ("name", "value"), [("dryRun", "Some"), ("fieldValidation", "Hard"), ("limit", "many")]
)
def test_what_cannot_be_understood_is_refused(name: str, value: str) -> None:
    query = {name: value}
    with pytest.raises(BadRequestError, match=value):
        queries.is_dry_run(query)
        queries.field_validation(query)
        queries.integer_parameter(query, "limit")
