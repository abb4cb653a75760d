"""Does the kubelet run pods?"""

from __future__ import annotations

from pathlib import Path

from tests.playground.node.node_world import fetch, node, pod, server


async def test_a_pod_becomes_ready_and_answers_at_its_address(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        ready = await here.ready()
        assert "web-1" in await fetch(ready["status"]["podIP"])
