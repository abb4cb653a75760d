"""Differences are found step by step, and shown beside what real Kubernetes said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import compare
from tests.conformance.session import Answer, Case

PODS = Answer("kubectl get pods", 0, ["NAME  READY"], [])


def test_the_same_answers_do_not_differ() -> None:
    assert compare.differences([PODS], [PODS]) == []


@pytest.mark.parametrize("change", [{"exit": 1}, {"out": ["NAME"]}, {"err": ["Warning"]}])
def test_any_part_of_an_answer_counts(change: dict[str, Any]) -> None:
    (found,) = compare.differences([PODS], [PODS._replace(**change)])

    assert found.title == "kubectl get pods"


def test_a_difference_shows_both_sides() -> None:
    (found,) = compare.differences([PODS], [PODS._replace(out=["NAME  STATUS"])])

    assert {"-- NAME  READY", "+- NAME  STATUS"} <= set(found.diff)


def test_a_case_that_changed_asks_to_be_recorded_again() -> None:
    with pytest.raises(ValueError, match="Record it again"):
        compare.differences([PODS], [PODS, PODS])


def test_what_is_recorded_reads_back(tmp_path: Path) -> None:
    compare.record("case", [PODS], tmp_path)

    assert compare.recorded("case", tmp_path) == [PODS]


@pytest.mark.parametrize("path", sorted(compare.CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_step_that_counts_has_a_recorded_answer(path: Path) -> None:
    counting = [step.run for step in Case.read(path).steps if "skip" not in step.mode]

    assert [answer.run for answer in compare.recorded(path.stem)] == counting


def test_recorded_answers_name_no_address() -> None:
    addresses = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
    said = {path.stem: str([a[2:] for a in compare.recorded(path.stem)]) for path in _golden()}

    assert {
        name: addresses.findall(text) for name, text in said.items() if addresses.search(text)
    } == {}


def _golden() -> list[Path]:
    return sorted(compare.GOLDEN.glob("*.json"))
