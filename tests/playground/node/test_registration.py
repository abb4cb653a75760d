"""Does the node join the cluster and stay in it?"""

from __future__ import annotations

from datetime import UTC, datetime

from canarylab.playground.kube.api import Key
from canarylab.playground.kube.objects import find_condition
from canarylab.playground.node.registration import register
from tests.playground.fake_api import FakeApi

NODE = Key("", "playground")
EARLY = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
LATE = datetime(2026, 11, 22, 21, 5, tzinfo=UTC)


async def test_the_node_is_made_and_ready() -> None:
    api = FakeApi()
    await register(api, EARLY, "127.64.0.1")
    ready = find_condition(await api.get("Node", NODE), "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("True", "KubeletReady")


async def test_a_heartbeat_renews_the_time_and_keeps_the_transition() -> None:
    api = FakeApi()
    await register(api, EARLY, "127.64.0.1")
    await register(api, LATE, "127.64.0.1")
    ready = find_condition(await api.get("Node", NODE), "Ready")
    assert ready is not None
    times = (ready["lastTransitionTime"], ready["lastHeartbeatTime"])
    assert times == ("2026-11-22T21:00:00Z", "2026-11-22T21:05:00Z")


async def test_a_node_that_somebody_deleted_comes_back() -> None:
    api = FakeApi()
    await register(api, EARLY, "127.64.0.1")
    await api.delete("Node", NODE)
    await register(api, LATE, "127.64.0.1")
    assert await api.get("Node", NODE)


async def test_what_others_wrote_on_the_node_stays() -> None:
    api = FakeApi()
    await register(api, EARLY, "127.64.0.1")
    node = await api.get("Node", NODE)
    await api.update({**node, "spec": {"unschedulable": True}})
    await register(api, LATE, "127.64.0.1")
    assert (await api.get("Node", NODE))["spec"] == {"unschedulable": True}


async def test_it_says_what_it_is() -> None:
    api = FakeApi()
    await register(api, EARLY, "127.64.0.1")
    info = (await api.get("Node", NODE))["status"]["nodeInfo"]
    assert info["containerRuntimeVersion"].startswith("process://")
    assert info["kubeletVersion"] == "v1.36.2"
