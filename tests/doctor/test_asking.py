"""Does the doctor wait for anybody?"""

from __future__ import annotations

import threading

import pytest

from canarylab.doctor.asking import Question, ask_all
from canarylab.machine.finding import Finding

FINE = Finding("kind", "fine", "kind is here", "the kind cluster")


def test_findings_come_in_the_order_of_the_questions() -> None:
    first_may_answer = threading.Event()

    def late() -> list[Finding]:
        assert first_may_answer.wait(10)
        return [FINE._replace(what="late")]

    def early() -> list[Finding]:
        first_may_answer.set()
        return [FINE, FINE]

    asked = [Question("late", "", late), Question("early", "", early)]
    assert [found.what for found in ask_all(asked, deadline_s=10)] == ["late", "kind", "kind"]


def test_who_does_not_answer_is_a_finding_and_costs_the_others_nothing() -> None:
    never = threading.Event()

    def hang() -> list[Finding]:
        never.wait()
        return []

    asked = [Question("Docker", "containers", hang), Question("kind", "", lambda: [FINE])]
    try:
        dead, fine = ask_all(asked, deadline_s=0.1)
    finally:
        never.set()
    assert (dead.what, dead.state, dead.words) == ("Docker", "missing", "Docker does not answer")
    assert dead.needed_for == "containers"
    assert fine == FINE


def test_a_mistake_of_ours_is_not_hidden() -> None:
    def wrong() -> list[Finding]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_all([Question("Docker", "", wrong)], deadline_s=10)
