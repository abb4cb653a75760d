"""Tests of restarts, hooks, logs and commands of containers."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from subprocess import PIPE

import pytest

from canarylab.errors import BadRequestError, NotFoundError
from canarylab.kube_objects import Key, Object, find_condition, utc_now
from canarylab.playground.kube.api import LogOptions
from canarylab.playground.node import container as container_module
from canarylab.playground.node.container import RestartBackoff, should_restart
from canarylab.playground.node.process import background_task, exit_code
from canarylab.ports import unused
from tests.needs import needs
from tests.playground.node.node_fixture import SPACE, Node, communicate, node, pod, server, shell
from tests.waiting import until

pytestmark = needs("linux")

SOON = RestartBackoff(first_s=0.05, last_s=0.1)


async def test_a_container_that_fails_is_started_again(tmp_path: Path) -> None:
    async with node(tmp_path, backoff=SOON) as here:
        await here.api.put(pod(shell("echo bye; exit 1")))
        await until(here.has_restarted(3))
        last = (await here.state())["lastState"]["terminated"]
        assert (last["exitCode"], last["reason"]) == (1, "Error")


async def test_a_clock_that_is_set_back_delays_no_restart(tmp_path: Path) -> None:
    hours = itertools.count()

    def always_earlier() -> datetime:
        return utc_now() - timedelta(hours=next(hours))

    async with node(tmp_path, backoff=SOON, now=always_earlier) as here:
        await here.api.put(pod(shell("exit 1")))
        await until(here.has_restarted(3))


async def test_the_second_failure_waits_in_crash_loop_back_off(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        created = await here.api.put(pod(shell("exit 1")))
        await until(here.state_is("waiting", "CrashLoopBackOff"))
        whole_name = f"web-1_lab({created['metadata']['uid']})"
        state = await here.state()
        assert state["restartCount"] == 1
        assert state["state"]["waiting"]["message"] == (
            f"back-off 10s restarting failed container=web pod={whole_name}"
        )
        await until(lambda: here.messages("BackOff"))
        assert await here.messages("BackOff") == [
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
async def test_a_pod_that_is_not_restarted_reaches_a_final_phase(
    tmp_path: Path, policy: str, code: int, phase: str
) -> None:
    async with node(tmp_path, backoff=SOON) as here:
        await here.api.put(pod(shell(f"exit {code}"), restartPolicy=policy))
        await until(here.phase_is(phase))
        assert (await here.state())["restartCount"] == 0


async def test_a_program_on_all_addresses_that_has_the_port_is_named(tmp_path: Path) -> None:
    program = (
        "import socket; server = socket.create_server(('', 0));"
        "print(server.getsockname()[1], flush=True); input()"
    )
    listening = [sys.executable, "-c", program]
    with subprocess.Popen(listening, stdin=PIPE, stdout=PIPE, text=True) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        container = {**shell("exit 1"), "ports": [{"containerPort": port}]}
        async with node(tmp_path) as here:
            await here.api.put(pod(container))
            await until(lambda: here.messages("FailedToListen"))
            (message,) = set(await here.messages("FailedToListen"))
        other.communicate("\n")
    assert f"Port {port} is in use on all addresses of this machine by python" in message
    assert f"(pid {other.pid})" in message


async def test_a_port_that_this_user_may_not_have_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_module, "needs_privilege", lambda port: port < 1024)
    async with node(tmp_path) as here:
        await here.api.put(pod({**shell("exit 1"), "ports": [{"containerPort": 80}]}))
        await until(lambda: here.messages("FailedToListen"))
        (message,) = set(await here.messages("FailedToListen"))
    assert "no program of this user listen on port 80" in message
    assert "targetPort" in message


@pytest.mark.usefixtures("both_ways")
async def test_some_fields_have_no_effect_on_the_processes_of_a_pod(tmp_path: Path) -> None:
    of_pod: Object = {
        "securityContext": {"runAsUser": 1000, "runAsNonRoot": True, "fsGroup": 5},
        "hostNetwork": True,
        "hostPID": True,
        "hostIPC": True,
        "shareProcessNamespace": True,
        "runtimeClassName": "gvisor",
        "setHostnameAsFQDN": True,
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["192.0.2.1"]},
        "imagePullSecrets": [{"name": "none"}],
        "hostnameOverride": "another",
    }
    of_container: Object = {
        "securityContext": {"runAsUser": 1000, "readOnlyRootFilesystem": True, "privileged": True},
        "imagePullPolicy": "Always",
        "restartPolicy": "Always",
        "lifecycle": {"stopSignal": "SIGUSR1"},
        "terminationMessagePath": "/tmp/canarylab-message",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "ports": [{"containerPort": 3333, "hostPort": unused()}],
    }
    script = "id; grep Cap /proc/self/status; touch /tmp/x; hostname; cat /etc/resolv.conf; exit 3"
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(script), restartPolicy="Never"))
        await until(here.phase_is("Failed"))
        expected = await here.log()
        await here.delete()
        await until(here.is_gone)
        await here.api.put(pod(shell(script, **of_container), restartPolicy="Never", **of_pod))
        await until(here.phase_is("Failed"))
        assert await here.log() == expected
        assert "message" not in (await here.state())["state"]["terminated"]


async def test_readiness_gates_have_no_effect(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server(), readinessGates=[{"conditionType": "example.com/open"}]))
        await here.ready()


async def test_services_are_variables_of_a_container_that_starts_after_them(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        meta = {"name": "redis-master", "namespace": SPACE}
        spec = {"clusterIP": "127.64.8.9", "ports": [{"port": 6379}]}
        await here.api.put({"kind": "Service", "apiVersion": "v1", "metadata": meta, "spec": spec})
        script = "echo $REDIS_MASTER_SERVICE_HOST:$REDIS_MASTER_SERVICE_PORT"
        await here.api.put(pod(shell(script), restartPolicy="Never"))
        await until(here.phase_is("Succeeded"))
        assert await here.log() == "127.64.8.9:6379\n"


async def test_a_port_that_is_free_has_no_event(tmp_path: Path) -> None:
    container = {**shell("exit 1"), "ports": [{"containerPort": unused()}]}
    async with node(tmp_path) as here:
        await here.api.put(pod(container))
        await until(lambda: here.messages("BackOff"))
        assert await here.messages("FailedToListen") == []


@pytest.mark.usefixtures("machine_paths")
async def test_on_failure_restarts_until_it_succeeds(tmp_path: Path) -> None:
    script = f"test -e {tmp_path}/tried && exit 0; touch {tmp_path}/tried; exit 1"
    async with node(tmp_path, backoff=SOON) as here:
        await here.api.put(pod(shell(script), restartPolicy="OnFailure"))
        await until(here.phase_is("Succeeded"))
        assert (await here.state())["restartCount"] == 1


async def test_the_exit_code_after_a_signal_is_128_and_the_signal(tmp_path: Path) -> None:
    # Four dollars: in a manifest two stand for one. No signal of its own ends process 1.
    async with node(tmp_path) as here:
        script = "sh -c 'kill -9 $$$$'; exit $?"
        await here.api.put(pod(shell(script), restartPolicy="Never"))
        await until(here.phase_is("Failed"))
        assert (await here.state())["state"]["terminated"]["exitCode"] == 137


async def test_a_command_that_does_not_exist_is_a_start_error(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        container = {**server(), "command": ["no-such-command"]}
        await here.api.put(pod(container, restartPolicy="Never"))
        await until(here.phase_is("Failed"))
        end = (await here.state())["state"]["terminated"]
        assert (end["reason"], end["exitCode"], end["message"]) == (
            "StartError", 128, 'exec: "no-such-command": executable file not found in $PATH'
        )  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"command": ["a\0b"]},
        {"command": ["sh", "-c", "true\0"]},
        {"env": [{"name": "A", "value": "\0"}]},
        {"env": [{"name": "A", "value": "\ud800"}]},
    ],
)
async def test_a_command_that_the_system_cannot_be_given_is_a_start_error(
    tmp_path: Path, fields: Object, caplog: pytest.LogCaptureFixture
) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), **fields}, restartPolicy="Never"))
        await until(here.phase_is("Failed"))
        assert (await here.state())["state"]["terminated"]["reason"] == "StartError"
    assert "Traceback" not in caplog.text


async def test_a_working_directory_that_no_system_has_is_a_configuration_error(
    tmp_path: Path,
) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "workingDir": "/\0"}))
        await until(here.state_is("waiting", "CreateContainerConfigError"))


@pytest.mark.parametrize(("host", "is_said"), [("localhost", True), ("$HOSTNAME", False)])
async def test_a_probe_that_asks_localhost_with_another_program_has_an_event(
    tmp_path: Path, host: str, is_said: bool
) -> None:
    words = {"command": ["sh", "-c", f": wget http://{host}:3333/; exit 1"]}
    probe = {"exec": words, "periodSeconds": 1}
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "readinessProbe": probe}))
        await until(lambda: here.messages("Unhealthy"))
        await until(here.state_is("running"))
        found = await here.messages("LocalhostIsNotThePod")
        assert [words.split(" is the pod")[0] for words in found] == (
            ["On the playground `localhost`"] if is_said else []
        )


LEAVES_ANOTHER_GROUP = {"command": ["sh", "-c", "setsid sleep 600 & sleep 600"]}
"""Of a hook or probe that is cut off: what it leaves holds its output open."""


@pytest.mark.usefixtures("both_ways")
async def test_a_probe_that_is_cut_off_fails_whatever_it_has_started(tmp_path: Path) -> None:
    probe = {"exec": LEAVES_ANOTHER_GROUP, "timeoutSeconds": 1, "failureThreshold": 1}
    async with node(tmp_path) as here:
        container = {**server(), "livenessProbe": probe}
        await here.api.put(pod(container, terminationGracePeriodSeconds=1))
        await until(here.has_restarted(1))


@pytest.mark.usefixtures("both_ways")
async def test_a_pre_stop_that_is_cut_off_does_not_keep_the_pod_whatever_it_has_started(
    tmp_path: Path,
) -> None:
    hook = {"preStop": {"exec": LEAVES_ANOTHER_GROUP}}
    async with node(tmp_path) as here:
        container = {**server(), "lifecycle": hook}
        await here.api.put(pod(container, terminationGracePeriodSeconds=1))
        await here.ready()
        await here.delete()
        await until(here.is_gone)
        await until(lambda: not here.processes())


async def test_a_failing_liveness_probe_restarts_the_container(tmp_path: Path) -> None:
    probe = {"exec": {"command": ["sh", "-c", "echo no pulse; exit 1"]}, "failureThreshold": 1}
    async with node(tmp_path) as here:
        container = {**server(), "livenessProbe": probe}
        await here.api.put(pod(container, terminationGracePeriodSeconds=1))
        await until(here.has_restarted(1))
        await until(lambda: here.messages("Killing"))
        assert "Liveness probe failed: no pulse\n" in await here.messages("Unhealthy")
        assert await here.messages("Killing") == [
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


async def test_the_kubelet_can_be_stopped_at_any_moment_while_containers_crash(
    tmp_path: Path,
) -> None:
    """A cancellation that comes just as a container ends must not get lost."""
    for milliseconds in range(0, 100, 8):
        async with asyncio.timeout(20), node(tmp_path / str(milliseconds), backoff=SOON) as here:
            for number in range(4):
                await here.api.put(pod(shell("exit 1"), name=f"web-{number}"))
            await asyncio.sleep(milliseconds / 1_000)


def waits(runs: list[float]) -> list[float]:
    """The waits after runs of these lengths."""
    backoff, found = RestartBackoff(), []
    before: float | None = None
    for ran_s in runs:
        before = backoff.next(before, ran_s=ran_s)
        found.append(before)
    return found


def test_the_delays_of_a_container_that_always_fails() -> None:
    assert waits([1.0] * 9) == [0, 10, 20, 40, 80, 160, 300, 300, 300]


def test_ten_minutes_of_running_reset_the_delay() -> None:
    for position in range(9):
        found = waits([601.0 if index == position else 1.0 for index in range(9)])
        assert found[position] == 0


def test_no_delay_is_shorter_than_the_one_before_without_ten_minutes_of_running() -> None:
    assert all(later >= earlier for earlier, later in pairwise(waits([600.0] * 20)))


def test_which_policy_restarts_after_which_exit_code() -> None:
    restarted = {
        (policy, code): should_restart(policy, code)
        for policy in ("Always", "OnFailure", "Never")
        for code in (0, 1)
    }
    assert [end for end, again in restarted.items() if again] == [
        ("Always", 0),
        ("Always", 1),
        ("OnFailure", 1),
    ]


@pytest.mark.usefixtures("machine_paths")
async def test_post_start_runs_in_the_container(tmp_path: Path) -> None:
    hook = {
        "postStart": {
            "exec": {
                "command": ["sh", "-c", f"hostname=$HOSTNAME; echo $HOSTNAME > {tmp_path}/note"]
            }
        }
    }
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "lifecycle": hook}))
        await here.ready()
        assert (tmp_path / "note").read_text() == "web-1\n"


async def test_a_container_that_ends_at_once_is_never_ready(tmp_path: Path) -> None:
    seen: list[str] = []
    async with node(tmp_path, backoff=SOON) as here:

        async def follow() -> None:
            async for event in here.api.watch("Pod"):
                ready = find_condition(event.object, "Ready")
                seen.append(ready["status"] if ready else "")

        async with background_task(follow()):
            await here.api.put(pod(shell("exit 1")))
            await until(here.has_restarted(3))
    assert len(seen) > 3
    assert "True" not in seen


@pytest.mark.usefixtures("own_root")
async def test_what_a_hook_leaves_running_is_the_container_s(tmp_path: Path) -> None:
    sleep = "sleep 600 </dev/null >/dev/null 2>&1 &"
    hook = {"postStart": {"exec": {"command": ["sh", "-c", sleep]}}}
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("exec sleep 601", lifecycle=hook)))
        await here.ready()
        _, commands = await run(here, "sh", "-c", "cat /proc/[0-9]*/cmdline")
        assert "sleep\x00600\x00" in commands


@pytest.mark.usefixtures("machine_paths")
async def test_a_container_is_not_running_before_its_post_start_has_ended(tmp_path: Path) -> None:
    wait = f"until [ -e {tmp_path}/note ]; do sleep 0.05; done"
    hook = {"postStart": {"exec": {"command": ["sh", "-c", wait]}}}
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("echo up; exec sleep 600", lifecycle=hook)))
        await until(lambda: here.messages("Started"))
        assert (await here.state())["state"] == {"waiting": {"reason": "ContainerCreating"}}
        assert (await here.pod())["status"]["phase"] == "Pending"
        with pytest.raises(BadRequestError, match="is waiting to start: ContainerCreating"):
            await read(here)
        (tmp_path / "note").touch()
        await here.ready()
        assert await read(here) == "up\n"


@pytest.mark.usefixtures("machine_paths")
async def test_a_post_start_that_fails_is_shown_while_the_container_is_restarted(
    tmp_path: Path,
) -> None:
    script = f"test -e {tmp_path}/note && exec sleep 600; touch {tmp_path}/note; echo no; exit 3"
    hook = {"postStart": {"exec": {"command": ["sh", "-c", script]}}}
    async with node(tmp_path) as here:
        container = shell("trap 'exit 5' TERM; sleep 600 & wait", lifecycle=hook)
        await here.api.put(pod(container, terminationGracePeriodSeconds=1))
        await until(here.state_is("waiting", "PostStartHookError"))
        state, uid = await here.state(), (await here.pod())["metadata"]["uid"]
        assert state["lastState"]["terminated"]["exitCode"] == 5
        assert state["state"]["waiting"]["message"] == (
            f'Exec lifecycle hook ([sh -c {script}]) for Container "web" in Pod '
            f"\"web-1_{SPACE}({uid})\" failed - error: command 'sh -c {script}' exited with 3: "
            'no\n, message: "no\\n"'
        )


async def test_a_post_start_that_fails_ends_the_container(tmp_path: Path) -> None:
    hook = {"postStart": {"exec": {"command": ["false"]}}}
    async with node(tmp_path) as here:
        container = {**server(), "lifecycle": hook}
        await here.api.put(pod(container, terminationGracePeriodSeconds=1))
        await until(here.has_restarted(1))
        assert await here.messages("FailedPostStartHook") == ["PostStartHook failed"]
        assert await here.messages("Killing") == ["FailedPostStartHook"]


async def test_a_post_start_that_fails_ends_a_pod_that_is_not_restarted(tmp_path: Path) -> None:
    hook = {"postStart": {"exec": {"command": ["false"]}}}
    async with node(tmp_path) as here:
        container = shell("exec sleep 600", lifecycle=hook)
        await here.api.put(pod(container, restartPolicy="Never", terminationGracePeriodSeconds=1))
        await until(here.phase_is("Failed"))
        assert (await here.state())["state"]["terminated"]["exitCode"] in (137, 143)


async def test_a_pre_stop_that_fails_does_not_keep_the_pod(tmp_path: Path) -> None:
    hook = {"preStop": {"httpGet": {"port": 1}}}
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "lifecycle": hook}))
        await here.ready()
        await here.delete()
        await until(here.is_gone)
        await until(lambda: here.messages("FailedPreStopHook"))


WEB = Key(SPACE, "web-1")
SOON_READING = RestartBackoff(first_s=0.01, last_s=0.01)


async def read(here: Node, key: Key = WEB, options: LogOptions = LogOptions()) -> str:  # noqa: B008
    return b"".join([line async for line in here.kubelet.logs(key, options)]).decode()


async def run(here: Node, *command: str) -> tuple[int, str]:
    code, output, _ = await communicate(await here.kubelet.execute(WEB, command))
    return code, output.decode()


async def test_what_the_app_wrote_can_be_read(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        await here.wrote("Server started")


async def test_following_ends_with_the_container(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("echo one; sleep 0.2; echo two"), restartPolicy="Never"))
        await here.wrote("one")
        assert await read(here, options=LogOptions(follow=True)) == "one\ntwo\n"


@pytest.mark.usefixtures("machine_paths")
async def test_the_log_of_the_previous_run_can_be_read(tmp_path: Path) -> None:
    flag = tmp_path / "second"
    script = f"test -e {flag} && {{ echo second; sleep 600; }}; touch {flag}; echo first; exit 1"
    async with node(tmp_path, backoff=SOON_READING) as here:
        await here.api.put(pod(shell(script)))
        await here.wrote("second")
        assert await read(here, options=LogOptions(previous=True)) == "first\n"


async def test_the_log_of_the_last_run_can_be_read_during_back_off(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("echo bye; exit 1")))
        await until(here.state_is("waiting", "CrashLoopBackOff"))
        assert await read(here) == "bye\n"


async def test_only_the_newest_two_logs_are_kept(tmp_path: Path) -> None:
    async with node(tmp_path, backoff=SOON_READING) as here:
        await here.api.put(pod(shell("exit 1")))
        await until(here.has_restarted(5))
        assert len(list((tmp_path / "playground/pods").glob("*/web/*.log"))) <= 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (LogOptions(container="nobody"), "container nobody is not valid for pod web-1"),
        (
            LogOptions(container="web", previous=True),
            'previous terminated container "web" in pod "web-1" not found',
        ),
        (
            LogOptions(),
            "a container name must be specified for pod web-1, choose one of: [web side]",
        ),
        (
            LogOptions(container="side"),
            'container "side" in pod "web-1" is waiting to start: trying and failing to pull image',
        ),
    ],
)
async def test_missing_logs_are_refused_in_the_words_of_kubernetes(
    tmp_path: Path, options: LogOptions, message: str
) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server(), {"name": "side", "image": "no-such-image:9.9"}))
        await until(here.state_is("running"))
        with pytest.raises(BadRequestError) as refused:
            await read(here, options=options)
        assert str(refused.value) == message


async def test_a_pod_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        with pytest.raises(NotFoundError, match='pods "nobody" not found'):
            await read(here, Key(SPACE, "nobody"))


async def test_a_command_runs_in_the_pod_s_environment(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        assert await run(here, "node", "-p", "os.hostname()") == (0, "web-1\n")


async def test_the_exit_code_of_a_command_is_returned(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        assert await run(here, "sh", "-c", "exit 3") == (3, "")


async def test_a_command_reads_its_standard_input(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        cat = await here.kubelet.execute(WEB, ["cat"])
        assert await communicate(cat, b"hello") == (0, b"hello", b"")


async def test_a_command_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        with pytest.raises(BadRequestError, match='exec: "nope": executable file not found'):
            await here.kubelet.execute(WEB, ["nope"])


async def test_no_command_runs_in_a_container_that_does_not_run(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "image": "no-such-image:9.9"}))
        await until(here.state_is("waiting", "ErrImagePull"))
        with pytest.raises(BadRequestError, match=r'container not found \("web"\)'):
            await here.kubelet.execute(WEB, ["true"])


async def test_a_command_ends_with_its_pod(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        sleep = await here.kubelet.execute(WEB, ["sleep", "600"])
        await here.delete()
        assert exit_code(await sleep.wait()) == 137
        sleep.close()
