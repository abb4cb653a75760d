from __future__ import annotations

from typing import Any

import pytest

from canarylab import resources
from canarylab.errors import ApiRefusedError, ClusterError
from canarylab.manifests import PRODUCTION, load
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.rollout import (
    pods_of_template,
    rollout_status,
    scale,
    status_with_pods,
    wait_until_rolled_out,
    waiting_reasons,
)
from tests.needs import needs

READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def deployment(**status: int) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "generation": 2},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 2, **status},
    }


def pods(number: int, **metadata: str) -> list[dict[str, Any]]:
    return [{"metadata": dict(metadata), "status": READY} for _ in range(number)]


DONE = deployment(updatedReplicas=3, replicas=3, availableReplicas=3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"observedGeneration": 1}, "web: the cluster has not seen the change yet"),
        ({}, "web: 0 of 3 pods are up to date"),
        ({"updatedReplicas": 3, "replicas": 4}, "web: 1 old pods are still there"),
        ({"updatedReplicas": 3, "replicas": 3, "availableReplicas": 2}, "web: 2 of 3 pods"),
    ],
)
def test_a_rollout_says_what_it_waits_for(fields: dict[str, int], message: str) -> None:
    status = rollout_status(deployment(**fields))
    assert not status.done
    assert status.message.startswith(message)


def test_a_rollout_is_done_when_all_are_new_and_ready() -> None:
    assert rollout_status(DONE) == (True, "web: 3 of 3 pods are ready")


def test_pods_that_are_terminating_are_waited_for() -> None:
    there = [*pods(3), *pods(1, deletionTimestamp="now")]
    assert status_with_pods(rollout_status(DONE), DONE, there) == (
        False,
        "web: 3 of 3 pods are ready, 1 are terminating",
    )


def test_a_status_that_lags_behind_its_pods_is_not_done() -> None:
    assert status_with_pods(rollout_status(DONE), DONE, pods(2)) == (
        False,
        "web: 2 of 3 pods are ready",
    )


def test_a_rollout_with_as_many_ready_pods_is_done() -> None:
    assert status_with_pods(rollout_status(DONE), DONE, pods(3)).done


@pytest.mark.parametrize("group", ["initContainerStatuses", "containerStatuses"])
def test_why_pods_wait_is_read_from_their_containers(group: str) -> None:
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    pod = {"metadata": {}, "status": {group: [{"state": waiting}]}}
    assert waiting_reasons([pod, *pods(2)]) == {"ErrImagePull": "no such image"}


def test_only_pods_that_stay_and_have_the_wanted_image_can_be_in_trouble() -> None:
    def pod(image: str, **metadata: str) -> dict[str, Any]:
        return {"metadata": dict(metadata), "spec": {"containers": [{"image": image}]}}

    wanted = {"spec": {"template": pod("app:1.0")}}
    mine = pod("app:1.0")
    others = [pod("app:9.9"), pod("app:1.0", deletionTimestamp="now")]
    assert pods_of_template(wanted, [mine, *others]) == [mine]


@needs("linux")
def test_an_image_that_was_never_built_ends_the_waiting_with_what_to_do(
    connection: Connection,
) -> None:
    (wanted,) = load(resources.folder("manifests") / "02-production" / "production.yaml")
    wanted["spec"]["replicas"] = 1
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = "node_app:9.9"
    apply(connection, [wanted])
    with pytest.raises(ClusterError, match=r"ErrImagePull.*`canarylab build`"):
        wait_until_rolled_out(connection, PRODUCTION)


@needs("linux")
def test_a_number_is_not_the_name_of_a_deployment(connection: Connection) -> None:
    with pytest.raises(ValueError, match="2 is not the name of a Deployment"):
        scale(connection, 2, 2)  # type: ignore[arg-type]


def test_a_misspelt_deployment_is_refused_with_the_one_that_is_meant(
    connection: Connection,
) -> None:
    with pytest.raises(ApiRefusedError, match=r"Did you mean nodeapp-canary\?"):
        scale(connection, "canary", 3)


def test_scaling_what_is_not_there_is_refused(connection: Connection) -> None:
    with pytest.raises(ApiRefusedError, match=r'deployments\.apps "nobody" not found'):
        scale(connection, "nobody", 2)


@pytest.mark.parametrize("replicas", [-1, "two", 1.5, True])
def test_a_number_of_pods_is_a_whole_number_from_0_on(
    connection: Connection, replicas: Any
) -> None:
    with pytest.raises(ValueError, match="is not a number of pods"):
        scale(connection, PRODUCTION, replicas)


@needs("linux")
def test_an_update_that_exceeds_its_progress_deadline_ends_the_waiting(
    connection: Connection,
) -> None:
    (wanted,) = load(resources.folder("manifests") / "02-production" / "production.yaml")
    wanted["spec"] |= {"replicas": 1, "progressDeadlineSeconds": 2}
    wanted["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "READY_AFTER_S", "value": "3600"}
    ]
    apply(connection, [wanted])
    with pytest.raises(ClusterError, match="has exceeded its progress deadline"):
        wait_until_rolled_out(connection, PRODUCTION)
