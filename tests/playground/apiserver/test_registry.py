"""Admission of new objects, expired events, and warnings."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canarylab.errors import ForbiddenError, NotFoundError
from canarylab.kube_objects import Key, Object
from canarylab.playground.apiserver.registry import (
    MAX_PODS,
    EventLeases,
    check_namespace,
    check_pod_quota,
    check_priority,
    with_default_class,
)
from canarylab.playground.kube.kinds import KINDS

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_objects_of_an_unknown_namespace_are_refused() -> None:
    with pytest.raises(NotFoundError, match='namespaces "nowhere" not found'):
        check_namespace(None, KINDS["Pod"], {"name": "web", "namespace": "nowhere"})


def test_nothing_is_created_in_a_terminating_namespace() -> None:
    ending = {"metadata": {"name": "lab", "deletionTimestamp": "2026-11-22T12:00:00Z"}}
    with pytest.raises(ForbiddenError) as refused:
        check_namespace(ending, KINDS["Pod"], {"name": "web", "namespace": "lab"})
    assert str(refused.value) == (
        'pods "web" is forbidden: unable to create new content in namespace lab '
        "because it is being terminated"
    )
    assert refused.value.causes[0].reason == "NamespaceTerminating"


def test_there_are_only_so_many_pods() -> None:
    check_pod_quota(MAX_PODS - 1, {"name": "web"})
    with pytest.raises(ForbiddenError) as refused:
        check_pod_quota(MAX_PODS, {"name": "web"})
    assert str(refused.value) == (
        'pods "web" is forbidden: exceeded quota: playground, requested: pods=1, used: pods=500, '
        "limited: pods=500"
    )


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            {"priority": 5},
            "the integer value of priority (5) must not be provided in pod spec; "
            "priority admission controller computed 0 from the given PriorityClass name",
        ),
        (
            {"preemptionPolicy": "Never"},
            "the string value of PreemptionPolicy (Never) must not be provided in pod spec; "
            "priority admission controller computed PreemptLowerPriority "
            "from the given PriorityClass name",
        ),
    ],
    ids=["priority", "preemption policy"],
)
def test_a_pod_does_not_say_its_priority(given: Object, problem: str) -> None:
    computed = {"priority": 0, "preemptionPolicy": "PreemptLowerPriority"}
    check_priority(computed, "web")
    check_priority({**computed, **given, "priorityClassName": "high"}, "web")
    with pytest.raises(ForbiddenError) as refused:
        check_priority({**computed, **given}, "web")
    assert str(refused.value) == f'pods "web" is forbidden: {problem}'


def plain_ingress(**fields: Any) -> Object:
    return {"kind": "Ingress", "metadata": {"name": "web", **fields}}


def ingress_class(name: str, is_default: str = "true") -> Object:
    annotations = {"ingressclass.kubernetes.io/is-default-class": is_default}
    return {"metadata": {"name": name, "annotations": annotations}}


def test_an_ingress_without_a_class_gets_the_default_class() -> None:
    classes = [ingress_class("other", "false"), {"metadata": {"name": "a"}}, ingress_class("nginx")]
    assert with_default_class(plain_ingress(), classes)["spec"] == {"ingressClassName": "nginx"}


@pytest.mark.parametrize(
    "asked",
    [
        {**plain_ingress(), "spec": {"ingressClassName": "other"}},
        {**plain_ingress(), "spec": {"ingressClassName": ""}},
        plain_ingress(annotations={"kubernetes.io/ingress.class": "other"}),
    ],
)
def test_an_ingress_with_a_class_keeps_it(asked: Object) -> None:
    assert with_default_class(asked, [ingress_class("nginx")]) == asked


def test_without_a_default_class_an_ingress_has_none() -> None:
    assert with_default_class(plain_ingress(), [ingress_class("nginx", "false")]) == plain_ingress()


def test_two_default_classes_are_an_error() -> None:
    with pytest.raises(ForbiddenError) as refused:
        with_default_class(plain_ingress(), [ingress_class("a"), ingress_class("b")])
    assert str(refused.value) == (
        'ingresses.networking.k8s.io "web" is forbidden: Internal error occurred: '
        "2 default IngressClasses were found, only 1 allowed"
    )


def test_an_event_expires_an_hour_after_it_was_last_written() -> None:
    leases, hour = EventLeases(), timedelta(hours=1)
    leases.renew(Key("lab", "once"), NOON)
    leases.renew(Key("lab", "again"), NOON)
    leases.renew(Key("lab", "again"), NOON + hour)
    assert leases.renew(Key("lab", "new"), NOON + 1.5 * hour) == [Key("lab", "once")]


def test_an_event_that_was_removed_does_not_expire_again() -> None:
    leases, hour = EventLeases(), timedelta(hours=1)
    leases.renew(Key("lab", "once"), NOON)
    leases.renew(Key("lab", "new"), NOON + 2 * hour)
    assert leases.renew(Key("lab", "newer"), NOON + 2 * hour) == []


def test_to_write_an_event_looks_at_no_other_that_is_still_fresh() -> None:
    class Written(OrderedDict[Key, datetime]):
        looked_at = 0

        def __getitem__(self, key: Key) -> datetime:
            Written.looked_at += 1
            return super().__getitem__(key)

    leases = EventLeases(Written())
    for number in range(1_000):
        leases.renew(Key("lab", str(number)), NOON)
    assert Written.looked_at < 2 * 1_000
