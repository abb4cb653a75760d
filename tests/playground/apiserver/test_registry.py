"""Admission of new objects, expired events, and warnings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from canarylab.errors import ForbiddenError, NotFoundError
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.registry import (
    check_namespace,
    creation_warnings,
    expired_events,
    with_default_class,
)
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.documents import ingress, pod

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


def test_events_expire_after_an_hour() -> None:
    def event(**fields: Any) -> Object:
        return {"metadata": {"creationTimestamp": "2026-11-22T10:00:00Z"}, **fields}

    old, repeated = event(), event(lastTimestamp="2026-11-22T11:30:00Z")
    assert expired_events([old, repeated], NOON) == [old]


OLD = {"metadata": {"annotations": {"kubernetes.io/ingress.class": "nginx"}}}


def test_the_class_annotation_gives_a_warning() -> None:
    assert creation_warnings({**ingress(), **OLD, "spec": {}}) == [
        'annotation "kubernetes.io/ingress.class" is deprecated, '
        "please use 'spec.ingressClassName' instead"
    ]


@pytest.mark.parametrize("obj", [ingress(), {**ingress(), **OLD}, {**pod(), **OLD}])
def test_other_objects_give_no_warning(obj: Object) -> None:
    assert creation_warnings(obj) == []
