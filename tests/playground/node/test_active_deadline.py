"""Tests of `activeDeadlineSeconds` of a pod."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from canarylab.kube_objects import Key, Object, find_condition, is_ready, utc_now
from tests.needs import needs
from tests.playground.node.node_fixture import SPACE, Node, node, pod, shell
from tests.waiting import until

pytestmark = needs("linux")

WORDS = "Pod was active on the node longer than the specified deadline"
UP = "trap 'exit 0' TERM; echo up; sleep 600 & wait"


class Clock:
    """A clock that can be set forward."""

    def __init__(self) -> None:
        self.ahead_s = 0

    def __call__(self) -> datetime:
        return utc_now() + timedelta(seconds=self.ahead_s)


async def change(here: Node, **spec: object) -> None:
    """Write to the pod, so that the kubelet looks at it."""
    found = await here.api.get("Pod", Key(SPACE, "web-1"))
    metadata = {**found["metadata"], "resourceVersion": None, "labels": {"seen": "now"}}
    await here.api.update({**found, "metadata": metadata, "spec": {**found["spec"], **spec}})


async def failed(here: Node) -> Object:
    """The status of the pod, once it has failed."""
    await until(here.phase_is("Failed"))
    status: Object = (await here.pod())["status"]
    assert (status["reason"], status["message"]) == ("DeadlineExceeded", WORDS)
    return status


async def test_a_pod_that_is_active_too_long_fails_although_its_container_ends_well(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with node(tmp_path, now=clock) as here:
        await here.api.put(pod(shell(UP), activeDeadlineSeconds=600))
        await here.wrote("up")
        clock.ahead_s = 601
        await change(here)
        status = await failed(here)
        assert (await here.state())["state"]["terminated"]["exitCode"] == 0
        ready = find_condition(await here.pod(), "Ready")
        assert ready is not None
        assert (ready["status"], ready["reason"]) == ("False", "PodFailed")
        assert status["containerStatuses"][0]["restartCount"] == 0
        await until(lambda: here.messages("Killing"))
        assert await here.messages("DeadlineExceeded") == [WORDS]
        assert await here.messages("Killing") == ["Stopping container web"]
        await until(lambda: not here.processes())


async def test_the_deadline_comes_without_a_change_of_the_pod(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(UP), activeDeadlineSeconds=1))
        await failed(here)


@pytest.mark.parametrize(
    "fields", [{"image": "no-such-image:9.9"}, {"env": [{"name": "A", "valueFrom": {
        "configMapKeyRef": {"name": "none", "key": "none"}}}]}]
)  # fmt: skip
async def test_a_container_that_waits_does_not_outlive_the_deadline(
    tmp_path: Path, fields: Object
) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod({**shell(UP), **fields}, activeDeadlineSeconds=1))
        await failed(here)
        end = (await here.state())["state"]["terminated"]
        assert (end["exitCode"], end["reason"]) == (137, "ContainerStatusUnknown")


@pytest.mark.usefixtures("own_root")
async def test_a_pod_that_waits_for_a_volume_has_its_deadline(tmp_path: Path) -> None:
    volume = {"name": "settings", "configMap": {"name": "none"}}
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(UP), volumes=[volume], activeDeadlineSeconds=1))
        await failed(here)


async def test_a_deadline_may_be_given_while_the_pod_runs(tmp_path: Path) -> None:
    clock = Clock()
    async with node(tmp_path, now=clock) as here:
        await here.api.put(pod(shell(UP)))
        await here.wrote("up")
        clock.ahead_s = 61
        await change(here, activeDeadlineSeconds=60)
        await failed(here)


async def test_a_pod_that_ended_in_time_keeps_its_phase(tmp_path: Path) -> None:
    clock = Clock()
    async with node(tmp_path, now=clock) as here:
        await here.api.put(pod(shell("true"), restartPolicy="Never", activeDeadlineSeconds=60))
        await until(here.phase_is("Succeeded"))
        clock.ahead_s = 61
        await change(here)
        await here.api.put(pod(shell("echo later"), name="web-2", restartPolicy="Never"))
        await here.wrote("later", "web-2")
        assert (await here.pod())["status"]["phase"] == "Succeeded"
        assert await here.messages("DeadlineExceeded") == []


async def test_the_deadline_counts_from_the_first_start(tmp_path: Path) -> None:
    async with node(tmp_path) as first:
        await first.api.put(pod(shell(UP), activeDeadlineSeconds=600))
        await first.wrote("up")
    clock = Clock()
    clock.ahead_s = 601
    async with node(tmp_path, first.api, addresses=first.addresses, now=clock) as second:
        await failed(second)


async def test_the_containers_have_their_grace_period_and_a_deletion_shortens_it(
    tmp_path: Path,
) -> None:
    clock = Clock()
    hook = {"preStop": {"sleep": {"seconds": 600}}}
    async with node(tmp_path, now=clock) as here:
        container = shell(UP, lifecycle=hook)
        await here.api.put(
            pod(container, activeDeadlineSeconds=60, terminationGracePeriodSeconds=900)
        )
        await here.wrote("up")
        await here.ready()
        clock.ahead_s = 61
        await change(here)
        await until(lambda: here.messages("Killing"))

        async def not_ready_and_running() -> bool:
            found = await here.pod()
            return found["status"]["phase"] == "Running" and not is_ready(found)

        await until(not_ready_and_running)
        await here.delete(grace_s=1)
        await until(here.is_gone)
        await until(lambda: not here.processes())
