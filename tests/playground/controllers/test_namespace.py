from __future__ import annotations

from datetime import datetime, timedelta

from canarylab.kube_objects import Key, Object, find_condition, parse_timestamp
from canarylab.playground.controllers import namespace
from canarylab.playground.controllers.namespace import (
    NAMESPACED_KINDS,
    finalized,
    namespace_status,
    plan,
)
from canarylab.playground.kube.api import IMMEDIATELY
from canarylab.playground.kube.kinds import KINDS
from tests.playground.api_contract import config_map
from tests.playground.api_contract import namespace as a_namespace
from tests.playground.controllers.builders import (
    SPACE,
    THEN,
    deployment,
    meta,
    pod,
    running_controllers,
    service,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until

ACTIVE = {**a_namespace(SPACE), "spec": {"finalizers": ["kubernetes"]}}
NOW = parse_timestamp(THEN)
TERMINATING = meta(ACTIVE, deletionTimestamp=THEN)


def test_an_active_namespace_keeps_everything() -> None:
    assert plan(ACTIVE, [pod()]) == []


def test_its_content_is_deleted_first() -> None:
    assert plan(TERMINATING, [pod(), service()]) == [pod(), service()]


def test_terminating_objects_are_waited_for() -> None:
    assert plan(TERMINATING, [meta(pod(), deletionTimestamp=THEN)]) == []


def test_an_empty_namespace_loses_the_finalizer_of_the_controller() -> None:
    held = {**TERMINATING, "spec": {"finalizers": ["example.com/mine", "kubernetes"]}}
    assert finalized(TERMINATING)["spec"] == {"finalizers": []}
    assert finalized(held)["spec"] == {"finalizers": ["example.com/mine"]}


def conditions(obj: Object, *left: Object, now: datetime = NOW) -> list[tuple[str, ...]]:
    """Type, status, reason and message of each."""
    status = namespace_status(obj, list(left), now)
    return [
        (each["type"], each["status"], each["reason"], each["message"])
        for each in status["conditions"]
    ]


# The words are those of pkg/controller/namespace/deletion/status_condition_utils.go.
DELETED = [
    (
        "NamespaceDeletionDiscoveryFailure",
        "False",
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    (
        "NamespaceDeletionGroupVersionParsingFailure",
        "False",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    (
        "NamespaceDeletionContentFailure",
        "False",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
]


def test_a_namespace_says_what_is_left_in_it() -> None:
    colours = meta(config_map("colours"), finalizers=["x.io/y"])
    web = meta(deployment(), finalizers=["x.io/y", "a.io/b"])
    assert conditions(TERMINATING, colours, pod("a"), pod("b"), web) == [
        *DELETED,
        (
            "NamespaceContentRemaining",
            "True",
            "SomeResourcesRemain",
            "Some resources are remaining: configmaps. has 1 resource instances, "
            "deployments.apps has 1 resource instances, pods. has 2 resource instances",
        ),
        (
            "NamespaceFinalizersRemaining",
            "True",
            "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: "
            "a.io/b in 1 resource instances, x.io/y in 2 resource instances",
        ),
    ]


def test_an_empty_namespace_says_so() -> None:
    assert conditions(TERMINATING) == [
        *DELETED,
        (
            "NamespaceContentRemaining",
            "False",
            "ContentRemoved",
            "All content successfully removed",
        ),
        (
            "NamespaceFinalizersRemaining",
            "False",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        ),
    ]


def test_the_time_of_a_condition_changes_with_its_status_alone() -> None:
    before = {**TERMINATING, "status": namespace_status(TERMINATING, [pod("a"), pod("b")], NOW)}
    later = namespace_status(before, [pod("a")], NOW + timedelta(seconds=9))
    assert {each["lastTransitionTime"] for each in later["conditions"]} == {THEN}


async def test_a_namespace_is_looked_at_again_while_something_is_left() -> None:
    api, key = FakeApi(), Key("", SPACE)
    await api.create(a_namespace(SPACE))
    await api.create(meta(config_map("colours"), finalizers=["x.io/y", "a.io/b"]))
    await api.delete("Namespace", key)
    assert await namespace.reconcile(api, key) == namespace.LOOK_AGAIN_S
    held = await api.get("ConfigMap", Key(SPACE, "colours"))
    await api.update(meta(held, finalizers=["x.io/y"]))
    await namespace.reconcile(api, key)
    said = find_condition(await api.get("Namespace", key), "NamespaceFinalizersRemaining") or {}
    assert said["message"].endswith("finalizers remaining: x.io/y in 1 resource instances")


async def test_a_namespace_waits_for_the_finalizer_of_its_content() -> None:
    api, key = FakeApi(), Key("", SPACE)
    await api.create(a_namespace(SPACE))
    await api.create(meta(config_map("colours"), finalizers=["x.io/y"]))

    async def is_reported() -> bool:
        said = find_condition(await api.get("Namespace", key), "NamespaceFinalizersRemaining")
        return bool(said and said["status"] == "True")

    async with running_controllers(api, namespace.controller):
        await api.delete("Namespace", key)
        await until(is_reported)
        held = await api.get("ConfigMap", Key(SPACE, "colours"))
        await api.update(meta(held, finalizers=[]))
        await until(lambda: left(api))


def test_every_namespaced_kind_is_deleted() -> None:
    assert set(NAMESPACED_KINDS) == {name for name, kind in KINDS.items() if kind.namespaced}


async def test_a_namespace_is_removed_when_its_last_pod_is_gone() -> None:
    api = FakeApi()
    await api.create(a_namespace(SPACE))
    await api.create(config_map("colours"))
    await api.create(pod("web", nodeName="playground"))
    async with running_controllers(api, namespace.controller):
        await api.delete("Namespace", Key("", SPACE))
        await until(lambda: left(api, "Pod"))
        assert await api.list("Namespace") != []
        await api.delete("Pod", Key(SPACE, "web"), IMMEDIATELY)
        await until(lambda: left(api))


async def left(api: FakeApi, *kinds: str) -> bool:
    """Whether only objects of these kinds are left."""
    if kinds:
        contents: list[Object] = [
            obj for kind in NAMESPACED_KINDS for obj in await api.list(kind, SPACE)
        ]
        return {obj["kind"] for obj in contents} == set(kinds)
    return await api.list("Namespace") == []


async def test_objects_created_meanwhile_are_deleted_too() -> None:
    api = FakeApi()
    await api.create(a_namespace(SPACE))
    await api.create(pod("web", nodeName="playground"))
    async with running_controllers(api, namespace.controller):
        await api.delete("Namespace", Key("", SPACE))
        await api.create(config_map("late"))
        await api.delete("Pod", Key(SPACE, "web"), IMMEDIATELY)
        await until(lambda: left(api))
    assert await api.list("ConfigMap") == []


async def test_other_namespaces_are_not_touched() -> None:
    api = FakeApi()
    for name in (SPACE, "other"):
        await api.create(a_namespace(name))
        await api.create(meta(config_map("colours"), namespace=name))
    async with running_controllers(api, namespace.controller):
        await api.delete("Namespace", Key("", SPACE))
        await until(lambda: is_gone(api))
    assert len(await api.list("ConfigMap", "other")) == 1


async def is_gone(api: FakeApi) -> bool:
    return [one["metadata"]["name"] for one in await api.list("Namespace")] == ["other"]
