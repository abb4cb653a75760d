"""Can one read a pod's logs and run commands in it?"""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.errors import BadRequestError, NotFoundError
from canarylab.playground.kube.api import Key, LogOptions
from canarylab.playground.node.restarts import RestartDelays
from tests.playground.node.node_world import SPACE, Node, node, pod, server, shell
from tests.waiting import until

WEB = Key(SPACE, "web-1")
SOON = RestartDelays(first_s=0.01, last_s=0.01)


async def read(here: Node, key: Key = WEB, options: LogOptions = LogOptions()) -> str:  # noqa: B008
    return b"".join([line async for line in here.kubelet.logs(key, options)]).decode()


async def run(here: Node, *command: str) -> tuple[int | None, str]:
    process = await here.kubelet.execute(WEB, command)
    output, _ = await process.communicate(b"")
    return process.returncode, output.decode()


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


async def test_the_log_of_the_run_before_can_be_read(tmp_path: Path) -> None:
    flag = tmp_path / "second"
    script = f"test -e {flag} && {{ echo second; sleep 600; }}; touch {flag}; echo first; exit 1"
    async with node(tmp_path, delays=SOON) as here:
        await here.api.put(pod(shell(script)))
        await here.wrote("second")
        assert await read(here, options=LogOptions(previous=True)) == "first\n"


async def test_while_it_waits_to_be_restarted_the_last_run_can_be_read(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("echo bye; exit 1")))
        await until(here.state_is("waiting", "CrashLoopBackOff"))
        assert await read(here) == "bye\n"


async def test_only_the_newest_two_logs_are_kept(tmp_path: Path) -> None:
    async with node(tmp_path, delays=SOON) as here:
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
async def test_logs_that_are_not_there_are_refused_in_kubernetes_words(
    tmp_path: Path, options: LogOptions, message: str
) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server(), {"name": "side", "image": "no-such-image:9.9"}))
        await until(here.state_is("running"))
        with pytest.raises(BadRequestError) as refused:
            await read(here, options=options)
        assert str(refused.value) == message


async def test_a_pod_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        with pytest.raises(NotFoundError, match='pods "nobody" not found'):
            await read(here, Key(SPACE, "nobody"))


async def test_a_command_runs_in_the_pod_s_environment(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        assert await run(here, "node", "-p", "os.hostname()") == (0, "web-1\n")


async def test_the_exit_code_of_a_command_is_told(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        assert await run(here, "sh", "-c", "exit 3") == (3, "")


async def test_a_command_reads_what_it_is_given(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        process = await here.kubelet.execute(WEB, ["cat"])
        assert await process.communicate(b"hello") == (b"hello", b"")


async def test_a_command_that_is_not_there_is_refused(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        with pytest.raises(BadRequestError, match='exec: "nope": executable file not found'):
            await here.kubelet.execute(WEB, ["nope"])


async def test_no_command_runs_in_a_container_that_does_not(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "image": "no-such-image:9.9"}))
        await until(here.state_is("waiting", "ErrImagePull"))
        with pytest.raises(BadRequestError, match=r'container not found \("web"\)'):
            await here.kubelet.execute(WEB, ["true"])


async def test_a_command_ends_with_its_pod(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        await here.ready()
        process = await here.kubelet.execute(WEB, ["sleep", "600"])
        await here.delete()
        await process.communicate()
        assert process.returncode == -9
