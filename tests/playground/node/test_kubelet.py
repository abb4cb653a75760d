"""Tests of the kubelet: it runs pods and registers its node."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from canarylab.kube_objects import Key, find_condition, is_ready
from canarylab.playground.node.kubelet import Kubelet, node_status, register
from canarylab.playground.node.reaper import processes_of
from tests.needs import needs
from tests.playground.fake_api import FakeApi
from tests.playground.node.node_fixture import SPACE, Node, fetch, node, pod, server, shell
from tests.waiting import until

pytestmark = needs("linux")


async def test_a_pod_becomes_ready_and_answers_at_its_address(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        ready = await here.ready()
        assert await fetch(ready["status"]["podIP"]) == "web-1"


async def test_two_pods_may_use_the_same_port(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        names = ("web-1", "web-2")
        for name in names:
            await here.api.put(pod(server(), name=name))
        answers = [await fetch((await here.ready(name))["status"]["podIP"]) for name in names]
        assert answers == ["web-1", "web-2"]


async def test_a_pod_of_another_node_is_left_alone(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server(), name="foreign", nodeName="elsewhere"))
        await here.api.put(pod(server()))
        await here.ready()
        assert (await here.pod("foreign"))["status"] == {"phase": "Pending"}


async def test_a_pod_whose_node_is_chosen_later_is_started_then(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        waiting = pod(server())
        del waiting["spec"]["nodeName"]
        await here.api.put(waiting)
        await here.api.bind(Key(SPACE, "web-1"), "playground")
        await here.ready()


async def test_the_containers_of_a_pod_share_its_address(tmp_path: Path) -> None:
    ask = "node -e \"fetch('http://localhost:3333').then(r => r.text()).then(console.log)\""
    neighbour = shell(f"until {ask}; do sleep 0.1; done; sleep 600")
    async with node(tmp_path) as here:
        await here.api.put(pod(server(), {**neighbour, "name": "neighbour"}))
        await here.wrote("web-1", container="neighbour")


async def test_without_roots_of_their_own_a_pod_with_volumes_waits_with_an_event(
    machine_paths: None, tmp_path: Path
) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server(), volumes=[{"name": "data", "emptyDir": {}}]))
        await until(lambda: here.messages("FailedMount"))
        await until(here.state_is("waiting"))
        assert (await here.state())["state"]["waiting"] == {"reason": "ContainerCreating"}


async def test_every_process_ends_with_the_kubelet(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("setsid sleep 600 & sleep 600")))
        await until(here.state_is("running"))
        run_id = (tmp_path / "playground/run-ids").read_text().strip()
        assert processes_of(run_id)
    assert processes_of(run_id) == set()


async def test_a_pod_that_ran_before_the_daemon_was_restarted_runs_again(tmp_path: Path) -> None:
    async with node(tmp_path) as first:
        await first.api.put(pod(server()))
        address = (await first.ready())["status"]["podIP"]
    async with node(tmp_path, first.api, addresses=first.addresses) as second:
        await until(second.has_restarted(1))
        ready = await second.ready()
        assert ready["status"]["podIP"] == address
        last = ready["status"]["containerStatuses"][0]["lastState"]["terminated"]
        assert (last["exitCode"], last["reason"]) == (255, "Unknown")


async def test_a_pod_of_an_earlier_daemon_is_not_ready_before_it_runs_again(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        assert is_ready(await here.ready())
    later = Kubelet(here.api, here.home, here.addresses)
    await later.restore_statuses()
    found = await here.pod("web-1")
    assert not is_ready(found)
    assert found["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 255


async def test_a_pod_with_a_broken_status_keeps_no_other_from_being_restored(
    tmp_path: Path,
) -> None:
    async with node(tmp_path) as here:
        pass
    for name, state in (("web-1", {}), ("web-2", {"startedAt": "2026-11-22T21:00:00Z"})):
        entry = {"name": "web", "state": {"running": state}}
        await here.api.put({**pod(server(), name=name), "status": {"containerStatuses": [entry]}})
    await Kubelet(here.api, here.home, here.addresses).restore_statuses()
    states = [(await here.state(name))["state"] for name in ("web-1", "web-2")]
    assert [list(state) for state in states] == [["running"], ["terminated"]]


async def test_a_pod_deleted_while_no_daemon_ran_is_removed(tmp_path: Path) -> None:
    async with node(tmp_path) as first:
        await first.api.put(pod(server()))
        await first.ready()
    await first.delete()
    async with node(tmp_path, first.api, addresses=first.addresses) as second:
        await until(second.is_gone)


async def test_files_of_pods_that_no_longer_exist_are_removed(tmp_path: Path) -> None:
    (tmp_path / "playground/pods/long-gone/web").mkdir(parents=True)
    async with node(tmp_path):
        await until(lambda: not (tmp_path / "playground/pods/long-gone").exists())


NODE = Key("", "playground")
EARLY = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
LATE = datetime(2026, 11, 22, 21, 5, tzinfo=UTC)


async def test_the_node_is_created_and_ready() -> None:
    api = FakeApi()
    await register(api, EARLY, "127.64.0.1")
    ready = find_condition(await api.get("Node", NODE), "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("True", "KubeletReady")


async def test_the_node_has_the_four_conditions_of_a_healthy_one() -> None:
    api = FakeApi()
    await register(api, EARLY, "127.64.0.1")
    conditions = (await api.get("Node", NODE))["status"]["conditions"][1:]
    assert [(entry["type"], entry["status"], entry["reason"]) for entry in conditions] == [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID"),
        ("Ready", "True", "KubeletReady"),
    ]


async def test_a_heartbeat_renews_the_time_and_keeps_the_transition() -> None:
    api = FakeApi()
    await register(api, EARLY, "127.64.0.1")
    await register(api, LATE, "127.64.0.1")
    ready = find_condition(await api.get("Node", NODE), "Ready")
    assert ready is not None
    times = (ready["lastTransitionTime"], ready["lastHeartbeatTime"])
    assert times == ("2026-11-22T21:00:00Z", "2026-11-22T21:05:00Z")


async def test_a_node_that_somebody_deleted_comes_back() -> None:
    api = FakeApi()
    await register(api, EARLY, "127.64.0.1")
    await api.delete("Node", NODE)
    await register(api, LATE, "127.64.0.1")
    assert await api.get("Node", NODE)


async def test_fields_of_others_on_the_node_stay() -> None:
    api = FakeApi()
    await register(api, EARLY, "127.64.0.1")
    node = await api.get("Node", NODE)
    await api.update({**node, "spec": {"unschedulable": True}})
    await register(api, LATE, "127.64.0.1")
    assert (await api.get("Node", NODE))["spec"] == {"unschedulable": True}


async def test_the_node_shows_its_versions() -> None:
    api = FakeApi()
    await register(api, EARLY, "127.64.0.1")
    info = (await api.get("Node", NODE))["status"]["nodeInfo"]
    assert info["containerRuntimeVersion"].startswith("process://")
    assert info["kubeletVersion"] == "v1.36.2"


async def come_and_go(here: Node, names: list[str]) -> None:
    """Start, read and delete pods."""
    for name in names:
        await here.api.put(pod(server(), name=name))
    for name in names:
        await here.ready(name)
        await here.wrote("Server started", name)
        await here.delete(name)
    await until(lambda: has_no_pods(here))


async def has_no_pods(here: Node) -> bool:
    return await here.api.list("Pod") == []


async def test_no_file_process_task_or_thread_is_left(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await come_and_go(here, ["first"])
        await until(lambda: not here.processes())
        before = open_files(), len(asyncio.all_tasks()), own_threads()
        await come_and_go(here, [f"web-{number}" for number in range(8)])
        await until(lambda: not here.processes())
        await until(lambda: (open_files(), len(asyncio.all_tasks()), own_threads()) == before)


def own_threads() -> int:
    """Those of asyncio's pool are left out: it grows to its bound, and keeps them."""
    return sum(not each.name.startswith("asyncio_") for each in threading.enumerate())


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("root", "condition", "runtime"),
    [
        (("root", ""), ("True", "MountNamespace"), "pod-root"),
        (("user", ""), ("True", "UserNamespace"), "pod-root"),
        (("user-host-pid", ""), ("True", "UserNamespace"), "pod-root"),
        (("no", "unshare: Operation not permitted"), ("False", "NoMountNamespace"), "no-pod-root"),
    ],
)
async def test_the_node_says_whether_containers_have_roots_of_their_own(
    root: tuple[str, str], condition: tuple[str, str], runtime: str
) -> None:
    status = node_status({}, EARLY, "127.64.0.1", root)
    found = status["conditions"][0]
    assert (found["type"], found["status"], found["reason"]) == ("PodRoot", *condition)
    assert root[1] in found["message"]
    assert ("processes of this machine" in found["message"]) is (root[0] == "user-host-pid")
    assert status["nodeInfo"]["containerRuntimeVersion"].endswith(f"+{runtime}")
