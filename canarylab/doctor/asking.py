"""Ask everything at once, and wait for nobody longer than a moment.

An engine that hangs, or a program that never says its version, costs the doctor its patience once
and becomes a finding of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Thread
from typing import NamedTuple

from canarylab.machine.finding import Finding
from canarylab.runtime import in_background


class Question(NamedTuple):
    """Something to find out."""

    what: str
    needed_for: str
    ask: Callable[[], Sequence[Finding]]


class _Asked(NamedTuple):
    question: Question
    thread: Thread
    answers: list[Sequence[Finding]]
    """One, as soon as it is there."""
    failures: list[BaseException]


def ask_all(questions: Sequence[Question], *, deadline_s: float) -> list[Finding]:
    """All findings, in the order of the questions."""
    end = time.monotonic() + deadline_s
    asked = [_begin(question) for question in questions]
    for each in asked:
        each.thread.join(max(0.0, end - time.monotonic()))
    return [finding for each in asked for finding in _findings(each)]


def _begin(question: Question) -> _Asked:
    answers: list[Sequence[Finding]] = []
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            answers.append(question.ask())
        except Exception as exc:  # noqa: BLE001  the one who waits raises it again
            failures.append(exc)

    return _Asked(question, in_background(ask, name=f"doctor: {question.what}"), answers, failures)


def _findings(asked: _Asked) -> Sequence[Finding]:
    if asked.failures:
        raise asked.failures[0]
    if asked.answers:
        return asked.answers[0]
    what, needed_for, _ = asked.question
    words = f"{what} does not answer"
    remedy = "Look why it hangs, and ask again."
    return [Finding(what, "missing", words, needed_for, remedy)]
