"""What clients are warned of."""

from __future__ import annotations

import pytest

from canarylab.playground.apiserver.rules.warnings import creation_warnings
from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import ingress, pod

OLD = {"metadata": {"annotations": {"kubernetes.io/ingress.class": "nginx"}}}


def test_the_class_in_an_annotation_is_the_older_way() -> None:
    assert creation_warnings({**ingress(), **OLD, "spec": {}}) == [
        'annotation "kubernetes.io/ingress.class" is deprecated, '
        "please use 'spec.ingressClassName' instead"
    ]


@pytest.mark.parametrize("obj", [ingress(), {**ingress(), **OLD}, {**pod(), **OLD}])
def test_nothing_else_is_worth_a_warning(obj: Object) -> None:
    assert creation_warnings(obj) == []
