"""All controllers together, on a node that starts pods at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from canarylab.kube_objects import Key, Object, find_condition, key_of, uid_of
from canarylab.playground.controllers import CONTROLLERS, revisions
from canarylab.playground.kube.api import DeleteOptions
from tests.playground.controllers.builders import (
    SPACE,
    deployment,
    edit,
    event_messages,
    pods,
    ready_pods,
    rolling,
    running_controllers,
    service,
    template,
    with_node,
)
from tests.playground.controllers.builders import node as a_node
from tests.playground.fake_api import FakeApi
from tests.waiting import until

WEB = Key(SPACE, "web")
BROKEN = "no-such-image:9.9"


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    api = FakeApi()
    await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    await api.put(a_node())
    async with with_node(api, broken=[BROKEN]), running_controllers(api, *CONTROLLERS):
        yield api


async def status(api: FakeApi) -> Object:
    return dict((await api.get("Deployment", WEB))["status"])


async def reason(api: FakeApi) -> str:
    progressing = find_condition(await api.get("Deployment", WEB), "Progressing") or {}
    return str(progressing.get("reason"))


async def complete(api: FakeApi, replicas: int) -> None:
    """Wait until all is done: this many pods, all new, none ending."""

    async def is_done() -> bool:
        obj = await api.get("Deployment", WEB)
        said = obj.get("status", {})
        counts = {said.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")}
        seen = said.get("observedGeneration") == obj["metadata"]["generation"]
        return bool(
            seen and counts == {replicas} and said["terminatingReplicas"] == 0
            and len(await pods(api)) == replicas
        )  # fmt: skip

    await until(is_done)


async def sizes(api: FakeApi) -> dict[str, int]:
    """Of every ReplicaSet by the image it runs."""
    return {
        one["spec"]["template"]["spec"]["containers"][0]["image"]: one["spec"]["replicas"]
        for one in await api.list("ReplicaSet", SPACE)
    }


async def numbers(api: FakeApi) -> list[int]:
    return sorted(map(revisions.revision_of, await api.list("ReplicaSet", SPACE)))


async def test_a_deployment_gets_its_pods(api: FakeApi) -> None:
    await api.create(deployment(3))
    await complete(api, 3)
    assert await reason(api) == "NewReplicaSetAvailable"
    assert await event_messages(api, "ScalingReplicaSet") == [
        f"Scaled up replica set {(await api.list('ReplicaSet', SPACE))[0]['metadata']['name']} "
        "from 0 to 3"
    ]


async def test_twenty_pods_take_few_writes(api: FakeApi) -> None:
    await api.create(deployment(20))
    await api.create(service())
    await complete(api, 20)
    own = ("Pod", "Event", "EndpointSlice", "Endpoints")
    statuses = [write for write in api.writes if write[1] not in own]
    assert len(statuses) < 3 * 20 + 20


async def test_scaling_follows_up_and_down(api: FakeApi) -> None:
    await api.create(deployment(1))
    for replicas in (5, 2, 0, 3):
        await edit(api, "Deployment", "web", replicas=replicas)
        await complete(api, replicas)


async def test_lost_pods_are_replaced(api: FakeApi) -> None:
    await api.create(deployment(3))
    await complete(api, 3)
    lost = {uid_of(pod) for pod in await pods(api)}
    for pod in await pods(api):
        await api.delete("Pod", key_of(pod))

    async def are_replaced() -> bool:
        return not lost & {uid_of(pod) for pod in await pods(api)}

    await until(are_replaced)
    await complete(api, 3)


async def test_a_lost_replica_set_is_replaced_with_its_pods(api: FakeApi) -> None:
    await api.create(deployment(3))
    await complete(api, 3)
    [old] = await api.list("ReplicaSet", SPACE)
    await api.delete("ReplicaSet", Key(SPACE, old["metadata"]["name"]))

    async def is_replaced() -> bool:
        new = await api.list("ReplicaSet", SPACE)
        mine = [pod for pod in await pods(api) if uid_of(old) not in str(pod["metadata"])]
        return len(new) == 1 and uid_of(new[0]) != uid_of(old) and len(mine) == 3

    await until(is_replaced)
    await complete(api, 3)


async def test_a_new_template_replaces_all_pods_and_keeps_the_old_replica_set(
    api: FakeApi,
) -> None:
    await api.create(deployment(4))
    await complete(api, 4)
    await edit(api, "Deployment", "web", template=template("node_app:2.0"))
    await until(lambda: sizes_are(api, {"node_app:1.0": 0, "node_app:2.0": 4}))
    await complete(api, 4)
    assert await numbers(api) == [1, 2]
    assert revisions.revision_of(await api.get("Deployment", WEB)) == 2


async def sizes_are(api: FakeApi, expected: dict[str, int]) -> bool:
    return await sizes(api) == expected


async def test_a_broken_version_stops_at_the_limits(api: FakeApi) -> None:
    await api.create(deployment(4))
    await complete(api, 4)
    await edit(api, "Deployment", "web", template=template(BROKEN))
    await until(lambda: sizes_are(api, {"node_app:1.0": 3, BROKEN: 2}))
    assert len(await ready_pods(api)) == 3


async def test_undo_reuses_the_old_replica_set_with_a_new_revision(api: FakeApi) -> None:
    await api.create(deployment(4))
    await complete(api, 4)
    await edit(api, "Deployment", "web", template=template(BROKEN))
    await until(lambda: sizes_are(api, {"node_app:1.0": 3, BROKEN: 2}))
    await edit(api, "Deployment", "web", template=template("node_app:1.0"))
    await complete(api, 4)
    assert await sizes(api) == {"node_app:1.0": 4, BROKEN: 0}
    assert await numbers(api) == [2, 3]


async def test_history_is_no_longer_than_its_limit(api: FakeApi) -> None:
    await api.create(deployment(1, revisionHistoryLimit=2))
    await complete(api, 1)
    for version in range(2, 7):
        await edit(api, "Deployment", "web", template=template(f"node_app:{version}.0"))
        await complete(api, 1)
    await until(lambda: numbers_are(api, [4, 5, 6]))


async def numbers_are(api: FakeApi, expected: list[int]) -> bool:
    return await numbers(api) == expected


async def test_recreate_deletes_all_pods_before_it_creates_any(api: FakeApi) -> None:
    await api.create(deployment(3, strategy={"type": "Recreate"}))
    await complete(api, 3)
    await edit(api, "Deployment", "web", template=template("node_app:2.0"))
    await complete(api, 3)
    scaled = [
        message.split(" ", 1)[1] for message in await event_messages(api, "ScalingReplicaSet")
    ]
    assert [words.split()[0] for words in scaled] == ["up", "down", "up"]


async def test_a_paused_deployment_scales_and_does_not_roll(api: FakeApi) -> None:
    await api.create(deployment(2))
    await complete(api, 2)
    await edit(api, "Deployment", "web", paused=True, template=template("node_app:2.0"), replicas=4)
    await until(lambda: sizes_are(api, {"node_app:1.0": 4}))
    await until(lambda: reason_is(api, "DeploymentPaused"))


async def test_a_resumed_deployment_rolls_on(api: FakeApi) -> None:
    await api.create(deployment(2))
    await complete(api, 2)
    await edit(api, "Deployment", "web", paused=True, template=template("node_app:2.0"))
    await until(lambda: reason_is(api, "DeploymentPaused"))
    await edit(api, "Deployment", "web", paused=False)
    await complete(api, 2)
    assert (await sizes(api))["node_app:2.0"] == 2


async def reason_is(api: FakeApi, expected: str) -> bool:
    return await reason(api) == expected


async def test_a_stuck_rollout_times_out(api: FakeApi) -> None:
    await api.create(deployment(2, BROKEN, progressDeadlineSeconds=1))
    await until(lambda: reason_is(api, "ProgressDeadlineExceeded"))


async def test_scaling_in_the_middle_of_a_rollout_keeps_both_sides(api: FakeApi) -> None:
    await api.create(deployment(10, strategy=rolling(3, 2)))
    await complete(api, 10)
    await edit(api, "Deployment", "web", template=template(BROKEN))
    await until(lambda: sizes_are(api, {"node_app:1.0": 8, BROKEN: 5}))
    await edit(api, "Deployment", "web", replicas=15)
    await until(lambda: sizes_are(api, {"node_app:1.0": 11, BROKEN: 7}))


async def test_deleting_a_deployment_deletes_everything_below_it(api: FakeApi) -> None:
    await api.create(deployment(3))
    await complete(api, 3)
    await api.delete("Deployment", WEB)
    await until(lambda: is_empty(api, "Pod"))
    assert await api.list("ReplicaSet", SPACE) == []


async def is_empty(api: FakeApi, kind: str) -> bool:
    return await api.list(kind, SPACE) == []


async def test_with_foreground_deletion_the_deployment_goes_last(api: FakeApi) -> None:
    await api.create(deployment(3))
    await complete(api, 3)
    await api.delete("Deployment", WEB, DeleteOptions(propagation="Foreground"))
    await until(lambda: is_empty(api, "Deployment"))
    assert await pods(api) == []
    assert await api.list("ReplicaSet", SPACE) == []


async def test_orphans_stay_and_are_adopted_by_the_next_deployment(api: FakeApi) -> None:
    await api.create(deployment(3))
    await complete(api, 3)
    before = {uid_of(pod) for pod in await pods(api)}
    await api.delete("Deployment", WEB, DeleteOptions(propagation="Orphan"))
    await until(lambda: is_empty(api, "Deployment"))
    await api.create(deployment(3))
    await complete(api, 3)
    assert {uid_of(pod) for pod in await pods(api)} == before


async def test_deleting_a_namespace_deletes_its_content(api: FakeApi) -> None:
    await api.create(deployment(3))
    await api.create(service())
    await complete(api, 3)
    await api.delete("Namespace", Key("", SPACE))

    async def is_gone() -> bool:
        return await api.list("Namespace") == []

    await until(is_gone)
    kinds = ("Pod", "ReplicaSet", "Deployment", "Service", "EndpointSlice")
    assert [await api.list(kind, SPACE) for kind in kinds] == [[]] * 5


async def test_a_service_gets_endpoints_that_are_deleted_with_it(api: FakeApi) -> None:
    await api.create(deployment(3))
    await api.create(service())

    async def addresses() -> list[str]:
        return [
            address
            for one in await api.list("EndpointSlice", SPACE)
            for endpoint in one["endpoints"] or []
            if endpoint["conditions"]["ready"]
            for address in endpoint["addresses"]
        ]

    async def has_three() -> bool:
        return len(await addresses()) == 3

    await until(has_three)
    await api.delete("Service", WEB)
    await until(lambda: is_empty(api, "EndpointSlice"))
    await until(lambda: is_empty(api, "Endpoints"))
