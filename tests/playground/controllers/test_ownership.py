from __future__ import annotations

import pytest

from canarylab.kube_objects import Key, Object
from canarylab.playground.controllers.ownership import keys_for_owner, plan_claims
from canarylab.playground.kube.api import WatchEvent, find_object
from tests.playground.controllers.builders import (
    LABELS,
    SPACE,
    THEN,
    deployment,
    meta,
    owned,
    pod,
    replica_set,
)
from tests.playground.fake_api import FakeApi

OWNER = meta(replica_set(), uid="u-owner")
OTHER = meta(replica_set(name="web-2"), uid="u-other")
OTHER_LABELS = {"app": "another"}


@pytest.mark.parametrize(
    ("candidate", "claim"),
    [
        (owned(pod(), OWNER), "keep"),
        (owned(meta(pod(), labels=OTHER_LABELS), OWNER), "release"),
        (pod(), "adopt"),
        (meta(pod(), labels=OTHER_LABELS), None),
        (meta(pod(), deletionTimestamp=THEN), None),
        (owned(pod(), OTHER), None),
        (owned(pod(), meta(OWNER, uid="u-earlier")), None),
    ],
)
def test_an_object_is_kept_adopted_released_or_left_alone(
    candidate: Object, claim: str | None
) -> None:
    found = plan_claims(OWNER, [candidate])._asdict()
    assert [name for name, objects in found.items() if objects] == [claim] * (claim is not None)


def test_a_terminating_owner_adopts_nothing() -> None:
    assert plan_claims(meta(OWNER, deletionTimestamp=THEN), [pod()]).adopt == []


async def test_a_change_reconciles_the_owner() -> None:
    keys_of = keys_for_owner("ReplicaSet")
    assert await keys_of(FakeApi(), WatchEvent("MODIFIED", owned(pod(), OWNER))) == [
        Key(SPACE, "web-1")
    ]


async def test_an_owner_of_another_kind_is_not_reconciled() -> None:
    theirs = owned(pod(), meta(deployment(), uid="u-deployment"))
    assert await keys_for_owner("ReplicaSet")(FakeApi(), WatchEvent("ADDED", theirs)) == []


async def test_an_orphan_reconciles_all_that_select_it() -> None:
    api = FakeApi()
    other = replica_set(name="c", selector={"matchLabels": OTHER_LABELS})
    for one in (replica_set(name="a"), replica_set(name="b"), other):
        await api.create(one)
    orphan = meta(pod(), labels=LABELS)
    keys = await keys_for_owner("ReplicaSet")(api, WatchEvent("ADDED", orphan))
    assert keys == [Key(SPACE, "a"), Key(SPACE, "b")]


async def test_an_object_that_does_not_exist_is_none() -> None:
    assert await find_object(FakeApi(), "Pod", Key(SPACE, "nope")) is None
