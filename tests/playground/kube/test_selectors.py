from __future__ import annotations

from typing import Any

import pytest

from canarylab.errors import BadRequestError
from canarylab.playground.kube.selectors import (
    by_field_query,
    by_label_query,
    by_label_selector,
    by_map,
    label_query,
)


def labelled(**labels: str) -> dict[str, Any]:
    return {"metadata": {"name": "pod", "labels": labels}, "status": {"phase": "Running"}}


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ("app=nodeapp", True),
        ("app==nodeapp", True),
        ("app!=nodeapp", False),
        ("tier!=front", True),
        ("env in (prod, canary)", True),
        ("env notin (prod)", False),
        ("tier notin (front)", True),
        ("env", True),
        ("!env", False),
        ("!tier", True),
        ("app=nodeapp,env in (canary,test)", False),
        ("", True),
    ],
)
def test_a_label_query_chooses_as_kubectl_get_l_does(query: str, chosen: bool) -> None:
    assert by_label_query(query)(labelled(app="nodeapp", env="prod")) is chosen


def test_a_query_that_is_none_is_refused_in_the_servers_words() -> None:
    with pytest.raises(BadRequestError, match=r"found 'b', expected: in, notin, =, ==, !=, gt, lt"):
        by_label_query("a b c")


@pytest.mark.parametrize(
    ("operator", "values", "chosen"),
    [
        ("In", ["prod"], True),
        ("NotIn", ["prod"], False),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
    ],
)
def test_expressions_choose_by_operator(operator: str, values: list[str], chosen: bool) -> None:
    selector = {"matchExpressions": [{"key": "env", "operator": operator, "values": values}]}
    assert by_label_selector(selector)(labelled(env="prod")) is chosen


def test_a_service_without_a_selector_selects_nobody() -> None:
    assert not by_map(None)(labelled(app="nodeapp"))
    assert not by_map({})(labelled(app="nodeapp"))


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ("status.phase=Running", True),
        ("status.phase!=Running", False),
        ("metadata.name=pod,status.phase=Running", True),
        ("spec.nodeName=", True),
    ],
)
def test_a_field_query_compares_any_field(query: str, chosen: bool) -> None:
    assert by_field_query(query)(labelled()) is chosen


def test_a_selector_in_one_line_is_what_a_scale_shows() -> None:
    selector = {
        "matchLabels": {"env": "prod", "app": "nodeapp"},
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}],
    }
    assert label_query(selector) == "app=nodeapp,env=prod,tier in (a,b)"


@pytest.mark.parametrize("text", ["," * 8_000, "app=x,,,", " , app in (x,y),,!env"])
def test_empty_terms_mean_nothing(text: str) -> None:
    assert by_label_query(text)(labelled(app="x"))


def test_a_bracket_that_is_not_closed_is_an_error() -> None:
    with pytest.raises(BadRequestError, match="unable to parse requirement"):
        by_label_query("app in (x,y")
