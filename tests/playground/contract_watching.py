"""What every `Api` promises to those who listen."""

from __future__ import annotations

import itertools

from canarylab.playground.kube.api import IMMEDIATELY, Api, Key
from tests.playground.contract_objects import (
    SPACE,
    Contract,
    changed,
    config_map,
    deployment,
    pod,
    relabelled,
    seen,
    watching,
)


class Watched(Contract):
    """Hearing of changes."""

    async def test_a_watch_begins_with_all_there_are(self, lab: Api) -> None:
        for name in ("a", "b"):
            await lab.create(config_map(name))
        async with watching(lab, "ConfigMap") as events:
            assert sorted(await seen(events, 2)) == [("ADDED", "a"), ("ADDED", "b")]

    async def test_every_change_is_told_in_order(self, lab: Api) -> None:
        await lab.create(config_map("shapes"))
        async with watching(lab, "ConfigMap") as events:
            await seen(events, 1)
            made = await lab.create(config_map("colours"))
            await lab.update(changed(made, data={"stable": "blue"}))
            await lab.delete("ConfigMap", Key(SPACE, "colours"))
            changes = ["ADDED", "MODIFIED", "DELETED"]
            assert await seen(events, 3) == [(change, "colours") for change in changes]

    async def test_versions_only_grow(self, lab: Api) -> None:
        for name in ("a", "b"):
            made = await lab.create(config_map(name))
        async with watching(lab, "ConfigMap") as events:
            await seen(events, 2)
            await lab.update(changed(made, data={"stable": "blue"}))
            await lab.delete("ConfigMap", Key(SPACE, "b"))
            told = [(await anext(events)).object["metadata"] for _ in range(2)]
        versions = [int(meta["resourceVersion"]) for meta in [made["metadata"], *told]]
        assert all(one < other for one, other in itertools.pairwise(versions))

    async def test_a_write_that_changes_nothing_is_not_told(self, lab: Api) -> None:
        made = await lab.create(deployment("web"))
        reported = await lab.update_status(changed(made, status={"replicas": 3}))
        async with watching(lab, "Deployment") as events:
            await seen(events, 1)
            same = await lab.update(reported)
            also = await lab.update_status(reported)
            assert same["metadata"] == also["metadata"] == reported["metadata"]
            await lab.update(relabelled(reported, app="last"))
            last = (await anext(events)).object
        assert last["metadata"]["labels"] == {"app": "last"}

    async def test_a_graceful_end_is_two_events(self, lab: Api) -> None:
        await lab.create(pod("web", nodeName="playground"))
        async with watching(lab, "Pod") as events:
            await seen(events, 1)
            await lab.delete("Pod", Key(SPACE, "web"))
            await lab.delete("Pod", Key(SPACE, "web"), IMMEDIATELY)
            told = [change for change, _ in await seen(events, 2)]
        assert told == ["MODIFIED", "DELETED"]

    async def test_a_watch_hears_only_of_its_kind(self, lab: Api) -> None:
        await lab.create(pod("first"))
        async with watching(lab, "Pod") as events:
            await seen(events, 1)
            await lab.create(config_map("colours"))
            await lab.create(pod("second"))
            assert await seen(events, 1) == [("ADDED", "second")]

    async def test_two_watches_hear_the_same(self, lab: Api) -> None:
        await lab.create(pod("first"))
        async with watching(lab, "Pod") as one, watching(lab, "Pod") as other:
            assert await seen(one, 1) == await seen(other, 1)
            await lab.create(pod("second"))
            assert await seen(one, 1) == await seen(other, 1) == [("ADDED", "second")]
