"""The order in which containers start and end: init containers, sidecars, and the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canarylab.kube_objects import Object, find_condition
from canarylab.playground.node.container import RestartBackoff
from tests.needs import needs
from tests.playground.node.node_fixture import Node, node, pod, server, shell
from tests.waiting import until

pytestmark = [needs("linux"), pytest.mark.usefixtures("machine_paths")]

UP = "trap 'echo ending; exit 0' TERM; echo up; sleep 600 & wait"
LASTING = "trap 'exit 0' TERM; touch {started}; until [ -e {go} ]; do sleep 0.01; done"


def init(name: str, script: str, **fields: Any) -> Object:
    return shell(script, **{"name": name, **fields})


def sidecar(name: str, script: str = UP, **fields: Any) -> Object:
    return init(name, script, restartPolicy="Always", **fields)


def states(found: Object) -> dict[str, str]:
    """The state of each init container, with its reason if it has one."""
    return {
        entry["name"]: next(reason.get("reason", state) for state, reason in entry["state"].items())
        for entry in found["status"]["initContainerStatuses"]
    }


async def initialized(here: Node) -> Object:
    """The condition, once the kubelet has written one."""
    await until(lambda: _has_status(here))
    found = find_condition(await here.pod(), "Initialized")
    assert found is not None
    return found


async def _has_status(here: Node) -> bool:
    return "initContainerStatuses" in (await here.pod()).get("status", {})


async def test_they_run_one_after_the_other_and_before_the_containers(tmp_path: Path) -> None:
    log = tmp_path / "log"
    steps = [init(name, f"echo {name} >> {log}") for name in ("first", "second")]
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(f"echo web >> {log}; {UP}"), initContainers=steps))
        await here.wrote("up", container="web")
        found = await here.pod()
        assert log.read_text().split() == ["first", "second", "web"]
        assert states(found) == {"first": "Completed", "second": "Completed"}
        entries = found["status"]["initContainerStatuses"]
        assert [entry["ready"] for entry in entries] == [True, True]
        assert [entry["started"] for entry in entries] == [False, False]


async def test_meanwhile_the_pod_is_pending_and_says_what_is_not_done(tmp_path: Path) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    first = init("first", LASTING.format(started=started, go=go))
    async with node(tmp_path) as here:
        await here.api.put(pod(server(), initContainers=[first, init("second", "true")]))
        await until(started.exists)

        async def runs() -> bool:
            return await _has_status(here) and states(await here.pod())["first"] == "running"

        await until(runs)
        found, condition = await here.pod(), await initialized(here)
        assert found["status"]["phase"] == "Pending"
        assert states(found)["second"] == "PodInitializing"
        assert (await here.state())["state"] == {"waiting": {"reason": "PodInitializing"}}
        assert (condition["status"], condition["reason"], condition["message"]) == (
            "False",
            "ContainersNotInitialized",
            "containers with incomplete status: [first second]",
        )
        ready = find_condition(found, "Ready")
        assert ready is not None
        assert ready["message"] == "containers with unready status: [web]"
        go.touch()
        await here.ready()
        assert (await initialized(here))["status"] == "True"


async def test_one_that_fails_is_run_again_after_a_back_off(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    fails_once = init("first", f"[ -e {mark} ] || {{ touch {mark}; exit 3; }}")
    async with node(tmp_path, backoff=RestartBackoff(first_s=0.01)) as here:
        await here.api.put(pod(shell(UP), initContainers=[fails_once]))
        await here.wrote("up", container="web")
        (entry,) = (await here.pod())["status"]["initContainerStatuses"]
        assert entry["restartCount"] == 1
        assert entry["lastState"]["terminated"]["exitCode"] == 3


async def test_while_one_waits_to_be_restarted_the_pod_stays_pending(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(UP), initContainers=[init("first", "exit 3")]))

        async def backs_off() -> bool:
            return await _has_status(here) and states(await here.pod()) == {
                "first": "CrashLoopBackOff"
            }

        await until(backs_off)
        assert (await here.pod())["status"]["phase"] == "Pending"
        await until(lambda: here.messages("BackOff"))


async def test_with_the_policy_never_the_pod_fails_and_its_containers_never_run(
    tmp_path: Path,
) -> None:
    steps = [sidecar("beside"), init("first", "exit 3"), init("second", "true")]
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(UP), initContainers=steps, restartPolicy="Never"))
        await until(here.phase_is("Failed"))
        await until(lambda: not here.processes())

        async def has_ended() -> bool:
            return states(await here.pod())["beside"] == "Completed"

        await until(has_ended)
        found = await here.pod()
        assert states(found)["first"] == "Error"
        assert states(found)["second"] == "PodInitializing"
        assert (await here.state())["state"] == {"waiting": {"reason": "PodInitializing"}}
        assert (await initialized(here))["status"] == "False"
        ready = find_condition(found, "Ready")
        assert ready is not None
        assert ready["reason"] == "PodFailed"


async def test_events_and_logs_name_the_init_container(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(UP), initContainers=[init("first", "echo hello")]))
        await here.wrote("hello", container="first")
        await here.wrote("up", container="web")

        async def both_started() -> bool:
            return len(await here.messages("Started")) == 2

        await until(both_started)
        events = await here.api.list("Event", "lab")
        paths = [each["involvedObject"].get("fieldPath") for each in events]
        assert paths == [
            *["spec.initContainers{first}"] * 3,
            *["spec.containers{web}"] * 3,
        ]


async def test_one_whose_image_is_missing_says_so(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(UP), initContainers=[init("first", "true", image="none:1")]))

        async def misses_its_image() -> bool:
            found = await here.pod()
            return await _has_status(here) and "ImagePull" in states(found)["first"]

        await until(misses_its_image)
        assert (await here.state())["state"] == {"waiting": {"reason": "PodInitializing"}}


async def test_a_pod_is_deleted_while_one_runs(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server(), initContainers=[init("first", UP)]))
        await here.wrote("up", container="first")
        await here.delete()
        await until(here.is_gone)
        await until(lambda: not here.processes())


async def test_those_that_are_done_do_not_run_again_after_the_daemon(tmp_path: Path) -> None:
    log = tmp_path / "log"
    step = init("first", f"echo first >> {log}")
    async with node(tmp_path) as first:
        await first.api.put(pod(server(), initContainers=[step]))
        await first.ready()
    async with node(tmp_path, first.api, addresses=first.addresses) as second:
        await until(second.has_restarted(1))
        await second.ready()
    assert log.read_text().split() == ["first"]


async def test_a_sidecar_runs_beside_the_container_and_counts_for_readiness(
    tmp_path: Path,
) -> None:
    mark = tmp_path / "mark"
    probe = {"exec": {"command": ["test", "-e", str(mark)]}, "periodSeconds": 1}
    async with node(tmp_path) as here:
        beside = sidecar("beside", readinessProbe=probe)
        await here.api.put(pod(server(), initContainers=[beside]))
        await until(here.state_is("running"))

        async def only_the_sidecar_is_missing() -> bool:
            ready = find_condition(await here.pod(), "Ready") or {}
            return ready.get("message") == "containers with unready status: [beside]"

        await until(only_the_sidecar_is_missing)
        mark.touch()
        found = await here.ready()
        assert found["status"]["phase"] == "Running"
        assert states(found) == {"beside": "running"}


async def test_the_next_container_waits_until_a_sidecar_has_started(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    probe = {"exec": {"command": ["test", "-e", str(mark)]}, "periodSeconds": 1}
    async with node(tmp_path) as here:
        beside = sidecar("beside", startupProbe={**probe, "failureThreshold": 100})
        await here.api.put(pod(server(), initContainers=[beside]))
        await here.wrote("up", container="beside")
        assert (await initialized(here))["status"] == "False"
        assert (await here.state())["state"] == {"waiting": {"reason": "PodInitializing"}}
        mark.touch()
        await here.ready()


async def test_a_sidecar_that_ends_is_restarted_and_the_pod_stays_initialized(
    tmp_path: Path,
) -> None:
    mark = tmp_path / "mark"
    ends_once = f"[ -e {mark} ] && {{ {UP}; }}; echo up; until [ -e {mark} ]; do sleep 0.01; done"
    async with node(tmp_path) as here:
        beside = sidecar("beside", ends_once)
        await here.api.put(pod(server(), initContainers=[beside], restartPolicy="OnFailure"))
        await here.ready()
        mark.touch()

        async def has_restarted() -> bool:
            (entry,) = (await here.pod())["status"]["initContainerStatuses"]
            return bool(entry["restartCount"] == 1 and "running" in entry["state"])

        await until(has_restarted)
        assert (await initialized(here))["status"] == "True"
        assert (await here.pod())["status"]["phase"] == "Running"


async def test_sidecars_end_after_the_containers_and_in_the_reverse_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"trap 'sleep 0.1; echo {{name}} >> {log}; exit 0' TERM; echo up; sleep 600 & wait"
    steps = [sidecar(name, script.format(name=name)) for name in ("first", "second")]
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(script.format(name="web")), initContainers=steps))
        await here.wrote("up", container="web")
        await here.delete()
        await until(here.is_gone)
        assert log.read_text().split() == ["web", "second", "first"]


async def test_a_sidecar_that_must_wait_is_killed_with_the_grace_period(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        stubborn = shell("trap '' TERM; echo up; while :; do sleep 0.1; done")
        await here.api.put(
            pod(stubborn, initContainers=[sidecar("beside")], terminationGracePeriodSeconds=1)
        )
        await here.wrote("up", container="web")
        await here.delete()
        await until(here.is_gone)
        await until(lambda: not here.processes())


@pytest.mark.parametrize(("script", "phase"), [("true", "Succeeded"), ("exit 3", "Failed")])
async def test_a_pod_ends_with_its_containers_and_its_sidecars_are_stopped(
    tmp_path: Path, script: str, phase: str
) -> None:
    async with node(tmp_path) as here:
        await here.api.put(
            pod(shell(script), initContainers=[sidecar("beside")], restartPolicy="Never")
        )
        await until(here.phase_is(phase))
        assert states(await here.pod()) == {"beside": "Completed"}
        await until(lambda: not here.processes())


async def test_a_sidecar_that_waits_to_be_restarted_ends_with_the_pod(tmp_path: Path) -> None:
    go = tmp_path / "go"
    script = f"until [ -e {go} ]; do sleep 0.01; done"
    async with node(tmp_path) as here:
        beside = sidecar("beside", "sleep 0.1; exit 1")
        await here.api.put(pod(shell(script), initContainers=[beside], restartPolicy="Never"))

        async def backs_off() -> bool:
            return (
                await _has_status(here) and "CrashLoopBackOff" in states(await here.pod()).values()
            )

        await until(backs_off)
        go.touch()
        await until(here.phase_is("Succeeded"))
        assert states(await here.pod()) == {"beside": "ContainerStatusUnknown"}


async def test_at_its_deadline_a_pod_that_initializes_fails(tmp_path: Path) -> None:
    steps = [init("first", UP), init("second", "true")]
    async with node(tmp_path) as here:
        await here.api.put(pod(server(), initContainers=steps, activeDeadlineSeconds=1))
        await until(here.phase_is("Failed"))
        found = await here.pod()
        assert found["status"]["reason"] == "DeadlineExceeded"
        assert states(found) == {"first": "Completed", "second": "PodInitializing"}


def after_hook(command: str) -> Object:
    """A container whose postStart hook is this command."""
    return {**shell(UP), "lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", command]}}}}


async def test_the_next_container_starts_when_the_hook_of_the_one_before_is_done(
    tmp_path: Path,
) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    first = after_hook(f"touch {begun}; until [ -e {go} ]; do sleep 0.01; done")
    async with node(tmp_path) as here:
        await here.api.put(pod(first, shell("echo next", name="next")))
        await until(begun.exists)
        entries = (await here.pod())["status"]["containerStatuses"]
        waits = {"waiting": {"reason": "ContainerCreating"}}
        assert [entry["state"] for entry in entries] == [waits, waits]
        go.touch()
        await here.wrote("next", container="next")


@pytest.mark.parametrize(
    "first",
    [
        after_hook("false"),
        {**shell(UP), "image": "none:1.0"},
        {**shell(UP), "command": ["/no/such/program"]},
        shell("exit 3"),
    ],
    ids=["hook", "image", "program", "exit"],
)
async def test_a_container_that_fails_to_start_holds_up_no_other(
    tmp_path: Path, first: Object
) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(first, shell("echo next; sleep 600", name="next")))
        await here.wrote("next", container="next")
