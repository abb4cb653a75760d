from __future__ import annotations

from typing import Any

from canarylab import resources
from canarylab.manifests import PRODUCTION, load
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.rollout import restart, wait_until_rolled_out
from canarylab.release.rollout_steps import (
    PodState,
    pod_states,
    steps_between,
    steps_table,
    watch_rollout,
)
from tests.needs import needs

READY = {"conditions": [{"type": "Ready", "status": "True"}]}
OLD, NEW = PodState("1.0", "ready"), PodState("2.0", "not ready")


def pod(**fields: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "a", **fields},
        "spec": {"containers": [{"image": "node_app:1.0"}]},
        "status": READY,
    }


def test_a_pod_that_is_ending_is_not_ready_although_it_still_answers() -> None:
    assert pod_states([pod(deletionTimestamp="now")])["a"].state == "ending"
    assert pod_states([pod()])["a"].state == "ready"


def test_only_pods_that_have_changed_are_steps() -> None:
    steps = steps_between({"a": OLD, "b": OLD}, {"a": OLD, "b": OLD, "c": NEW}, 1.0)
    assert [(each.pod, each.state) for each in steps] == [("c", "not ready")]


def test_the_numbers_of_a_step_are_those_of_all_pods_then() -> None:
    ending = PodState("1.0", "ending")
    (step,) = steps_between({"a": OLD, "b": OLD}, {"a": ending, "b": OLD}, 1.0)
    assert (step.ready, step.not_ready, step.ending) == (1, 0, 1)


def test_a_pod_that_is_gone_is_a_step() -> None:
    (step,) = steps_between({"a": OLD, "b": OLD}, {"b": OLD}, 1.0)
    assert (step.pod, step.state, step.ready) == ("a", "gone", 1)


def test_nothing_is_a_step_where_nothing_changes() -> None:
    assert steps_between({"a": OLD}, {"a": OLD}, 1.0) == []


def test_a_table_without_steps_says_so() -> None:
    assert steps_table("web", []).sentence.startswith("web: at least 0 pods were ready")


@needs("linux")
def test_a_restart_of_one_pod_shows_the_new_one_before_the_old_one_ends(
    connection: Connection,
) -> None:
    (production,) = load(resources.folder("manifests") / "02-production" / "production.yaml")
    production["spec"]["replicas"] = 1
    apply(connection, [production])
    wait_until_rolled_out(connection, PRODUCTION)
    (old,) = pod_states_of(connection)
    restart(connection, PRODUCTION)
    steps = watch_rollout(connection, PRODUCTION).numbers
    assert min(each["ready"] for each in steps) == 1
    (new,) = pod_states_of(connection)
    last = {each["pod"]: each["state"] for each in steps}
    assert last == {old: "gone", new: "ready"}


def pod_states_of(connection: Connection) -> list[str]:
    """The names of production's pods."""
    found = connection.core.list_namespaced_pod(connection.namespace, label_selector="env=prod")
    return [each.metadata.name for each in found.items]
