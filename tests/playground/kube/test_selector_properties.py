"""Selectors agree with a naive model."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from canarylab.playground.kube.selectors import by_label_query, by_label_selector, label_query
from tests.properties import with_examples

keys = st.sampled_from(["app", "env", "in", "notin", "a.b/c", "x-y"])
values = st.sampled_from(["", "prod", "canary", "1.0", "in", "a_b"])
labels = st.dictionaries(keys, values)
spaces = st.sampled_from(["", " ", "  "])
OPERATORS = {
    "In": lambda value, wanted: value is not None and value in wanted,
    "NotIn": lambda value, wanted: value is None or value not in wanted,
    "Exists": lambda value, wanted: value is not None,
    "DoesNotExist": lambda value, wanted: value is None,
}


class Term(NamedTuple):
    """One requirement."""

    key: str
    operator: str
    values: list[str]

    def holds(self, labels: dict[str, str]) -> bool:
        return OPERATORS[self.operator](labels.get(self.key), self.values)


@st.composite
def terms(draw: st.DrawFn) -> Term:
    operator = draw(st.sampled_from(sorted(OPERATORS)))
    wanted = draw(st.lists(values, min_size=1, max_size=3)) if "In" in operator else []
    return Term(draw(keys), operator, wanted)


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, list[Term]]:
    """As a person types them, with the terms that they stand for."""
    drawn = draw(st.lists(terms(), min_size=1, max_size=4))
    return ",".join(draw(spaces) + draw(written(term)) + draw(spaces) for term in drawn), drawn


@st.composite
def written(draw: st.DrawFn, term: Term) -> str:
    gap = draw(spaces)
    match term.operator:
        case "Exists":
            return term.key
        case "DoesNotExist":
            return f"!{gap}{term.key}"
    is_in = term.operator == "In"
    if len(term.values) == 1 and draw(st.booleans()):
        sign = draw(st.sampled_from(["=", "=="])) if is_in else "!="
        return f"{term.key}{gap}{sign}{gap}{term.values[0]}"
    inside = ",".join(f"{draw(spaces)}{value}{draw(spaces)}" for value in term.values)
    return f"{term.key} {gap}{'in' if is_in else 'notin'} {gap}({inside})"


@with_examples(80)
@given(queries(), labels)
def test_a_label_query_agrees_with_a_model(
    query: tuple[str, list[Term]], labels: dict[str, str]
) -> None:
    text, wanted = query
    expected = all(term.holds(labels) for term in wanted)
    assert by_label_query(text)({"metadata": {"labels": labels}}) is expected


@with_examples(80)
@given(st.lists(terms(), max_size=4), labels, labels)
def test_a_selector_agrees_with_a_model_and_with_its_query(
    wanted: list[Term], equal: dict[str, str], labels: dict[str, str]
) -> None:
    entries = [
        {"key": term.key, "operator": term.operator, "values": term.values} for term in wanted
    ]
    selector = {"matchLabels": equal, "matchExpressions": entries}
    obj = {"metadata": {"labels": labels}}
    expected = equal.items() <= labels.items() and all(term.holds(labels) for term in wanted)
    assert by_label_selector(selector)(obj) is expected
    assert by_label_query(label_query(selector))(obj) is expected
