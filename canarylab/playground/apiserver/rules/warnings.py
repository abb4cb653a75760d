"""Of what is a client warned who gets what it asked for?"""

from __future__ import annotations

from canarylab.playground.apiserver.rules.admission import CLASS_ANNOTATION
from canarylab.playground.kube.api import Object


def creation_warnings(obj: Object) -> list[str]:
    """What kubectl prints behind the word "Warning" when the object is made."""
    annotations = obj["metadata"].get("annotations", {})
    if obj["kind"] != "Ingress" or CLASS_ANNOTATION not in annotations:
        return []
    if "ingressClassName" in obj["spec"]:
        return []
    return [
        f'annotation "{CLASS_ANNOTATION}" is deprecated, '
        "please use 'spec.ingressClassName' instead"
    ]
