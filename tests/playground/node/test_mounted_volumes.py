"""Volumes of running pods, with real processes in roots of their own."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from canarylab.kube_objects import Key, Object
from canarylab.playground.kube.retries import RetryDelays
from canarylab.playground.node import pod as pods
from tests.needs import needs
from tests.playground.node.node_fixture import SPACE, Node, node, pod, shell
from tests.waiting import until

pytestmark = [needs("linux"), pytest.mark.usefixtures("own_root")]

CONFIG = {"name": "config", "configMap": {"name": "settings"}}
SHOWN_FOR_EVER = "while true; do cat /etc/app/colour; echo; sleep 0.1; done"


def config_map(**data: str) -> Object:
    meta = {"name": "settings", "namespace": SPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


async def change(here: Node, kind: str, name: str, **fields: Any) -> None:
    found = await here.api.get(kind, Key(SPACE, name))
    await here.api.update({**found, **fields})


def mounting(script: str, *mounts: Object) -> Object:
    return shell(script, volumeMounts=list(mounts))


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Volumes are brought up to date often, and tried again soon."""
    monkeypatch.setattr(pods, "VOLUME_SYNC_S", 0.05)
    monkeypatch.setattr(pods, "MOUNT_RETRIES", RetryDelays(0.05, 0.05))


async def test_a_container_finds_the_files_and_cannot_write_them(tmp_path: Path) -> None:
    script = "cat /etc/app/colour; echo x > /etc/app/colour || echo; echo no; sleep 600"
    container = mounting(script, {"name": "config", "mountPath": "/etc/app"})
    async with node(tmp_path) as here:
        await here.api.put(config_map(colour="blue"))
        await here.api.put(pod(container, volumes=[CONFIG]))
        await here.wrote("no")
        await here.wrote("blue")
        await here.wrote("Read-only file system")


async def test_containers_of_a_pod_share_an_empty_folder(tmp_path: Path) -> None:
    scratch = {"name": "scratch", "mountPath": "/var/scratch"}
    writer = mounting("echo written > /var/scratch/a; sleep 600", scratch)
    script = "until cat /var/scratch/a; do sleep 0.1; done; sleep 600"
    reader = {**mounting(script, scratch), "name": "reader"}
    async with node(tmp_path) as here:
        await here.api.put(pod(writer, reader, volumes=[{"name": "scratch", "emptyDir": {}}]))
        await here.wrote("written", container="reader")


async def test_a_container_finds_what_an_init_container_made(tmp_path: Path) -> None:
    scratch = {"name": "scratch", "mountPath": "/var/scratch"}
    first = {**mounting("echo made > /var/scratch/a", scratch), "name": "first"}
    web = mounting("cat /var/scratch/a; sleep 600", scratch)
    volumes = [{"name": "scratch", "emptyDir": {}}]
    async with node(tmp_path) as here:
        await here.api.put(pod(web, initContainers=[first], volumes=volumes))
        await here.wrote("made", container="web")


async def test_an_empty_folder_outlives_a_container(tmp_path: Path) -> None:
    script = "cat /var/scratch/a && sleep 600; echo kept > /var/scratch/a; exit 1"
    container = mounting(script, {"name": "scratch", "mountPath": "/var/scratch"})
    async with node(tmp_path) as here:
        await here.api.put(pod(container, volumes=[{"name": "scratch", "emptyDir": {}}]))
        await here.wrote("kept")


async def test_a_change_of_a_config_map_reaches_a_running_container(
    soon: None, tmp_path: Path
) -> None:
    container = mounting(SHOWN_FOR_EVER, {"name": "config", "mountPath": "/etc/app"})
    async with node(tmp_path) as here:
        await here.api.put(config_map(colour="blue"))
        await here.api.put(pod(container, volumes=[CONFIG]))
        await here.wrote("blue")
        await change(here, "ConfigMap", "settings", data={"colour": "red"})
        await here.wrote("red")


async def test_a_change_does_not_reach_a_file_by_sub_path(soon: None, tmp_path: Path) -> None:
    mounts = (
        {"name": "config", "mountPath": "/etc/app/colour", "subPath": "colour"},
        {"name": "config", "mountPath": "/etc/all"},
    )
    script = (
        "until grep red /etc/all/colour; do sleep 0.1; done; cat /etc/app/colour; echo; sleep 600"
    )
    async with node(tmp_path) as here:
        await here.api.put(config_map(colour="blue"))
        await here.api.put(pod(mounting(script, *mounts), volumes=[CONFIG]))
        await until(here.state_is("running"))
        await change(here, "ConfigMap", "settings", data={"colour": "red"})
        await here.wrote("red\nblue")


async def test_a_changed_label_is_seen_at_once(tmp_path: Path) -> None:
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
    script = "until grep canary /etc/about/labels; do sleep 0.1; done; sleep 600"
    container = mounting(script, {"name": "about", "mountPath": "/etc/about"})
    async with node(tmp_path) as here:
        about = {"name": "about", "downwardAPI": {"items": items}}
        await here.api.put(pod(container, volumes=[about]))
        await until(here.state_is("running"))
        meta = (await here.pod())["metadata"]
        await change(here, "Pod", "web-1", metadata={**meta, "labels": {"track": "canary"}})
        await here.wrote('track="canary"')


async def test_a_pod_waits_for_what_its_volume_refers_to(soon: None, tmp_path: Path) -> None:
    container = mounting(SHOWN_FOR_EVER, {"name": "config", "mountPath": "/etc/app"})
    async with node(tmp_path) as here:
        await here.api.put(pod(container, volumes=[CONFIG]))
        await until(lambda: here.messages("FailedMount"))
        assert (await here.messages("FailedMount"))[0] == (
            'MountVolume.SetUp failed for volume "config" : configmap "settings" not found'
        )
        assert (await here.state())["state"] == {"waiting": {"reason": "ContainerCreating"}}
        await here.api.put(config_map(colour="blue"))
        await here.wrote("blue")


async def test_a_pod_waits_until_the_disk_has_room_for_its_volume(
    soon: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    container = mounting(SHOWN_FOR_EVER, {"name": "config", "mountPath": "/etc/app"})
    async with node(tmp_path) as here:
        await here.api.put(config_map(colour="blue"))
        with monkeypatch.context() as full:
            full.setattr(Path, "write_bytes", write)
            await here.api.put(pod(container, volumes=[CONFIG]))
            await until(lambda: here.messages("FailedMount"))
        assert (await here.messages("FailedMount"))[0] == (
            'MountVolume.SetUp failed for volume "config" : colour: no space left on device'
        )
        await here.wrote("blue")


async def test_a_pod_that_waits_for_its_volume_can_be_deleted(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("sleep 600"), volumes=[CONFIG]))
        await until(lambda: here.messages("FailedMount"))
        await here.delete()
        await until(here.is_gone)


async def test_a_sub_path_that_leaves_its_volume_is_a_configuration_error(tmp_path: Path) -> None:
    mounts = (
        {"name": "scratch", "mountPath": "/s"},
        {"name": "scratch", "mountPath": "/out", "subPath": "out"},
    )
    script = "rm -rf /s/out; ln -s /etc /s/out; exit 1"
    async with node(tmp_path) as here:
        scratch = {"name": "scratch", "emptyDir": {}}
        await here.api.put(pod(mounting(script, *mounts), volumes=[scratch]))
        await until(here.state_is("waiting", "CreateContainerConfigError"))
        assert (await here.state())["state"]["waiting"]["message"] == (
            'failed to prepare subPath for volumeMount "scratch" of container "web"'
        )
