"""The annotation in which `kubectl apply` keeps the manifest that it applied last.

Server-side apply by kubectl takes over from it: a field whose value is still the one of the
annotation is no conflict, and the annotation becomes the configuration that is applied, so that
`kubectl apply` can go on from there.
"""

from __future__ import annotations

import json

from canarylab.errors import ApiError
from canarylab.kube_objects import Object
from canarylab.playground.apiserver import field_sets
from canarylab.playground.apiserver.conversion import in_version
from canarylab.playground.apiserver.decode import decode_configuration
from canarylab.playground.apiserver.documents import parse_json
from canarylab.playground.apiserver.field_sets import FieldSet
from canarylab.playground.apiserver.validation.names import validate_annotations
from canarylab.playground.kube.kinds import KINDS, SERVED_KINDS

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
MANAGER = "kubectl"
"""The manager of `kubectl apply --server-side`, unless it names another one."""

_ESCAPED_BY_GO = "<>&\u2028\u2029"


def unchanged_fields(live: Object) -> FieldSet:
    """The fields that the annotation names, and whose values are still the same."""
    text = (live["metadata"].get("annotations") or {}).get(ANNOTATION, "")
    versions = {kind.api_version: kind for kind in SERVED_KINDS if kind.kind == live["kind"]}
    try:
        document = parse_json(text.encode())
        given = document if isinstance(document, dict) else {}
        kind = versions.get(str(given.get("apiVersion")))
        if kind is None:
            return {}
        last = in_version(decode_configuration(kind, document), KINDS[kind.kind])
    except ApiError:
        return {}
    type_ = field_sets.type_of(kind.kind)
    fields = field_sets.applied_fields(type_, last)
    for changed in field_sets.compare(type_, last, live):
        fields = field_sets.difference(fields, changed)
    return fields


def with_configuration(obj: Object, configuration: Object) -> Object:
    """The object with the configuration in its annotation, if it has the annotation."""
    annotations = obj["metadata"].get("annotations") or {}
    if not annotations.get(ANNOTATION):
        return obj
    others = {name: value for name, value in annotations.items() if name != ANNOTATION}
    changed = {**others, ANNOTATION: _text(configuration)}
    is_too_long = any(validate_annotations("", changed))
    annotations = others if is_too_long else changed
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _text(configuration: Object) -> str:
    r"""The configuration without the annotation, as Go writes JSON.

    >>> _text({"kind": "Pod", "metadata": {"name": "<a>"}})
    '{"kind":"Pod","metadata":{"name":"\\u003ca\\u003e"}}\n'
    """
    meta = dict(configuration.get("metadata") or {})
    if meta.get("annotations"):
        given = meta["annotations"].items()
        meta["annotations"] = {name: value for name, value in given if name != ANNOTATION}
    document = {**configuration, "metadata": meta}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.translate({ord(one): f"\\u{ord(one):04x}" for one in _ESCAPED_BY_GO}) + "\n"
