"""Tests of the events and waiting reasons of a missing image."""

from __future__ import annotations

from pathlib import Path

from canarylab.playground.home import Home
from tests.needs import needs
from tests.playground.node.node_fixture import build, node, pod, server
from tests.waiting import until

pytestmark = needs("linux")

LATER = {**server(), "image": "later:1.0"}


async def test_a_missing_image_is_an_error_first_and_then_a_back_off(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(LATER))
        await until(here.state_is("waiting", "ErrImagePull"))
        await until(here.state_is("waiting", "ImagePullBackOff"))
        assert (await here.pod())["status"]["phase"] == "Pending"


async def test_the_events_are_those_of_a_real_kubelet(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(LATER))
        await until(lambda: here.messages("BackOff"))
        assert await here.messages("Pulling") == ['Pulling image "later:1.0"']
        assert await here.messages("BackOff") == ['Back-off pulling image "later:1.0"']
        assert {
            'Failed to pull image "later:1.0": there is no such image on this node; '
            "build it, or correct its name",
            "Error: ErrImagePull",
        } <= set(await here.messages("Failed"))


async def test_the_events_name_the_node(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(LATER))
        await until(lambda: here.messages("Pulling"))
        [first, *_] = await here.api.list("Event")
        assert first["source"] == {"component": "kubelet", "host": "playground"}


async def test_an_image_built_later_starts_the_pod(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(LATER))
        await until(here.state_is("waiting", "ErrImagePull"))
        build(Home(tmp_path), "later:1.0")
        await here.ready()


async def test_an_invalid_image_name_is_never_retried(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "image": "Node_App:1.0"}))
        await until(here.state_is("waiting", "InvalidImageName"))
        await here.delete()
        await until(here.is_gone)
