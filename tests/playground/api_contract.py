"""What every `Api` promises, as a suite that each of them passes.

A test module takes part by naming the one it tests, and inheriting the tests:

    class TestMine(ApiContract):
        @pytest.fixture
        async def api(self) -> Api:
            return mine()
"""

from __future__ import annotations

import pytest

from canarylab.errors import AlreadyExistsError, ConflictError, NotFoundError
from canarylab.playground.kube.api import Api, Key
from canarylab.playground.kube.objects import find_condition, key_of, uid_of
from tests.playground.contract_deleting import Deleted
from tests.playground.contract_objects import (
    SPACE,
    Contract,
    changed,
    config_map,
    deployment,
    namespace,
    pod,
    relabelled,
    without_version,
)
from tests.playground.contract_watching import Watched


class Created(Contract):
    """Creating and reading."""

    async def test_what_was_created_is_there(self, lab: Api) -> None:
        await lab.create(config_map("colours", stable="blue"))
        found = await lab.get("ConfigMap", Key(SPACE, "colours"))
        assert found["data"] == {"stable": "blue"}

    async def test_the_server_adds_uid_version_and_date(self, lab: Api) -> None:
        meta = (await lab.create(config_map("colours")))["metadata"]
        assert {"uid", "resourceVersion", "creationTimestamp"} <= meta.keys()

    async def test_a_name_can_be_made_up_by_the_server(self, lab: Api) -> None:
        meta = {"generateName": "nodeapp-svc-", "namespace": SPACE}
        made = await lab.create({**config_map(""), "metadata": meta})
        assert made["metadata"]["name"].startswith("nodeapp-svc-")
        assert len(made["metadata"]["name"]) == len("nodeapp-svc-") + 5

    async def test_made_up_names_differ(self, lab: Api) -> None:
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

    async def test_nobody_creates_a_status(self, lab: Api) -> None:
        boast = changed(deployment("web"), status={"replicas": 3})
        assert "replicas" not in (await lab.create(boast)).get("status", {})

    async def test_a_new_pod_is_pending(self, lab: Api) -> None:
        assert (await lab.create(pod("web")))["status"]["phase"] == "Pending"


class Updated(Contract):
    """Writing what is there already."""

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

    async def test_without_a_version_the_last_writer_wins(self, lab: Api) -> None:
        old = await lab.create(config_map("colours"))
        await lab.update(changed(old, data={"stable": "green"}))
        won = await lab.update(without_version(changed(old, data={"stable": "red"})))
        assert won["data"] == {"stable": "red"}

    async def test_what_is_gone_cannot_be_updated(self, lab: Api) -> None:
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

    async def test_generation_counts_changes_of_the_spec(self, lab: Api) -> None:
        made = await lab.create(deployment("web"))
        labelled = await lab.update(relabelled(made, app="nodeapp"))
        scaled = await lab.update(changed(labelled, spec={**labelled["spec"], "replicas": 5}))
        reported = await lab.update_status(changed(scaled, status={"replicas": 3}))
        versions = [made, labelled, scaled, reported]
        assert [obj["metadata"]["generation"] for obj in versions] == [1, 1, 2, 2]

    async def test_nobody_rewrites_who_an_object_is(self, lab: Api) -> None:
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
    """All of it. Inherit, and provide the fixture `api`."""
