"""Does the kubelet run pods?"""

from __future__ import annotations

from pathlib import Path

from canarylab.playground.kube.api import Key
from canarylab.playground.node.sweep import carriers
from tests.playground.node.node_world import SPACE, fetch, node, pod, server, shell
from tests.waiting import until


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


async def test_a_pod_with_volumes_waits_and_says_why(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server(), volumes=[{"name": "data", "emptyDir": {}}]))
        await until(lambda: here.said("FailedMount"))
        await until(here.state_is("waiting"))
        assert (await here.state())["state"]["waiting"] == {"reason": "ContainerCreating"}


async def test_the_node_says_what_it_is(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await until(lambda: here.api.list("Node"))
        await here.api.put(pod(server()))
        await here.ready()
        (found,) = await here.api.list("Node")
        assert found["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("process://")


async def test_when_the_kubelet_ends_so_does_every_process(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("setsid sleep 600 & sleep 600")))
        await until(here.state_is("running"))
        mark = (tmp_path / "playground/marks").read_text().strip()
        assert carriers(mark)
    assert carriers(mark) == set()


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


async def test_a_pod_that_was_deleted_while_no_daemon_ran_is_let_go(tmp_path: Path) -> None:
    async with node(tmp_path) as first:
        await first.api.put(pod(server()))
        await first.ready()
    await first.delete()
    async with node(tmp_path, first.api, addresses=first.addresses) as second:
        await until(second.is_gone)


async def test_files_of_pods_that_are_no_more_are_removed(tmp_path: Path) -> None:
    (tmp_path / "playground/pods/long-gone/web").mkdir(parents=True)
    async with node(tmp_path):
        await until(lambda: not (tmp_path / "playground/pods/long-gone").exists())
