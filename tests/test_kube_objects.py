"""Readers of Kubernetes objects."""

from __future__ import annotations

from datetime import timedelta

from canarylab.kube_objects import (
    StatusCondition,
    endpoint_addresses,
    find_condition_in,
    parse_timestamp,
    refresh_condition,
    remove_condition,
    set_condition,
)
from tests.playground.controllers.builders import THEN

NOW = parse_timestamp(THEN)


def test_setting_the_same_status_and_reason_changes_nothing() -> None:
    once = set_condition([], StatusCondition("Available", "True", "Because", "one"), NOW)
    later = set_condition(
        once, StatusCondition("Available", "True", "Because", "two"), NOW + timedelta(hours=1)
    )
    assert later == once


def test_another_reason_is_no_transition() -> None:
    once = set_condition([], StatusCondition("Available", "True", "Because", ""), NOW)
    [entry] = set_condition(
        once, StatusCondition("Available", "True", "Why", ""), NOW + timedelta(hours=1)
    )
    assert (entry["reason"], entry["lastTransitionTime"]) == ("Why", THEN)


def test_another_status_is_a_transition() -> None:
    once = set_condition([], StatusCondition("Available", "True", "Because", ""), NOW)
    [entry] = set_condition(
        once, StatusCondition("Available", "False", "Why", ""), NOW + timedelta(hours=1)
    )
    assert entry["lastTransitionTime"] != THEN


def test_a_refreshed_condition_moves_to_the_end() -> None:
    conditions = set_condition([], StatusCondition("Progressing", "True", "Because", ""), NOW)
    conditions = set_condition(conditions, StatusCondition("Available", "True", "Because", ""), NOW)
    later = NOW + timedelta(hours=1)
    conditions = refresh_condition(
        conditions, StatusCondition("Progressing", "True", "Because", ""), later
    )
    assert [entry["type"] for entry in conditions] == ["Available", "Progressing"]
    assert conditions[-1]["lastTransitionTime"] == THEN


def test_a_removed_condition_is_no_longer_found() -> None:
    conditions = set_condition([], StatusCondition("Available", "True", "Because", ""), NOW)
    assert find_condition_in(remove_condition(conditions, "Available"), "Available") is None


def test_an_endpoint_slice_may_have_ports_without_a_number() -> None:
    entry = {"endpoints": [{"addresses": ["127.64.0.2"]}], "ports": [{"name": "http"}]}
    assert endpoint_addresses([entry], {"name": "http"}).ready == frozenset()
