"""What the server adds, and what it remembers for a while only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from canarylab.errors import ForbiddenError, NotFoundError
from canarylab.playground.apiserver import admission
from canarylab.playground.apiserver.admission import creation_warnings
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import KINDS
from tests.playground.apiserver.specimens import ingress, pod

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def resources(**kinds: dict[str, str]) -> Object:
    return {"containers": [{"name": "nodeapp", "resources": kinds}]}


BOTH = {"cpu": "1", "memory": "64Mi"}


@pytest.mark.parametrize(
    ("spec", "quality"),
    [
        (resources(), "BestEffort"),
        (resources(requests={"cpu": "1"}), "Burstable"),
        (resources(limits={"memory": "64Mi"}), "Burstable"),
        (resources(limits=BOTH), "Guaranteed"),
        (resources(limits=BOTH, requests=BOTH), "Guaranteed"),
        (resources(limits=BOTH, requests={"cpu": "500m"}), "Burstable"),
    ],
)
def test_quality_of_service_follows_from_requests_and_limits(spec: Object, quality: str) -> None:
    assert admission.qos_class(spec) == quality


def test_a_node_says_itself_how_it_is() -> None:
    node = {"kind": "Node", "metadata": {"name": "playground"}, "status": {"phase": "fine"}}
    assert admission.with_initial_status(node)["status"] == {"phase": "fine"}


def test_a_namespace_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFoundError, match='namespaces "nowhere" not found'):
        admission.check_namespace(None, KINDS["Pod"], {"name": "web", "namespace": "nowhere"})


def test_nothing_new_begins_in_a_namespace_that_ends() -> None:
    ending = {"metadata": {"name": "lab", "deletionTimestamp": "2026-11-22T12:00:00Z"}}
    with pytest.raises(ForbiddenError) as refused:
        admission.check_namespace(ending, KINDS["Pod"], {"name": "web", "namespace": "lab"})
    assert str(refused.value) == (
        'pods "web" is forbidden: unable to create new content in namespace lab '
        "because it is being terminated"
    )
    assert refused.value.causes[0].reason == "NamespaceTerminating"


def ingress_admission(**fields: Any) -> Object:
    return {"kind": "Ingress", "metadata": {"name": "web", **fields}}


def ingress_class(name: str, is_default: str = "true") -> Object:
    annotations = {"ingressclass.kubernetes.io/is-default-class": is_default}
    return {"metadata": {"name": name, "annotations": annotations}}


def test_an_ingress_without_a_class_gets_the_default_class() -> None:
    classes = [ingress_class("other", "false"), {"metadata": {"name": "a"}}, ingress_class("nginx")]
    assert admission.with_default_class(ingress_admission(), classes)["spec"] == {
        "ingressClassName": "nginx"
    }


@pytest.mark.parametrize(
    "asked",
    [
        {**ingress_admission(), "spec": {"ingressClassName": "other"}},
        {**ingress_admission(), "spec": {"ingressClassName": ""}},
        ingress_admission(annotations={"kubernetes.io/ingress.class": "other"}),
    ],
)
def test_an_ingress_with_a_class_keeps_it(asked: Object) -> None:
    assert admission.with_default_class(asked, [ingress_class("nginx")]) == asked


def test_without_a_default_class_there_is_none() -> None:
    assert (
        admission.with_default_class(ingress_admission(), [ingress_class("nginx", "false")])
        == ingress_admission()
    )


def test_two_default_classes_are_one_too_many() -> None:
    with pytest.raises(ForbiddenError) as refused:
        admission.with_default_class(ingress_admission(), [ingress_class("a"), ingress_class("b")])
    assert str(refused.value) == (
        'ingresses.networking.k8s.io "web" is forbidden: Internal error occurred: '
        "2 default IngressClasses were found, only 1 allowed"
    )


def test_events_are_forgotten_after_an_hour() -> None:
    def event(**fields: Any) -> Object:
        return {"metadata": {"creationTimestamp": "2026-11-22T10:00:00Z"}, **fields}

    old, repeated = event(), event(lastTimestamp="2026-11-22T11:30:00Z")
    assert admission.expired_events([old, repeated], NOON) == [old]


OLD = {"metadata": {"annotations": {"kubernetes.io/ingress.class": "nginx"}}}


def test_the_class_in_an_annotation_is_the_older_way() -> None:
    assert creation_warnings({**ingress(), **OLD, "spec": {}}) == [
        'annotation "kubernetes.io/ingress.class" is deprecated, '
        "please use 'spec.ingressClassName' instead"
    ]


@pytest.mark.parametrize("obj", [ingress(), {**ingress(), **OLD}, {**pod(), **OLD}])
def test_nothing_else_is_worth_a_warning(obj: Object) -> None:
    assert creation_warnings(obj) == []
