"""The subresource that `kubectl scale` speaks to."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.kube.api import Key
from tests.playground.apiserver.serving import Server, deployment

SCALE = "/apis/apps/v1/namespaces/default/deployments/web/scale"
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture(autouse=True)
async def _deployed(server: Server) -> None:
    await server.api.create(deployment(replicas=3))


async def replicas(server: Server) -> int:
    return int((await server.api.get("Deployment", Key("default", "web")))["spec"]["replicas"])


async def test_it_says_how_many_and_which(server: Server) -> None:
    said = await server.get(SCALE)
    assert (said["kind"], said["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert said["spec"] == {"replicas": 3}
    assert said["status"] == {"replicas": 0, "selector": "app=nodeapp"}


async def test_a_patch_scales(server: Server) -> None:
    reply = await server.ask("PATCH", SCALE, {"spec": {"replicas": 5}}, **MERGE)
    assert reply.body["spec"] == {"replicas": 5}
    assert await replicas(server) == 5


async def test_the_python_client_may_patch_it_its_own_way(server: Server) -> None:
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    await server.ask("PATCH", SCALE, {"spec": {"replicas": 5}}, **headers)
    assert await replicas(server) == 5


async def test_a_put_scales(server: Server) -> None:
    said = await server.get(SCALE)
    await server.ask("PUT", SCALE, {**said, "spec": {"replicas": 2}})
    assert await replicas(server) == 2


async def test_zero_is_left_out_of_the_answer(server: Server) -> None:
    reply = await server.ask("PATCH", SCALE, {"spec": {"replicas": 0}}, **MERGE)
    assert reply.body["spec"] == {}
    assert await replicas(server) == 0


async def test_a_stale_put_is_a_conflict(server: Server) -> None:
    said = await server.get(SCALE)
    await server.ask("PATCH", SCALE, {"spec": {"replicas": 5}}, **MERGE)
    reply = await server.ask("PUT", SCALE, {**said, "spec": {"replicas": 2}})
    assert (reply.code, await replicas(server)) == (409, 5)


@pytest.mark.parametrize(("wish", "code"), [(-1, 422), ("x", 400), (True, 400)])
async def test_nonsense_is_refused_and_changes_nothing(
    server: Server, wish: Any, code: int
) -> None:
    reply = await server.ask("PATCH", SCALE, {"spec": {"replicas": wish}}, **MERGE)
    assert (reply.code, await replicas(server)) == (code, 3)
