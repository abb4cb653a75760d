from __future__ import annotations

import pytest

from canarylab.playground.controllers.looking import claims, find, owner_or_adopters
from canarylab.playground.kube.api import Key, Object, WatchEvent
from tests.playground.controllers.world import (
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
STRANGER = meta(replica_set(name="web-2"), uid="u-stranger")
OTHER_LABELS = {"app": "another"}


@pytest.mark.parametrize(
    ("candidate", "fate"),
    [
        (owned(pod(), OWNER), "keep"),
        (owned(meta(pod(), labels=OTHER_LABELS), OWNER), "release"),
        (pod(), "adopt"),
        (meta(pod(), labels=OTHER_LABELS), None),
        (meta(pod(), deletionTimestamp=THEN), None),
        (owned(pod(), STRANGER), None),
        (owned(pod(), meta(OWNER, uid="u-earlier")), None),
    ],
)
def test_an_object_is_kept_adopted_let_go_or_none_of_our_business(
    candidate: Object, fate: str | None
) -> None:
    found = claims(OWNER, [candidate])._asdict()
    assert [name for name, objects in found.items() if objects] == [fate] * (fate is not None)


def test_who_is_on_its_way_out_adopts_nobody() -> None:
    assert claims(meta(OWNER, deletionTimestamp=THEN), [pod()]).adopt == []


async def test_a_change_concerns_the_owner() -> None:
    keys_of = owner_or_adopters("ReplicaSet")
    assert await keys_of(FakeApi(), WatchEvent("MODIFIED", owned(pod(), OWNER))) == [
        Key(SPACE, "web-1")
    ]


async def test_an_owner_of_another_kind_is_not_meant() -> None:
    theirs = owned(pod(), meta(deployment(), uid="u-deployment"))
    assert await owner_or_adopters("ReplicaSet")(FakeApi(), WatchEvent("ADDED", theirs)) == []


async def test_an_orphan_concerns_all_that_select_it() -> None:
    api = FakeApi()
    other = replica_set(name="c", selector={"matchLabels": OTHER_LABELS})
    for one in (replica_set(name="a"), replica_set(name="b"), other):
        await api.create(one)
    orphan = meta(pod(), labels=LABELS)
    keys = await owner_or_adopters("ReplicaSet")(api, WatchEvent("ADDED", orphan))
    assert keys == [Key(SPACE, "a"), Key(SPACE, "b")]


async def test_what_is_not_there_is_none() -> None:
    assert await find(FakeApi(), "Pod", Key(SPACE, "nope")) is None
