"""Which zeros does Kubernetes not write?

A count that is zero is left out where its Go type says `omitempty`, so that Python reads None
there. Notebooks that work here must not fail on a real cluster because of it, so it is the same
here. What comes over HTTP has been through `decode.py`, which does it for every field; this does
it for what controllers report.
"""

from __future__ import annotations

from canarylab.playground.apiserver.schema.go_types import PLAIN_VALUES
from canarylab.playground.kube.api import Object


def without_zeros(obj: Object) -> Object:
    """The object as Kubernetes would write it.

    >>> without_zeros({"kind": "Deployment", "status": {"replicas": 3, "readyReplicas": 0}})
    {'kind': 'Deployment', 'status': {'replicas': 3}}
    """
    for part, structure in (("spec", "Spec"), ("status", "Status")):
        if obj.get(part):
            obj = {**obj, part: _without(obj[part], f"{obj['kind']}{structure}")}
    return obj


def _without(part: Object, structure: str) -> Object:
    return {
        name: value
        for name, value in part.items()
        if value or f"{structure}.{name}" not in PLAIN_VALUES
    }
