"""Tests of a container's own processes: what it sees of them, and which signals reach them."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from canarylab.kube_objects import Key
from canarylab.playground.node import process
from canarylab.playground.node.mount_pod_root import HOST_PID
from canarylab.playground.node.pod_root import SETTING
from canarylab.playground.node.process import exit_code
from tests.needs import needs
from tests.playground.node.node_fixture import SPACE, Node, communicate, end_of, node, pod, shell
from tests.waiting import until

WEB = Key(SPACE, "web-1")
HANDLES_TERM = "trap 'echo handled; exit 3' TERM; echo up; while :; do sleep 0.05; done"
pytestmark = pytest.mark.usefixtures("own_root")


SET_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


@contextmanager
def orphans_stay_zombies() -> Iterator[None]:
    """Have this process adopt orphans and reap none before the end, like a careless process 1."""
    prctl = ctypes.CDLL(None).prctl
    prctl(SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(SET_CHILD_SUBREAPER, 0)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


async def start(here: Node, script: str, **spec: Any) -> None:
    """Run a script that says `up`."""
    await here.api.put(pod(shell(script), **spec))
    await here.wrote("up")
    await until(here.state_is("running"))


async def printed_by(here: Node, *command: str) -> tuple[int, str]:
    """The exit code and output of a command in the container."""
    streams = await here.kubelet.execute(WEB, list(command))
    code, output, _ = await communicate(streams)
    return exit_code(code), output.decode()


async def test_the_command_is_process_1(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await start(here, "echo $$$$; cat /proc/1/comm; echo up; sleep 600")
        assert await here.log() == "1\nsh\nup\n"


async def test_a_command_beside_it_sees_the_processes_of_the_container_alone(
    tmp_path: Path,
) -> None:
    async with node(tmp_path) as here:
        container = {"name": "web", "image": "plain:1.0", "command": ["sleep", "600"]}
        await here.api.put(pod(container))
        await until(here.state_is("running"))
        code, output = await printed_by(here, "sh", "-c", "cat /proc/[0-9]*/comm; exit 5")
        assert (code, output.split()) == (5, ["sleep", "sh"])


async def test_a_signal_to_process_1_from_beside_restarts_the_container(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await start(here, HANDLES_TERM)
        await printed_by(here, "kill", "1")
        await until(here.has_restarted(1))
        end = (await here.state())["lastState"]["terminated"]
        assert (end["exitCode"], await here.log(previous=True)) == (3, "up\nhandled\n")


async def test_a_signal_to_all_processes_reaches_those_of_the_container_alone(
    tmp_path: Path,
) -> None:
    async with node(tmp_path) as here:
        await start(here, "sleep 600 & echo up; wait; echo waited; sleep 600")
        assert await printed_by(here, "sh", "-c", "kill -- -1; echo here") == (0, "here\n")
        await here.wrote("waited")


async def test_a_stop_signal_without_a_handler_is_ignored_until_the_grace_period_ends(
    tmp_path: Path,
) -> None:
    async with node(tmp_path) as here:
        script = "echo up; exec sleep 600"
        last = await end_of(here, shell(script), terminationGracePeriodSeconds=1)
        (status,) = last["status"]["containerStatuses"]
        assert status["state"]["terminated"]["exitCode"] == 137


async def test_a_program_that_is_still_starting_gets_the_stop_signal_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STARTING_S", 3.0)  # for a slow machine
    script = """
        console.log("up");
        setTimeout(() => process.on("SIGTERM", () => process.exit(7)), 200);
        setInterval(() => {}, 1000);
    """
    container = {"name": "web", "image": "plain:1.0", "command": ["node", "-e", script]}
    async with node(tmp_path) as here:
        last = await end_of(here, container)
        (status,) = last["status"]["containerStatuses"]
        assert status["state"]["terminated"]["exitCode"] == 7


async def test_the_stop_signal_reaches_process_1_and_no_other(tmp_path: Path) -> None:
    trap = "trap 'readlink /proc/$!/exe; exit' TERM"
    async with node(tmp_path) as here:
        await start(here, f"sleep 600 & {trap}; echo up; while :; do sleep 0.05; done")
        streams = here.kubelet.attach(WEB)
        await here.delete()
        _, output, _ = await communicate(streams)
        assert output.endswith(b"/sleep\n")


async def test_a_command_that_is_cut_off_ends(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await start(here, "echo up; exec sleep 600")
        before = here.processes()
        streams = await here.kubelet.execute(WEB, ["sh", "-c", "echo on; exec sleep 600"])
        assert streams.stdout is not None
        assert await streams.stdout.read(3) == b"on\n"
        streams.close()
        await streams.wait()
        await until(lambda: here.processes() == before)


async def test_a_command_that_is_cut_off_leaves_no_zombie_to_wait_for(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await start(here, "echo up; exec sleep 600", terminationGracePeriodSeconds=1)
        with orphans_stay_zombies():
            streams = await here.kubelet.execute(WEB, ["sleep", "600"])
            streams.close()
            await streams.wait()
            await here.delete()
            await until(here.is_gone)


async def test_a_probe_that_is_cut_off_leaves_no_zombie_to_wait_for(tmp_path: Path) -> None:
    probe = {"exec": {"command": ["sleep", "600"]}, "timeoutSeconds": 1}
    async with node(tmp_path) as here:
        with orphans_stay_zombies():
            web = shell("exec sleep 600", readinessProbe=probe)
            await here.api.put(pod(web, terminationGracePeriodSeconds=1))

            async def has_failed() -> bool:
                return bool(await here.messages("Unhealthy"))

            await until(has_failed)
            await here.delete()
            await until(here.is_gone)


async def test_what_waits_for_a_zombie_has_ended(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await start(here, "echo up; exec sleep 600", restartPolicy="Never")
        (first,) = here.processes()
        with orphans_stay_zombies():
            await here.kubelet.execute(WEB, ["sleep", "600"])
            beside = here.processes() - {first}
            (parent,) = (each for each in beside if psutil.Process(each).ppid() == os.getpid())
            os.kill(parent, signal.SIGKILL)
            os.kill(first, signal.SIGKILL)
            await until(lambda: not here.processes())
        await until(here.state_is("terminated"))


async def test_a_shell_with_a_terminal_gives_it_back_and_ends_with_its_code(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await start(here, "echo up; exec sleep 600")
        streams = await here.kubelet.execute(WEB, ["sh"], terminal=True)
        code, output, _ = await communicate(streams, b"exit 3\n")
        assert (code, b"job control" in output) == (3, False)


@needs("pod-root-of-user")
@pytest.mark.parametrize("own_root", [HOST_PID], indirect=True)
async def test_where_no_other_proc_can_be_mounted_the_processes_are_those_of_the_machine(
    tmp_path: Path, own_root: str
) -> None:
    async with node(tmp_path) as here:
        await start(here, "echo up; exec sleep 600")
        _, output = await printed_by(here, "sh", "-c", f"cd /proc/{os.getpid()} && pwd")
        assert output == f"/proc/{os.getpid()}\n"
        assert os.environ[SETTING] == own_root
