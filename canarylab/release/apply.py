"""Apply manifests to a cluster, as `kubectl apply` does.

The patch is made from three states: the manifest, the object in the cluster, and the manifest of
the last time, which is kept in an annotation. A field that the last manifest had and this one has
not is removed; a field that anybody else set is kept. The annotation is kubectl's own, so that the
notebook and kubectl can change the same object in turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from kubernetes.dynamic.exceptions import DynamicApiError, NotFoundError, ResourceNotFoundError

from canarylab.errors import ApiRefusedError
from canarylab.kube_objects import REVISION_ANNOTATION
from canarylab.release.connection import Connection, Object, explain_api_errors
from canarylab.text import join_words

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_UNSUPPORTED_MEDIA_TYPE = 415
_MERGE_KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port"),
}
"""By which field Kubernetes matches the objects of a list in a strategic merge patch."""
_OF_TEXTS = ("annotations", "data", "labels", "matchLabels", "nodeSelector", "stringData")
"""Fields whose values are texts, whatever their names."""
_OF_THE_CLUSTER = ("resourceVersion", "managedFields")
_REMEDY = "Change the manifest where the cluster says, and apply it again."


class Applied(NamedTuple):
    """The outcome for one object."""

    name: str
    """`deployment.apps/nodeapp-production`"""
    outcome: Literal["created", "configured", "unchanged"]
    notes: tuple[str, ...] = ()
    """What was adapted for this cluster."""

    def __str__(self) -> str:
        return f"{self.name} {self.outcome}"


def apply(connection: Connection, objects: list[Object]) -> list[Applied]:
    """Create or change every object, in order; raise ApiRefusedError at the first refusal."""
    adapted = [connection.adapt(entry) for entry in objects]
    return [_apply_one(connection, each.object)._replace(notes=each.notes) for each in adapted]


def patch_for(wanted: Object, live: Mapping[str, Any]) -> Object:
    """The strategic merge patch that brings the live object to the wanted one.

    >>> last = json.dumps({"spec": {"paused": True, "replicas": 1}})
    >>> live = {"metadata": {"annotations": {LAST_APPLIED: last}}}
    >>> patch_for({"spec": {"replicas": 3}}, live)["spec"]
    {'replicas': 3, 'paused': None}
    """
    annotations = live.get("metadata", {}).get("annotations") or {}
    before = json.loads(annotations.get(LAST_APPLIED, "{}"))
    return _with_removals(_with_last_applied(wanted), before)


def _merged(field: str, wanted: list[Any], before: list[Any]) -> list[Any]:
    """A list of objects, with a directive for each object, and None for each field, that is gone.

    A strategic merge patch matches the objects of some lists by a key.
    """
    keys = (key for key in _MERGE_KEYS.get(field, ()) if all(key in each for each in wanted))
    key = next(keys, None)
    if key is None:
        return wanted
    old = {each[key]: each for each in before if key in each}
    names = {each[key] for each in wanted}
    gone = [{"$patch": "delete", key: name} for name in old if name not in names]
    return [*(_with_removals(each, old.get(each[key], {})) for each in wanted), *gone]


def _apply_one(connection: Connection, wanted: Object) -> Applied:
    name = str((wanted.get("metadata") or {}).get("name", ""))
    what = f'{wanted["kind"]} "{name}"'
    resource = _resource(connection, wanted, name)
    label = f"{resource.singular_name}{'.' + resource.group if resource.group else ''}/{name}"
    place = {"namespace": connection.namespace}
    with explain_api_errors(what, remedy=_remedy(wanted)):
        try:
            live = resource.get(name=name, namespace=connection.namespace).to_dict()
        except NotFoundError:
            resource.create(body=_with_last_applied(wanted), query_params=_strict(), **place)
            return Applied(label, "created")
        changed = _patched(resource, patch_for(wanted, live), {"name": name, **place})
    same = _without_server_fields(changed) == _without_server_fields(live)
    return Applied(label, "unchanged" if same else "configured")


def _remedy(wanted: Object) -> str:
    if not (names := list(_values_without_quotes(wanted))):
        return _REMEDY
    values = "the value" if len(names) == 1 else "the values"
    return f"Put {values} of {join_words(names)} in quotes: there Kubernetes wants text."


def _values_without_quotes(found: Any, field: str = "") -> Iterator[str]:
    """The names of numbers, true and false where Kubernetes has text.

    >>> list(_values_without_quotes({"env": [{"name": "READY_AFTER_S", "value": 1}]}))
    ['READY_AFTER_S']
    """
    if isinstance(found, list):
        for each in found:
            yield from _values_without_quotes(each, field)
    elif isinstance(found, dict):
        for name, value in found.items():
            is_text = field in _OF_TEXTS or (field == "env" and name == "value")
            if is_text and isinstance(value, int | float):
                yield str(found.get("name", name) if field == "env" else name)
            else:
                yield from _values_without_quotes(value, name)


def _patched(resource: Any, patch: Object, place: Mapping[str, str]) -> Object:
    """Patch and return the object; a custom kind takes no strategic merge patch."""

    def send(style: str, body: Object) -> Object:
        kind = f"application/{style}+json"
        answer = resource.patch(body=body, content_type=kind, query_params=_strict(), **place)
        changed: Object = answer.to_dict()
        return changed

    try:
        return send("strategic-merge-patch", patch)
    except DynamicApiError as exc:
        if exc.status != _UNSUPPORTED_MEDIA_TYPE:
            raise
    return send("merge-patch", _without_directives(patch))


def _without_directives(patch: Any) -> Any:
    """The same for a kind whose lists are replaced as a whole."""
    if isinstance(patch, dict):
        return {field: _without_directives(value) for field, value in patch.items()}
    if isinstance(patch, list):
        kept = [each for each in patch if not isinstance(each, dict) or "$patch" not in each]
        return [_without_directives(each) for each in kept]
    return patch


def _strict() -> list[tuple[str, str]]:
    """An unknown field is an error, as with kubectl. A new list, as the client adds to it."""
    return [("fieldValidation", "Strict")]


def _without_server_fields(obj: Object) -> Object:
    """The object without the fields that the cluster itself writes."""
    meta = {name: value for name, value in obj["metadata"].items() if name not in _OF_THE_CLUSTER}
    kept = meta.get("annotations") or {}
    meta["annotations"] = {
        name: value for name, value in kept.items() if name != REVISION_ANNOTATION
    }
    return {**{name: value for name, value in obj.items() if name != "status"}, "metadata": meta}


def _resource(connection: Connection, wanted: Object, name: str) -> Any:
    what = f'{wanted["kind"]} "{name}"'
    with explain_api_errors(what, remedy=_REMEDY):
        try:
            return connection.dynamic.resources.get(
                api_version=wanted["apiVersion"], kind=wanted["kind"]
            )
        except ResourceNotFoundError as exc:
            raise ApiRefusedError(
                what,
                f'no matches for kind "{wanted["kind"]}" in version "{wanted["apiVersion"]}"',
                "`kubectl api-resources` lists the kinds that this cluster knows.",
            ) from exc


def _with_last_applied(wanted: Object) -> Object:
    metadata = dict(wanted.get("metadata") or {})
    text = json.dumps(wanted, separators=(",", ":"), sort_keys=True)
    metadata["annotations"] = {**(metadata.get("annotations") or {}), LAST_APPLIED: text}
    return {**wanted, "metadata": metadata}


def _with_removals(wanted: Object, before: Mapping[str, Any]) -> Object:
    """`wanted`, with None for every field that only `before` has."""
    patch: Object = dict(wanted)
    for field, old in before.items():
        if field not in wanted:
            patch[field] = None
        elif isinstance(old, dict) and isinstance(wanted[field], dict):
            patch[field] = _with_removals(wanted[field], old)
        elif isinstance(old, list) and isinstance(wanted[field], list):
            patch[field] = _merged(field, wanted[field], old)
    return patch
