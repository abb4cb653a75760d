"""Taking objects away over HTTP."""

from __future__ import annotations

from typing import Any

from canarylab.playground.kube.api import Key
from tests.playground.apiserver.serving import Server, config_map, deployment, pod

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/web"


async def left(server: Server, kind: str) -> list[str]:
    return [obj["metadata"]["name"] for obj in await server.api.list(kind, "default")]


async def test_what_is_gone_is_said_by_uid(server: Server) -> None:
    made = await server.api.create(config_map())
    reply = await server.ask("DELETE", f"{MAPS}/colours")
    assert (reply.code, reply.body["status"]) == (200, "Success")
    uid = made["metadata"]["uid"]
    assert reply.body["details"] == {"name": "colours", "kind": "configmaps", "uid": uid}


async def test_a_pod_that_takes_its_time_is_the_answer(server: Server) -> None:
    await server.api.create(pod())
    reply = await server.ask("DELETE", f"{PODS}/web", {"gracePeriodSeconds": 5})
    assert reply.body["kind"] == "Pod"
    assert reply.body["metadata"]["deletionGracePeriodSeconds"] == 5


async def test_a_pod_that_is_gone_is_the_answer_too(server: Server) -> None:
    await server.api.create(pod())
    reply = await server.ask("DELETE", f"{PODS}/web?gracePeriodSeconds=0")
    assert reply.body["kind"] == "Pod"
    assert await left(server, "Pod") == []


async def test_the_policy_may_stand_in_the_body_or_in_the_query(server: Server) -> None:
    asked: list[Any] = []
    for query, body in (("?propagationPolicy=Orphan", None), ("", {"propagationPolicy": "Orphan"})):
        await server.api.create(deployment())
        reply = await server.ask("DELETE", DEPLOYMENT + query, body)
        asked.append(reply.body["metadata"]["finalizers"])
        bare = {**reply.body, "metadata": {**reply.body["metadata"], "finalizers": []}}
        await server.api.update(bare)
    assert asked == [["orphan"], ["orphan"]]


async def test_an_unknown_policy_is_refused(server: Server) -> None:
    await server.api.create(deployment())
    reply = await server.ask("DELETE", f"{DEPLOYMENT}?propagationPolicy=Sideways")
    assert reply.code == 400
    assert await left(server, "Deployment") == ["web"]


async def test_another_uid_is_a_conflict(server: Server) -> None:
    made = await server.api.create(config_map())
    body = {"preconditions": {"uid": "another"}}
    reply = await server.ask("DELETE", f"{MAPS}/colours", body)
    assert (reply.code, reply.body["message"]) == (
        409,
        'Operation cannot be fulfilled on configmaps "colours": Precondition failed: '
        f"UID in precondition: another, UID in object meta: {made['metadata']['uid']}",
    )


async def test_another_version_is_a_conflict(server: Server) -> None:
    await server.api.create(config_map())
    body = {"preconditions": {"resourceVersion": "1"}}
    assert (await server.ask("DELETE", f"{MAPS}/colours", body)).code == 409


async def test_a_dry_run_takes_nothing_away(server: Server) -> None:
    await server.api.create(config_map())
    await server.ask("DELETE", f"{MAPS}/colours", {"dryRun": ["All"]})
    assert await left(server, "ConfigMap") == ["colours"]


async def test_a_selection_goes_at_once(server: Server) -> None:
    for name in ("one", "two"):
        await server.api.create(config_map(name))
    reply = await server.ask("DELETE", f"{MAPS}?fieldSelector=metadata.name%3Done")
    assert [item["metadata"]["name"] for item in reply.body["items"]] == ["one"]
    assert await left(server, "ConfigMap") == ["two"]


async def test_an_eviction_is_a_polite_deletion(server: Server) -> None:
    await server.api.create(pod())
    review = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}}
    reply = await server.ask("POST", f"{PODS}/web/eviction", review)
    assert (reply.code, reply.body["status"]) == (201, "Success")
    leaving = await server.api.get("Pod", Key("default", "web"))
    assert leaving["metadata"]["deletionGracePeriodSeconds"] == 30
