"""The candidates of lesson 09: what is drawn, and that the canary's pods have it."""

from __future__ import annotations

import re
from contextlib import closing
from random import Random
from typing import Any, get_args

import pytest

from canarylab import resources
from canarylab.manifests import CANARY, load
from canarylab.release.candidates import (
    CONFIG_MAP,
    FAULTS_DIGEST,
    Candidate,
    deploy_candidate,
    draw_faults,
    objects_of,
)
from canarylab.release.connection import Connection
from canarylab.release.faults import set_faults
from canarylab.release.rollout import scale, wait_until_rolled_out
from canarylab.release.stages import reset_to
from tests.running_playground import RunningPlayground

CANDIDATES = get_args(Candidate)
MANIFESTS = resources.folder("manifests")


def drawn(candidate: Any, variable: str) -> set[float]:
    return {float(draw_faults(candidate, Random(seed))[variable]) for seed in range(100)}


def test_the_same_seed_draws_the_same() -> None:
    for candidate in CANDIDATES:
        assert draw_faults(candidate, Random(7)) == draw_faults(candidate, Random(7))


def test_a_fails_at_least_six_times_as_often_as_production() -> None:
    (production,) = load(MANIFESTS / "09-judge" / "production.yaml")
    (rate,) = production["spec"]["template"]["spec"]["containers"][0]["env"]

    assert rate == {"name": "ERROR_RATE", "value": "0.01"}
    assert drawn("A", "ERROR_RATE") == {0.06, 0.07, 0.08, 0.09}


def test_b_is_slow_for_one_in_fifty() -> None:
    assert drawn("B", "LATENCY_SHARE") == {0.02}
    assert len(drawn("B", "LATENCY_MS")) > 1


def test_b_is_slower_than_twice_the_slow_answers_of_production_on_a_busy_machine() -> None:
    jitter = max(drawn("B", "LATENCY_JITTER_MS"))
    assert min(drawn("B", "LATENCY_MS")) - jitter > 2 * 700


def test_d_fails_at_most_twice_as_often_as_production() -> None:
    assert drawn("D", "ERROR_RATE") == {0.01, 0.015, 0.02}


def test_there_are_no_others() -> None:
    unknown: Any = "E"
    with pytest.raises(ValueError, match=re.escape("no candidate 'E'. Choose one of: A, B, C, D")):
        draw_faults(unknown, Random(1))


def test_other_faults_start_other_pods() -> None:
    (canary,) = load(MANIFESTS / "09-judge" / "canary.yaml")
    digests = {
        objects_of({"ERROR_RATE": rate}, canary)[1]["spec"]["template"]["metadata"]["annotations"][
            FAULTS_DIGEST
        ]
        for rate in ("0", "0.06", "0.06")
    }

    assert len(digests) == 2


def test_the_pods_have_what_is_in_the_config_map(playground: RunningPlayground) -> None:
    with closing(Connection(playground.kubeconfig)) as connection:
        reset_to(connection, "09-production", MANIFESTS)

        deploy_candidate(connection, "A", MANIFESTS, Random(1))
        first = faults_in_pod(connection)
        scale(connection, CANARY, 0)
        wait_until_rolled_out(connection, CANARY)
        deploy_candidate(connection, "B", MANIFESTS, Random(1))
        second = faults_in_pod(connection)

        assert first == draw_faults("A", Random(1))["ERROR_RATE"]
        assert second == "0"
        found = connection.core.read_namespaced_config_map(CONFIG_MAP, connection.namespace)
        assert found.data == draw_faults("B", Random(1))
        reset_to(connection, "empty", MANIFESTS)


def faults_in_pod(connection: Connection) -> str:
    """The error rate of the canary's only pod."""
    (row,) = set_faults(connection, CANARY, {}).rows
    return str(row[1])
