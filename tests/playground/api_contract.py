"""The contract suite of `Api`, with builders of objects for it.

A test module runs it by inheriting the tests and providing an API:

    class TestMine(ApiContract):
        @pytest.fixture
        async def api(self) -> Api:
            return mine()
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest

from canarylab.errors import AlreadyExistsError, ConflictError, NotFoundError
from canarylab.kube_objects import Key, Object, find_condition, is_terminating, key_of, uid_of
from canarylab.playground.kube.api import IMMEDIATELY, Api, DeleteOptions, WatchEvent

SPACE = "lab"


def config_map(name: str, **data: str) -> Object:
    """A ConfigMap with this data."""
    meta = {"name": name, "namespace": SPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def pod(name: str, **spec: Any) -> Object:
    """A valid pod; `nodeName` binds it to a node."""
    container = {"name": "nodeapp", "image": "node_app:1.0"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": SPACE, "labels": {"app": "nodeapp"}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 30, **spec},
    }


def deployment(name: str) -> Object:
    """A Deployment of three."""
    labels = {"app": "nodeapp"}
    template = {"metadata": {"labels": labels}, "spec": pod("any")["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"replicas": 3, "selector": {"matchLabels": labels}, "template": template},
    }


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


async def seen(events: AsyncIterator[WatchEvent], count: int) -> list[tuple[str, str]]:
    """The types of the next events of a watch, and the names of their objects."""
    async with asyncio.timeout(5):
        return [
            (event.type, event.object["metadata"]["name"])
            for event in [await anext(events) for _ in range(count)]
        ]


def changed(obj: Object, **fields: Any) -> Object:
    return {**obj, **fields}


def relabelled(obj: Object, **labels: str) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "labels": labels}}


def without_version(obj: Object) -> Object:
    meta = {name: value for name, value in obj["metadata"].items() if name != "resourceVersion"}
    return {**obj, "metadata": meta}


def watching(api: Api, kind: str) -> aclosing[Any]:
    """A watch that is closed with the block."""
    return aclosing(cast("Any", api.watch(kind)))


class Contract:
    """Subclasses provide the fixture `api`."""

    @pytest.fixture
    async def lab(self, api: Api) -> Api:
        """The API with a namespace."""
        await api.create(namespace(SPACE))
        return api


class Deleted(Contract):
    """Deletion, with grace periods, finalizers and propagation policies."""

    async def test_an_object_without_finalizers_is_removed_at_once(self, lab: Api) -> None:
        await lab.create(config_map("colours"))
        await lab.delete("ConfigMap", Key(SPACE, "colours"))
        assert await lab.list("ConfigMap", SPACE) == []

    async def test_deleting_a_missing_object_is_not_found(self, lab: Api) -> None:
        with pytest.raises(NotFoundError):
            await lab.delete("ConfigMap", Key(SPACE, "nope"))

    async def test_deleting_with_another_uid_is_a_conflict(self, lab: Api) -> None:
        await lab.create(config_map("colours"))
        with pytest.raises(ConflictError):
            await lab.delete("ConfigMap", Key(SPACE, "colours"), DeleteOptions(uid="another"))
        assert await lab.get("ConfigMap", Key(SPACE, "colours"))

    async def test_a_pod_without_a_node_is_removed_at_once(self, lab: Api) -> None:
        await lab.create(pod("web"))
        await lab.delete("Pod", Key(SPACE, "web"))
        assert await lab.list("Pod", SPACE) == []

    async def test_a_pod_with_a_node_is_given_its_grace_period(self, lab: Api) -> None:
        await lab.create(pod("web", nodeName="playground"))
        await lab.delete("Pod", Key(SPACE, "web"))
        terminating = await lab.get("Pod", Key(SPACE, "web"))
        assert is_terminating(terminating)
        assert terminating["metadata"]["deletionGracePeriodSeconds"] == 30

    async def test_the_node_removes_the_pod_with_grace_period_zero(self, lab: Api) -> None:
        await lab.create(pod("web", nodeName="playground"))
        await lab.delete("Pod", Key(SPACE, "web"))
        await lab.delete("Pod", Key(SPACE, "web"), IMMEDIATELY)
        assert await lab.list("Pod", SPACE) == []

    async def test_a_second_request_may_shorten_the_grace_period(self, lab: Api) -> None:
        await lab.create(pod("web", nodeName="playground"))
        for grace_s in (20, 5, 60):
            await lab.delete("Pod", Key(SPACE, "web"), DeleteOptions(grace_period_s=grace_s))
        terminating = await lab.get("Pod", Key(SPACE, "web"))
        assert terminating["metadata"]["deletionGracePeriodSeconds"] == 5

    async def test_a_finalizer_keeps_a_deleted_object(self, lab: Api) -> None:
        held = config_map("colours")
        held["metadata"]["finalizers"] = ["canarylab/held"]
        await lab.create(held)
        await lab.delete("ConfigMap", Key(SPACE, "colours"))
        assert is_terminating(await lab.get("ConfigMap", Key(SPACE, "colours")))

    async def test_removing_the_last_finalizer_removes_the_object(self, lab: Api) -> None:
        held = config_map("colours")
        held["metadata"]["finalizers"] = ["canarylab/held"]
        await lab.create(held)
        await lab.delete("ConfigMap", Key(SPACE, "colours"))
        terminating = await lab.get("ConfigMap", Key(SPACE, "colours"))
        await lab.update({**terminating, "metadata": {**terminating["metadata"], "finalizers": []}})
        assert await lab.list("ConfigMap", SPACE) == []

    @pytest.mark.parametrize(
        ("propagation", "finalizer"),
        [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")],
    )
    async def test_foreground_and_orphan_wait_for_the_garbage_collector(
        self, lab: Api, propagation: Any, finalizer: str
    ) -> None:
        await lab.create(deployment("web"))
        await lab.delete("Deployment", Key(SPACE, "web"), DeleteOptions(propagation=propagation))
        terminating = await lab.get("Deployment", Key(SPACE, "web"))
        assert is_terminating(terminating)
        assert terminating["metadata"]["finalizers"] == [finalizer]

    async def test_background_removes_the_owner_at_once(self, lab: Api) -> None:
        await lab.create(deployment("web"))
        options = DeleteOptions(propagation="Background")
        await lab.delete("Deployment", Key(SPACE, "web"), options)
        assert await lab.list("Deployment", SPACE) == []

    async def test_a_namespace_waits_to_be_emptied(self, lab: Api) -> None:
        await lab.delete("Namespace", Key("", SPACE))
        terminating = await lab.get("Namespace", Key("", SPACE))
        assert is_terminating(terminating)
        assert terminating["status"]["phase"] == "Terminating"
        assert terminating["spec"]["finalizers"] == ["kubernetes"]

    async def test_a_namespace_without_finalizers_is_removed(self, lab: Api) -> None:
        await lab.delete("Namespace", Key("", SPACE))
        terminating = await lab.get("Namespace", Key("", SPACE))
        await lab.update(changed(terminating, spec={**terminating["spec"], "finalizers": []}))
        with pytest.raises(NotFoundError):
            await lab.get("Namespace", Key("", SPACE))


class Watched(Contract):
    """Watches."""

    async def test_a_watch_begins_with_all_objects(self, lab: Api) -> None:
        for name in ("a", "b"):
            await lab.create(config_map(name))
        async with watching(lab, "ConfigMap") as events:
            assert sorted(await seen(events, 2)) == [("ADDED", "a"), ("ADDED", "b")]

    async def test_every_change_is_an_event_in_order(self, lab: Api) -> None:
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
            found = [(await anext(events)).object["metadata"] for _ in range(2)]
        versions = [int(meta["resourceVersion"]) for meta in [made["metadata"], *found]]
        assert all(one < other for one, other in itertools.pairwise(versions))

    async def test_a_write_that_changes_nothing_is_no_event(self, lab: Api) -> None:
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

    async def test_a_graceful_deletion_is_two_events(self, lab: Api) -> None:
        await lab.create(pod("web", nodeName="playground"))
        async with watching(lab, "Pod") as events:
            await seen(events, 1)
            await lab.delete("Pod", Key(SPACE, "web"))
            await lab.delete("Pod", Key(SPACE, "web"), IMMEDIATELY)
            found = [change for change, _ in await seen(events, 2)]
        assert found == ["MODIFIED", "DELETED"]

    async def test_a_watch_has_only_events_of_its_kind(self, lab: Api) -> None:
        await lab.create(pod("first"))
        async with watching(lab, "Pod") as events:
            await seen(events, 1)
            await lab.create(config_map("colours"))
            await lab.create(pod("second"))
            assert await seen(events, 1) == [("ADDED", "second")]

    async def test_two_watches_have_the_same_events(self, lab: Api) -> None:
        await lab.create(pod("first"))
        async with watching(lab, "Pod") as one, watching(lab, "Pod") as other:
            assert await seen(one, 1) == await seen(other, 1)
            await lab.create(pod("second"))
            assert await seen(one, 1) == await seen(other, 1) == [("ADDED", "second")]


class Created(Contract):
    """Create, get and list."""

    async def test_a_created_object_can_be_read(self, lab: Api) -> None:
        await lab.create(config_map("colours", stable="blue"))
        found = await lab.get("ConfigMap", Key(SPACE, "colours"))
        assert found["data"] == {"stable": "blue"}

    async def test_the_server_adds_uid_version_and_date(self, lab: Api) -> None:
        meta = (await lab.create(config_map("colours")))["metadata"]
        assert {"uid", "resourceVersion", "creationTimestamp"} <= meta.keys()

    async def test_the_server_can_generate_a_name(self, lab: Api) -> None:
        meta = {"generateName": "nodeapp-svc-", "namespace": SPACE}
        made = await lab.create({**config_map(""), "metadata": meta})
        assert made["metadata"]["name"].startswith("nodeapp-svc-")
        assert len(made["metadata"]["name"]) == len("nodeapp-svc-") + 5

    async def test_generated_names_differ(self, lab: Api) -> None:
        meta = {"generateName": "nodeapp-svc-", "namespace": SPACE}
        made = [await lab.create({**config_map(""), "metadata": meta}) for _ in range(20)]
        assert len({key_of(obj) for obj in made}) == 20

    async def test_a_name_that_is_taken_is_refused(self, lab: Api) -> None:
        await lab.create(config_map("colours"))
        with pytest.raises(AlreadyExistsError) as refused:
            await lab.create(config_map("colours"))
        assert str(refused.value) == 'configmaps "colours" already exists'

    async def test_what_is_not_there_is_not_found(self, lab: Api) -> None:
        with pytest.raises(NotFoundError) as refused:
            await lab.get("Deployment", Key(SPACE, "nope"))
        assert str(refused.value) == 'deployments.apps "nope" not found'
        assert refused.value.name == "nope"

    async def test_a_namespace_lists_only_its_own(self, lab: Api) -> None:
        await lab.create(namespace("other"))
        elsewhere = {"name": "colours", "namespace": "other"}
        await lab.create({**config_map("colours"), "metadata": elsewhere})
        await lab.create(config_map("shapes"))
        assert [key_of(obj) for obj in await lab.list("ConfigMap", SPACE)] == [Key(SPACE, "shapes")]
        assert {key_of(obj) for obj in await lab.list("ConfigMap")} >= {
            Key(SPACE, "shapes"),
            Key("other", "colours"),
        }

    async def test_cluster_wide_objects_have_an_empty_namespace(self, lab: Api) -> None:
        found = await lab.get("Namespace", Key("", SPACE))
        assert found["status"]["phase"] == "Active"

    async def test_create_ignores_the_status(self, lab: Api) -> None:
        with_status = changed(deployment("web"), status={"replicas": 3})
        assert "replicas" not in (await lab.create(with_status)).get("status", {})

    async def test_a_new_pod_is_pending(self, lab: Api) -> None:
        assert (await lab.create(pod("web")))["status"]["phase"] == "Pending"


class Updated(Contract):
    """Update, update_status and bind."""

    async def test_an_update_gives_a_later_version(self, lab: Api) -> None:
        before = await lab.create(config_map("colours", stable="blue"))
        after = await lab.update(changed(before, data={"stable": "green"}))
        assert int(after["metadata"]["resourceVersion"]) > int(
            before["metadata"]["resourceVersion"]
        )

    async def test_a_stale_version_is_a_conflict(self, lab: Api) -> None:
        old = await lab.create(config_map("colours"))
        await lab.update(changed(old, data={"stable": "green"}))
        with pytest.raises(ConflictError) as refused:
            await lab.update(changed(old, data={"stable": "red"}))
        assert str(refused.value) == (
            'Operation cannot be fulfilled on configmaps "colours": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )

    async def test_a_stale_status_is_a_conflict(self, lab: Api) -> None:
        old = await lab.create(deployment("web"))
        await lab.update_status(changed(old, status={"replicas": 1}))
        with pytest.raises(ConflictError):
            await lab.update_status(changed(old, status={"replicas": 2}))

    async def test_without_a_version_the_last_write_wins(self, lab: Api) -> None:
        old = await lab.create(config_map("colours"))
        await lab.update(changed(old, data={"stable": "green"}))
        won = await lab.update(without_version(changed(old, data={"stable": "red"})))
        assert won["data"] == {"stable": "red"}

    async def test_updating_a_deleted_object_is_not_found(self, lab: Api) -> None:
        old = await lab.create(config_map("colours"))
        await lab.delete("ConfigMap", key_of(old))
        with pytest.raises(NotFoundError):
            await lab.update(old)

    async def test_an_update_leaves_the_status_alone(self, lab: Api) -> None:
        made = await lab.create(deployment("web"))
        reported = await lab.update_status(changed(made, status={"replicas": 3}))
        spec = {**reported["spec"], "replicas": 5}
        after = await lab.update(changed(reported, spec=spec, status={"replicas": 99}))
        assert after["spec"]["replicas"] == 5
        assert after["status"] == {"replicas": 3}

    async def test_a_status_update_leaves_the_rest_alone(self, lab: Api) -> None:
        made = await lab.create(deployment("web"))
        spec = {**made["spec"], "replicas": 99}
        after = await lab.update_status(changed(made, spec=spec, status={"replicas": 3}))
        assert after["spec"]["replicas"] == 3
        assert after["status"] == {"replicas": 3}

    async def test_the_replicas_are_written_on_their_own(self, lab: Api) -> None:
        made = await lab.create(deployment("web"))
        scaled = await lab.update_scale(changed(made, spec={**made["spec"], "replicas": 7}))
        assert (await lab.get("Deployment", key_of(made))) == scaled
        assert scaled["spec"]["replicas"] == 7

    async def test_generation_counts_changes_of_the_spec(self, lab: Api) -> None:
        made = await lab.create(deployment("web"))
        labelled = await lab.update(relabelled(made, app="nodeapp"))
        scaled = await lab.update(changed(labelled, spec={**labelled["spec"], "replicas": 5}))
        reported = await lab.update_status(changed(scaled, status={"replicas": 3}))
        versions = [made, labelled, scaled, reported]
        assert [obj["metadata"]["generation"] for obj in versions] == [1, 1, 2, 2]

    async def test_uid_and_creation_timestamp_cannot_be_changed(self, lab: Api) -> None:
        made = await lab.create(config_map("colours"))
        meta = {"name": "colours", "namespace": SPACE, "creationTimestamp": "2001-01-01T00:00:00Z"}
        after = await lab.update(changed(made, metadata=meta, data={"stable": "red"}))
        assert uid_of(after) == uid_of(made)
        assert after["metadata"]["creationTimestamp"] == made["metadata"]["creationTimestamp"]

    async def test_a_pod_is_bound_once(self, lab: Api) -> None:
        await lab.create(pod("web"))
        bound = await lab.bind(Key(SPACE, "web"), "playground")
        assert bound["spec"]["nodeName"] == "playground"
        assert (find_condition(bound, "PodScheduled") or {})["status"] == "True"
        with pytest.raises(ConflictError):
            await lab.bind(Key(SPACE, "web"), "playground")


class ApiContract(Created, Updated, Deleted, Watched):
    """The whole contract. Subclasses provide the fixture `api`."""
