"""What every `Api` promises about taking things away."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.errors import ConflictError, NotFoundError
from canarylab.playground.kube.api import IMMEDIATELY, Api, DeleteOptions, Key
from canarylab.playground.kube.objects import is_terminating
from tests.playground.contract_objects import (
    SPACE,
    Contract,
    changed,
    config_map,
    deployment,
    pod,
)


class Deleted(Contract):
    """Taking things away, which sometimes takes a while."""

    async def test_most_things_go_at_once(self, lab: Api) -> None:
        await lab.create(config_map("colours"))
        await lab.delete("ConfigMap", Key(SPACE, "colours"))
        assert await lab.list("ConfigMap", SPACE) == []

    async def test_what_is_not_there_cannot_be_deleted(self, lab: Api) -> None:
        with pytest.raises(NotFoundError):
            await lab.delete("ConfigMap", Key(SPACE, "nope"))

    async def test_another_of_the_same_name_is_spared(self, lab: Api) -> None:
        await lab.create(config_map("colours"))
        with pytest.raises(ConflictError):
            await lab.delete("ConfigMap", Key(SPACE, "colours"), DeleteOptions(uid="another"))
        assert await lab.get("ConfigMap", Key(SPACE, "colours"))

    async def test_a_pod_without_a_node_goes_at_once(self, lab: Api) -> None:
        await lab.create(pod("web"))
        await lab.delete("Pod", Key(SPACE, "web"))
        assert await lab.list("Pod", SPACE) == []

    async def test_a_pod_with_a_node_is_given_its_grace_period(self, lab: Api) -> None:
        await lab.create(pod("web", nodeName="playground"))
        await lab.delete("Pod", Key(SPACE, "web"))
        leaving = await lab.get("Pod", Key(SPACE, "web"))
        assert is_terminating(leaving)
        assert leaving["metadata"]["deletionGracePeriodSeconds"] == 30

    async def test_the_node_takes_the_pod_away_in_the_end(self, lab: Api) -> None:
        await lab.create(pod("web", nodeName="playground"))
        await lab.delete("Pod", Key(SPACE, "web"))
        await lab.delete("Pod", Key(SPACE, "web"), IMMEDIATELY)
        assert await lab.list("Pod", SPACE) == []

    async def test_a_second_request_may_shorten_the_grace_period(self, lab: Api) -> None:
        await lab.create(pod("web", nodeName="playground"))
        for grace_s in (20, 5, 60):
            await lab.delete("Pod", Key(SPACE, "web"), DeleteOptions(grace_period_s=grace_s))
        leaving = await lab.get("Pod", Key(SPACE, "web"))
        assert leaving["metadata"]["deletionGracePeriodSeconds"] == 5

    async def test_a_finalizer_holds_an_object_back(self, lab: Api) -> None:
        held = config_map("colours")
        held["metadata"]["finalizers"] = ["canarylab/held"]
        await lab.create(held)
        await lab.delete("ConfigMap", Key(SPACE, "colours"))
        assert is_terminating(await lab.get("ConfigMap", Key(SPACE, "colours")))

    async def test_without_its_last_finalizer_it_goes(self, lab: Api) -> None:
        held = config_map("colours")
        held["metadata"]["finalizers"] = ["canarylab/held"]
        await lab.create(held)
        await lab.delete("ConfigMap", Key(SPACE, "colours"))
        leaving = await lab.get("ConfigMap", Key(SPACE, "colours"))
        await lab.update({**leaving, "metadata": {**leaving["metadata"], "finalizers": []}})
        assert await lab.list("ConfigMap", SPACE) == []

    @pytest.mark.parametrize(
        ("propagation", "finalizer"),
        [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")],
    )
    async def test_a_policy_waits_for_the_garbage_collector(
        self, lab: Api, propagation: Any, finalizer: str
    ) -> None:
        await lab.create(deployment("web"))
        await lab.delete("Deployment", Key(SPACE, "web"), DeleteOptions(propagation=propagation))
        leaving = await lab.get("Deployment", Key(SPACE, "web"))
        assert is_terminating(leaving)
        assert leaving["metadata"]["finalizers"] == [finalizer]

    async def test_background_takes_the_owner_at_once(self, lab: Api) -> None:
        await lab.create(deployment("web"))
        options = DeleteOptions(propagation="Background")
        await lab.delete("Deployment", Key(SPACE, "web"), options)
        assert await lab.list("Deployment", SPACE) == []

    async def test_a_namespace_waits_to_be_emptied(self, lab: Api) -> None:
        await lab.delete("Namespace", Key("", SPACE))
        leaving = await lab.get("Namespace", Key("", SPACE))
        assert is_terminating(leaving)
        assert leaving["status"]["phase"] == "Terminating"
        assert leaving["spec"]["finalizers"] == ["kubernetes"]

    async def test_a_namespace_without_finalizers_goes(self, lab: Api) -> None:
        await lab.delete("Namespace", Key("", SPACE))
        leaving = await lab.get("Namespace", Key("", SPACE))
        await lab.update(changed(leaving, spec={**leaving["spec"], "finalizers": []}))
        with pytest.raises(NotFoundError):
            await lab.get("Namespace", Key("", SPACE))
