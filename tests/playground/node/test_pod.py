"""Tests of how pods end."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.kube_objects import Key
from tests.needs import needs
from tests.playground.node.node_fixture import (
    SPACE,
    communicate,
    end_of,
    node,
    pod,
    python,
    server,
    shell,
)
from tests.waiting import until

pytestmark = needs("linux")

EXITS_ON_SIGTERM = (
    "import signal, sys, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit({code}))\n"
    "print('up', flush=True)\n"
    "time.sleep(600)"
)
IGNORES_SIGTERM = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('up', flush=True)\n"
    "time.sleep(600)"
)


async def test_the_files_of_a_deleted_pod_are_removed(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        await here.delete()
        await until(lambda: list((tmp_path / "playground/pods").iterdir()) == [])


async def test_stopping_a_container_has_an_event(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await end_of(here, python(EXITS_ON_SIGTERM.format(code=0)))
        await until(lambda: here.messages("Killing"))
        assert await here.messages("Killing") == ["Stopping container web"]


@pytest.mark.parametrize(
    ("code", "phase", "reason"), [(0, "Succeeded", "PodCompleted"), (3, "Failed", "PodFailed")]
)
async def test_the_last_status_says_how_it_ended(
    tmp_path: Path, code: int, phase: str, reason: str
) -> None:
    async with node(tmp_path) as here:
        status = (await end_of(here, python(EXITS_ON_SIGTERM.format(code=code))))["status"]
        conditions = {entry["type"]: entry for entry in status["conditions"]}
        assert status["phase"] == phase
        assert conditions["Ready"]["reason"] == reason
        assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == code


async def test_a_container_that_ignores_sigterm_is_killed_after_the_grace_period(
    tmp_path: Path,
) -> None:
    async with node(tmp_path) as here:
        gone = await end_of(here, python(IGNORES_SIGTERM), terminationGracePeriodSeconds=1)
        end = gone["status"]["containerStatuses"][0]["state"]["terminated"]
        assert (end["exitCode"], end["reason"]) == (137, "Error")


async def test_processes_started_by_the_container_end_with_it(tmp_path: Path) -> None:
    script = "(trap '' TERM; while true; do sleep 600; done) & echo up; wait"
    async with node(tmp_path) as here:
        await end_of(here, shell(script), terminationGracePeriodSeconds=1)
        await until(lambda: not here.processes())


async def test_processes_that_left_the_session_end_too(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        script = "setsid -f sleep 600; echo up; sleep 600"
        await end_of(here, shell(script), terminationGracePeriodSeconds=1)
        await until(lambda: not here.processes())


@pytest.mark.usefixtures("machine_paths")
async def test_without_a_root_the_stop_signal_reaches_all_that_the_container_started(
    tmp_path: Path,
) -> None:
    async with node(tmp_path) as here:
        (status,) = (await end_of(here, shell("echo up; sleep 600")))["status"]["containerStatuses"]
        assert status["state"]["terminated"]["exitCode"] == 143


@pytest.mark.usefixtures("machine_paths")
async def test_processes_that_left_the_session_and_their_environment_end_too(
    tmp_path: Path,
) -> None:
    note = tmp_path / "pid"
    daemonized = f"echo $$ > {note}; exec sleep 600"
    written = f"until [ -s {note} ]; do sleep 0.05; done"
    script = f"env -i setsid -f sh -c '{daemonized}' >&- 2>&-; {written}; echo up; sleep 600"
    async with node(tmp_path) as here:
        await end_of(here, shell(script))
        await until(lambda: not here.processes())
        assert not Path(f"/proc/{note.read_text().strip()}").exists()


async def test_a_command_that_leaves_its_session_and_environment_ends_with_the_pod(
    tmp_path: Path,
) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("echo up; sleep 600")))
        await here.wrote("up")
        await until(here.state_is("running"))
        before = here.processes()
        # It waits for its input, so that it is marked by then.
        script = "read line; env -i setsid -f sleep 600 >&- 2>&-"
        command = await here.kubelet.execute(Key(SPACE, "web-1"), ["sh", "-c", script])
        await communicate(command, b"go\n")
        assert here.processes() - before
        await here.delete(grace_s=1)
        await until(here.is_gone)
        await until(lambda: not here.processes())


@pytest.mark.usefixtures("machine_paths")
async def test_pre_stop_runs_before_the_signal(tmp_path: Path) -> None:
    note = tmp_path / "note"
    hook = {"preStop": {"exec": {"command": ["sh", "-c", f"echo hook >> {note}"]}}}
    script = f"trap 'echo signal >> {note}; exit 0' TERM; echo up; while true; do sleep 0.05; done"
    async with node(tmp_path) as here:
        await end_of(here, shell(script, lifecycle=hook))
        assert note.read_text().split() == ["hook", "signal"]


async def test_a_pre_stop_sleep_keeps_the_container_serving(tmp_path: Path) -> None:
    hook = {"preStop": {"sleep": {"seconds": 600}}}
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "lifecycle": hook}, terminationGracePeriodSeconds=900))
        await here.ready()
        await here.delete()
        await until(lambda: here.messages("Killing"))
        assert (await here.state())["state"].keys() == {"running"}
        await here.delete(grace_s=0)


async def test_a_shorter_grace_period_replaces_a_longer_one(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(python(IGNORES_SIGTERM), terminationGracePeriodSeconds=900))
        await here.wrote("up")
        await here.delete()
        await until(lambda: here.messages("Killing"))
        await here.delete(grace_s=1)
        await until(here.is_gone)


async def test_a_pod_deleted_without_grace_period_leaves_no_process(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(python(IGNORES_SIGTERM)))
        await here.wrote("up")
        await here.delete(grace_s=0)
        await until(lambda: not here.processes())


async def test_a_pod_that_waits_for_its_image_can_be_deleted(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "image": "no-such-image:9.9"}))
        await until(lambda: here.messages("BackOff"))
        await here.delete()
        await until(here.is_gone)
