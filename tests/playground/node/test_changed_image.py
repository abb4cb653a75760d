"""Tests of a running pod whose container gets another image (`kubectl set image pod/web-1`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from canarylab.kube_objects import Key, Object
from canarylab.playground.images import save
from canarylab.playground.node.container import RestartBackoff
from tests.needs import needs
from tests.playground.node.node_fixture import SPACE, Node, build, node, pod, shell
from tests.waiting import until

pytestmark = needs("linux")

WORKS = "trap 'exit 0' TERM; echo up $WORD; sleep 600 & wait"
CHANGED = "Container web definition changed, will be restarted"


@asynccontextmanager
async def two_images(root: Path, **settings: Any) -> AsyncIterator[Node]:
    """A node that has the images plain:1.0 and plain:2.0."""
    async with node(root, **settings) as here:
        image = build(here.home, "plain:2.0", env={"WORD": "second"})
        save(here.home.images, replace(image, id="sha256:def"))
        yield here


async def set_image(here: Node, image: str) -> None:
    """Do what `kubectl set image` does."""
    found = await here.api.get("Pod", Key(SPACE, "web-1"))
    metadata = {**found["metadata"], "resourceVersion": None}
    containers = [{**found["spec"]["containers"][0], "image": image}]
    spec = {**found["spec"], "containers": containers}
    await here.api.update({**found, "metadata": metadata, "spec": spec})


@pytest.mark.parametrize("policy", ["Always", "OnFailure", "Never"])
async def test_a_container_with_another_image_is_restarted_with_it(
    tmp_path: Path, policy: str
) -> None:
    phases: list[str] = []

    async def follow(here: Node) -> None:
        async for event in here.api.watch("Pod"):
            phases.append(event.object.get("status", {}).get("phase"))

    async with two_images(tmp_path) as here:
        following = asyncio.create_task(follow(here))
        await here.api.put(pod(shell(WORKS), restartPolicy=policy))
        await here.wrote("up")
        await set_image(here, "plain:2.0")
        await until(here.has_restarted(1))
        await here.wrote("second")
        following.cancel()
        state = await here.state()
        assert state["restartCount"] == 1
        assert state["state"].keys() == {"running"}
        assert state["lastState"]["terminated"]["exitCode"] == 0
        assert (state["image"], state["imageID"]) == ("plain:2.0", "sha256:def")
        assert await here.messages("Killing") == [CHANGED]
        assert {"Succeeded", "Failed"}.isdisjoint(phases)


async def test_the_status_says_that_the_change_has_been_seen(tmp_path: Path) -> None:
    async with two_images(tmp_path) as here:
        await here.api.put(pod(shell(WORKS)))
        await here.wrote("up")
        await set_image(here, "plain:2.0")

        async def is_observed() -> bool:
            found = await here.pod()
            return bool(found["status"]["observedGeneration"] == found["metadata"]["generation"])

        await until(is_observed)


@pytest.mark.usefixtures("machine_paths")
async def test_the_old_container_has_its_pre_stop_and_its_grace_period(tmp_path: Path) -> None:
    note = tmp_path / "note"
    hook = {"preStop": {"exec": {"command": ["sh", "-c", f"echo hook $WORD >> {note}"]}}}
    script = f"trap 'echo signal $WORD >> {note}; exit 0' TERM; echo up; sleep 600 & wait"
    async with two_images(tmp_path) as here:
        await here.api.put(pod(shell(script, lifecycle=hook)))
        await here.wrote("up")
        await set_image(here, "plain:2.0")
        await until(here.has_restarted(1))
        assert note.read_text().split() == ["hook", "signal"]


async def test_a_container_that_ignores_the_signal_is_killed_before_the_next_is_started(
    tmp_path: Path,
) -> None:
    script = "trap '' TERM; echo up; while true; do sleep 0.05; done"
    async with two_images(tmp_path) as here:
        await here.api.put(pod(shell(script), terminationGracePeriodSeconds=1))
        await here.wrote("up")
        await set_image(here, "plain:2.0")
        await until(here.has_restarted(1))
        assert (await here.state())["lastState"]["terminated"]["exitCode"] == 137


@pytest.mark.parametrize("policy", ["Always", "Never"])
@pytest.mark.parametrize(
    ("image", "reason"), [("no such/image", "InvalidImageName"), ("plain:9.9", "ErrImagePull")]
)
async def test_a_container_that_waits_for_an_image_takes_the_corrected_one(
    tmp_path: Path, policy: str, image: str, reason: str
) -> None:
    async with two_images(tmp_path) as here:
        await here.api.put(pod({**shell(WORKS), "image": image}, restartPolicy=policy))
        await until(here.state_is("waiting", reason))
        assert (await here.pod())["status"]["phase"] == "Pending"
        await set_image(here, "plain:2.0")
        await until(here.state_is("running"))
        state = await here.state()
        assert (state["restartCount"], state["image"]) == (0, "plain:2.0")
        assert await here.messages("Killing") == []


async def test_a_crashing_container_starts_with_another_image_at_once_and_its_delays_begin_anew(
    tmp_path: Path,
) -> None:
    script = "test $WORD || exit 1; echo $WORD; exec sleep 600"
    async with two_images(tmp_path, backoff=RestartBackoff(first_s=600, last_s=600)) as here:
        await here.api.put(pod(shell(script), terminationGracePeriodSeconds=1))
        await until(here.state_is("waiting", "CrashLoopBackOff"))
        await set_image(here, "plain:2.0")
        await here.wrote("second")
        await set_image(here, "plain:1.0")
        await until(here.has_restarted(4))
        await until(here.state_is("waiting", "CrashLoopBackOff"))


async def test_an_image_that_is_missing_ends_the_old_container_and_is_waited_for(
    tmp_path: Path,
) -> None:
    async with two_images(tmp_path) as here:
        await here.api.put(pod(shell(WORKS)))
        await here.wrote("up")
        await set_image(here, "plain:9.9")
        await until(here.state_is("waiting", "ErrImagePull"))
        state = await here.state()
        assert (state["image"], state["restartCount"]) == ("plain:1.0", 0)
        assert state["lastState"].keys() == {"terminated"}
        build(here.home, "plain:9.9")
        await until(here.has_restarted(1))


@pytest.mark.parametrize("image", ["no such/image", "plain:9.9"])
@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [("Never", 0, "Succeeded"), ("Never", 3, "Failed"), ("OnFailure", 0, "Succeeded")],
)
async def test_an_image_that_is_missing_ends_a_container_for_good_that_is_not_restarted(
    tmp_path: Path, policy: str, code: int, phase: str, image: str
) -> None:
    async with two_images(tmp_path) as here:
        script = f"trap 'exit {code}' TERM; echo up; sleep 600 & wait"
        await here.api.put(pod(shell(script), restartPolicy=policy))
        await here.wrote("up")
        await set_image(here, image)
        await until(here.phase_is(phase))
        state = await here.state()
        assert (state["image"], state["state"]["terminated"]["exitCode"]) == ("plain:1.0", code)
        assert await here.messages("BackOff") == []


async def test_a_container_that_has_ended_for_good_stays_so(tmp_path: Path) -> None:
    async with two_images(tmp_path) as here:
        await here.api.put(pod(shell("echo $WORD"), restartPolicy="Never"))
        await until(here.phase_is("Succeeded"))
        await set_image(here, "plain:2.0")
        await here.api.put(pod(shell("echo later"), name="web-2", restartPolicy="Never"))
        await here.wrote("later", "web-2")
        assert (await here.pod())["status"]["phase"] == "Succeeded"
        assert (await here.state())["image"] == "plain:1.0"


async def test_a_pod_is_deleted_while_its_container_is_changed(tmp_path: Path) -> None:
    hook: Object = {"preStop": {"sleep": {"seconds": 600}}}
    async with two_images(tmp_path) as here:
        await here.api.put(pod(shell(WORKS, lifecycle=hook), terminationGracePeriodSeconds=900))
        await here.wrote("up")
        await set_image(here, "plain:2.0")
        await until(lambda: here.messages("Killing"))
        await here.delete(grace_s=1)
        await until(here.is_gone)
        await until(lambda: not here.processes())
