from __future__ import annotations

from datetime import timedelta

from canarylab.playground.controllers.conditions import (
    Condition,
    find_condition,
    say,
    say_again,
    without,
)
from canarylab.playground.kube.objects import parse_timestamp
from tests.playground.controllers.world import THEN

NOW = parse_timestamp(THEN)


def test_what_is_already_said_is_not_said_again() -> None:
    once = say([], Condition("Available", "True", "Because", "one"), NOW)
    later = say(once, Condition("Available", "True", "Because", "two"), NOW + timedelta(hours=1))
    assert later == once


def test_another_reason_is_not_another_status() -> None:
    once = say([], Condition("Available", "True", "Because", ""), NOW)
    [entry] = say(once, Condition("Available", "True", "Why", ""), NOW + timedelta(hours=1))
    assert entry["lastTransitionTime"] == THEN != entry["lastUpdateTime"]


def test_another_status_is_a_transition() -> None:
    once = say([], Condition("Available", "True", "Because", ""), NOW)
    [entry] = say(once, Condition("Available", "False", "Why", ""), NOW + timedelta(hours=1))
    assert entry["lastTransitionTime"] == entry["lastUpdateTime"] != THEN


def test_the_same_can_be_said_again_and_then_is_the_latest() -> None:
    said = say([], Condition("Progressing", "True", "Because", ""), NOW)
    said = say(said, Condition("Available", "True", "Because", ""), NOW)
    later = NOW + timedelta(hours=1)
    said = say_again(said, Condition("Progressing", "True", "Because", ""), later)
    assert [entry["type"] for entry in said] == ["Available", "Progressing"]
    assert said[-1]["lastTransitionTime"] == THEN != said[-1]["lastUpdateTime"]


def test_what_is_taken_back_is_no_longer_found() -> None:
    said = say([], Condition("Available", "True", "Because", ""), NOW)
    assert find_condition(without(said, "Available"), "Available") is None
