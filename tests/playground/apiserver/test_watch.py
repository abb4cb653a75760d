"""Watches over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from canarylab.errors import BadRequestError
from canarylab.kube_objects import Key, Object
from canarylab.playground.apiserver.store import Change, ChangeType, Store
from canarylab.playground.apiserver.watch import WatchEncoder, WatchStart, watch_start
from canarylab.playground.kube.api import IMMEDIATELY
from canarylab.playground.kube.kinds import KINDS, SERVED_KINDS
from canarylab.playground.kube.selectors import by_label_query
from tests.playground.apiserver.documents import gateway
from tests.playground.apiserver.server import Server, config_map, pod
from tests.waiting import until

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
AS_TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


class Listener:
    """Reads the lines of one watch."""

    def __init__(self, content: Any) -> None:
        self._content = content

    async def next(self) -> Object:
        async with asyncio.timeout(5):
            return dict(json.loads(await self._content.readline()))

    async def told(self) -> tuple[str, str]:
        event = await self.next()
        return event["type"], event["object"]["metadata"]["name"]

    async def rest(self) -> list[Object]:
        """All until the server ends it."""
        async with asyncio.timeout(5):
            return [json.loads(line) for line in (await self._content.read()).splitlines()]


@asynccontextmanager
async def watch(
    server: Server, path: str, query: str = "", **headers: str
) -> AsyncIterator[Listener]:
    async with (
        server.session(**headers) as session,
        session.get(f"{path}?watch=true&{query}") as response,
    ):
        yield Listener(response.content)


def relabelled(obj: Object, **labels: str) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "labels": labels}}


async def test_a_watch_begins_with_all_objects(server: Server) -> None:
    await server.api.create(config_map("one"))
    async with watch(server, MAPS) as listener:
        assert await listener.told() == ("ADDED", "one")
        await server.api.create(config_map("two"))
        assert await listener.told() == ("ADDED", "two")


@pytest.mark.parametrize("truth", ["true", "True", "1"])
async def test_the_watch_parameter_is_true_in_several_spellings(server: Server, truth: str) -> None:
    await server.api.create(config_map())
    async with server.session() as session, session.get(f"{MAPS}?watch={truth}") as response:
        assert await Listener(response.content).told() == ("ADDED", "colours")


async def test_the_headers_are_sent_before_the_first_event(server: Server) -> None:
    path = f"{MAPS}?watch=true&resourceVersion=1"
    async with asyncio.timeout(5), server.session() as session, session.get(path) as response:
        assert response.status == 200


async def test_a_watch_can_begin_where_a_list_ended(server: Server) -> None:
    await server.api.create(config_map("listed"))
    version = (await server.get(MAPS))["metadata"]["resourceVersion"]
    await server.api.create(config_map("missed"))
    async with watch(server, MAPS, f"resourceVersion={version}") as listener:
        assert await listener.told() == ("ADDED", "missed")


async def test_a_watch_of_one_namespace_has_no_other_events(server: Server) -> None:
    async with watch(server, MAPS) as listener:
        far = {**config_map(), "metadata": {"name": "far", "namespace": "kube-public"}}
        await server.api.create(far)
        await server.api.create(config_map("near"))
        assert await listener.told() == ("ADDED", "near")


async def test_a_watch_with_a_selector_sees_objects_added_and_deleted(server: Server) -> None:
    made = await server.api.create(config_map())
    async with watch(server, MAPS, "labelSelector=track%3Dcanary") as listener:
        made = await server.api.update(relabelled(made, track="canary"))
        assert await listener.told() == ("ADDED", "colours")
        made = await server.api.update(relabelled(made, track="stable"))
        gone = await listener.next()
    assert gone["type"] == "DELETED"
    assert gone["object"]["metadata"]["labels"] == {"track": "canary"}
    version = made["metadata"]["resourceVersion"]
    assert gone["object"]["metadata"]["resourceVersion"] == version


async def test_the_deletion_of_an_unselected_object_is_not_sent(server: Server) -> None:
    await server.api.create(config_map("other"))
    query = "fieldSelector=metadata.name%3Dcolours&timeoutSeconds=1"
    async with watch(server, MAPS, query) as listener:
        await server.api.delete("ConfigMap", Key("default", "other"))
        assert await listener.rest() == []


async def test_a_watch_ends_after_its_timeout(server: Server) -> None:
    async with watch(server, MAPS, "timeoutSeconds=1&allowWatchBookmarks=true") as listener:
        (mark,) = await listener.rest()
    assert mark["type"] == "BOOKMARK"
    assert mark["object"] == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": str(server.api.store.version)},
    }


async def test_initial_events_end_with_a_bookmark(server: Server) -> None:
    await server.api.create(config_map())
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    async with watch(server, MAPS, query) as listener:
        assert await listener.told() == ("ADDED", "colours")
        mark = await listener.next()
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_initial_events_can_be_omitted(server: Server) -> None:
    await server.api.create(config_map("old"))
    query = "sendInitialEvents=false&resourceVersionMatch=NotOlderThan"
    async with watch(server, MAPS, query) as listener:
        await server.api.create(config_map("new"))
        assert await listener.told() == ("ADDED", "new")


async def test_a_watch_from_a_lost_version_is_gone(server: Server) -> None:
    far_ahead = server.api.store.version + 1000
    async with watch(server, MAPS, f"resourceVersion={far_ahead}") as listener:
        (event,) = await listener.rest()
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


async def test_kubectl_watches_tables(server: Server) -> None:
    await server.api.create(pod("one"))
    async with watch(server, PODS, **AS_TABLE) as listener:
        first = await listener.next()
        await server.api.create(pod("two"))
        second = await listener.next()
    assert first["object"]["columnDefinitions"][0]["name"] == "Name"
    assert second["object"]["columnDefinitions"] is None
    names = [event["object"]["rows"][0]["cells"][0] for event in (first, second)]
    assert names == ["one", "two"]


async def test_a_deleted_pod_is_seen_terminating(server: Server) -> None:
    await server.api.create(pod())
    async with watch(server, PODS) as listener:
        await server.api.delete("Pod", Key("default", "web"))
        await server.api.delete("Pod", Key("default", "web"), IMMEDIATELY)
        told = [await listener.told() for _ in range(3)]
    assert [what for what, _ in told] == ["ADDED", "MODIFIED", "DELETED"]


async def test_a_disconnected_client_has_no_subscription(server: Server) -> None:
    async with watch(server, MAPS):
        assert listeners(server.api.store) == 1
    await until(lambda: listeners(server.api.store) == 0)


def listeners(store: Store) -> int:
    return sum(map(len, store._subscriptions.values()))


def pod_of_track(track: str) -> Object:
    meta = {"name": "web", "labels": {"track": track}, "resourceVersion": "1"}
    return {"kind": "Pod", "metadata": meta}


def told(change: Change) -> str | None:
    line = WatchEncoder(KINDS["Pod"], by_label_query("track=canary")).changes([change])
    return json.loads(line)["type"] if line else None


@pytest.mark.parametrize(
    ("before", "happened", "after", "expected"),
    [
        (None, "ADDED", "canary", "ADDED"),
        (None, "ADDED", "stable", None),
        ("canary", "MODIFIED", "canary", "MODIFIED"),
        ("stable", "MODIFIED", "canary", "ADDED"),
        ("canary", "MODIFIED", "stable", "DELETED"),
        ("stable", "MODIFIED", "stable", None),
        ("canary", "DELETED", "canary", "DELETED"),
        ("stable", "DELETED", "stable", None),
    ],
)
def test_events_depend_on_the_selector(
    before: str | None, happened: ChangeType, after: str, expected: str | None
) -> None:
    previous = None if before is None else pod_of_track(before)
    assert told(Change(happened, pod_of_track(after), previous, 7)) == expected


@pytest.mark.parametrize(
    ("query", "start"),
    [
        ({}, WatchStart(None, sends_initial=True, marks_initial_end=False)),
        ({"resourceVersion": ""}, WatchStart(None, sends_initial=True, marks_initial_end=False)),
        ({"resourceVersion": "0"}, WatchStart(None, sends_initial=True, marks_initial_end=False)),
        ({"resourceVersion": "7"}, WatchStart(7, sends_initial=False, marks_initial_end=False)),
        (
            {"resourceVersion": "7", "sendInitialEvents": "true"},
            WatchStart(None, sends_initial=True, marks_initial_end=True),
        ),
        (
            {"resourceVersion": "7", "sendInitialEvents": "False"},
            WatchStart(7, sends_initial=False, marks_initial_end=False),
        ),
        (
            {"sendInitialEvents": "false"},
            WatchStart(None, sends_initial=False, marks_initial_end=False),
        ),
    ],
)
def test_the_start_of_a_watch(query: Mapping[str, str], start: WatchStart) -> None:
    assert watch_start(query) == start


def test_an_invalid_resource_version_is_refused() -> None:
    with pytest.raises(BadRequestError, match="resourceVersion"):
        watch_start({"resourceVersion": "latest"})


def test_bookmarks_are_sent_if_allowed() -> None:
    assert WatchEncoder(KINDS["Pod"], bool).bookmark(7) == b""


def test_a_watch_of_an_older_version_tells_objects_in_that_version() -> None:
    older = next(
        kind for kind in SERVED_KINDS if (kind.kind, kind.version) == ("Gateway", "v1beta1")
    )
    stored = {**gateway(), "metadata": {"name": "canarylab", "resourceVersion": "7"}}
    encoder = WatchEncoder(older, by_label_query(""))
    for line in (encoder.initial([stored]), encoder.changes([Change("ADDED", stored, None, 7)])):
        assert json.loads(line)["object"] == {**stored, "apiVersion": older.api_version}
