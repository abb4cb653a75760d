"""Are hooks run?"""

from __future__ import annotations

from pathlib import Path

from tests.playground.node.node_world import node, pod, server
from tests.waiting import until


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


async def test_a_post_start_that_fails_ends_the_container(tmp_path: Path) -> None:
    hook = {"postStart": {"exec": {"command": ["false"]}}}
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "lifecycle": hook}))
        await until(here.has_restarted(1))
        assert await here.said("FailedPostStartHook")


async def test_a_pre_stop_that_fails_does_not_keep_the_pod(tmp_path: Path) -> None:
    hook = {"preStop": {"httpGet": {"port": 1}}}
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "lifecycle": hook}))
        await here.ready()
        await here.delete()
        await until(here.is_gone)
        await until(lambda: here.said("FailedPreStopHook"))
