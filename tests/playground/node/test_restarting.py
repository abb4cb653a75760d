"""Are containers that ended started again, when they should be?"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from canarylab.playground.node.restarts import RestartDelays
from tests.playground.node.node_world import node, pod, server, shell
from tests.waiting import until

SOON = RestartDelays(first_s=0.05, last_s=0.1)


async def test_a_container_that_fails_is_started_again(tmp_path: Path) -> None:
    async with node(tmp_path, delays=SOON) as here:
        await here.api.put(pod(shell("echo bye; exit 1")))
        await until(here.has_restarted(3))
        last = (await here.state())["lastState"]["terminated"]
        assert (last["exitCode"], last["reason"]) == (1, "Error")


async def test_the_second_failure_waits_and_says_so(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        created = await here.api.put(pod(shell("exit 1")))
        await until(here.state_is("waiting", "CrashLoopBackOff"))
        whole_name = f"web-1_lab({created['metadata']['uid']})"
        state = await here.state()
        assert state["restartCount"] == 1
        assert state["state"]["waiting"]["message"] == (
            f"back-off 10s restarting failed container=web pod={whole_name}"
        )
        await until(lambda: here.said("BackOff"))
        assert await here.said("BackOff") == [
            f"Back-off restarting failed container web in pod {whole_name}"
        ]


async def test_a_pod_that_is_crashing_is_running_and_not_ready(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("exit 1")))
        await until(here.state_is("waiting", "CrashLoopBackOff"))
        status = (await here.pod())["status"]
        ready = next(entry for entry in status["conditions"] if entry["type"] == "Ready")
        assert (status["phase"], ready["status"]) == ("Running", "False")


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [("Never", 0, "Succeeded"), ("Never", 1, "Failed"), ("OnFailure", 0, "Succeeded")],
)
async def test_a_pod_that_is_not_restarted_comes_to_an_end(
    tmp_path: Path, policy: str, code: int, phase: str
) -> None:
    async with node(tmp_path, delays=SOON) as here:
        await here.api.put(pod(shell(f"exit {code}"), restartPolicy=policy))
        await until(here.phase_is(phase))
        assert (await here.state())["restartCount"] == 0


async def test_on_failure_restarts_until_it_succeeds(tmp_path: Path) -> None:
    script = f"test -e {tmp_path}/tried && exit 0; touch {tmp_path}/tried; exit 1"
    async with node(tmp_path, delays=SOON) as here:
        await here.api.put(pod(shell(script), restartPolicy="OnFailure"))
        await until(here.phase_is("Succeeded"))
        assert (await here.state())["restartCount"] == 1


async def test_an_end_by_a_signal_is_128_and_the_signal(tmp_path: Path) -> None:
    # Four dollars: in a manifest two stand for one.
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("kill -9 $$$$"), restartPolicy="Never"))
        await until(here.phase_is("Failed"))
        assert (await here.state())["state"]["terminated"]["exitCode"] == 137


async def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        container = {**server(), "command": ["no-such-command"]}
        await here.api.put(pod(container, restartPolicy="Never"))
        await until(here.phase_is("Failed"))
        end = (await here.state())["state"]["terminated"]
        assert (end["reason"], end["exitCode"], end["message"]) == (
            "StartError", 128, 'exec: "no-such-command": executable file not found in $PATH'
        )  # fmt: skip


async def test_a_failing_liveness_probe_restarts_the_container(tmp_path: Path) -> None:
    probe = {"exec": {"command": ["sh", "-c", "echo no pulse; exit 1"]}, "failureThreshold": 1}
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "livenessProbe": probe}))
        await until(here.has_restarted(1))
        await until(lambda: here.said("Killing"))
        assert "Liveness probe failed: no pulse\n" in await here.said("Unhealthy")
        assert await here.said("Killing") == [
            "Container web failed liveness probe, will be restarted"
        ]


async def test_a_container_waits_for_its_config_map(tmp_path: Path) -> None:
    source = {"configMapKeyRef": {"name": "settings", "key": "colour"}}
    container = shell("echo $COLOUR; sleep 600", env=[{"name": "COLOUR", "valueFrom": source}])
    async with node(tmp_path) as here:
        await here.api.put(pod(container))
        await until(here.state_is("waiting", "CreateContainerConfigError"))
        await here.api.put(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "settings", "namespace": "lab"},
                "data": {"colour": "canary yellow"},
            }
        )
        await here.wrote("canary yellow")


async def test_a_node_can_be_ended_at_any_moment_while_its_containers_crash(
    tmp_path: Path,
) -> None:
    """A cancellation that comes just as a container ends must not get lost."""
    for milliseconds in range(0, 100, 8):
        async with asyncio.timeout(20), node(tmp_path / str(milliseconds), delays=SOON) as here:
            for number in range(4):
                await here.api.put(pod(shell("exit 1"), name=f"web-{number}"))
            await asyncio.sleep(milliseconds / 1_000)
