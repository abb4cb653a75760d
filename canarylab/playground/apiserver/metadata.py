"""Metadata that the server writes: uid, timestamps, generation, generated names."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from canarylab.kube_objects import REVISION_ANNOTATION, SAFE_LETTERS, Object, timestamp, utc_now
from canarylab.playground.kube.kinds import Kind

SUFFIX_LENGTH = 5  # letters
MAX_BASE_NAME = 63 - SUFFIX_LENGTH
KINDS_WITH_GENERATION = frozenset(
    {
        "Deployment", "ReplicaSet", "Pod", "EndpointSlice", "Ingress", "IngressClass",
        "Job", "PodDisruptionBudget", "GatewayClass", "Gateway", "HTTPRoute",
        "ReferenceGrant",
    }
)  # fmt: skip
"""Kinds with a `metadata.generation`."""

_SERVER_FIELDS = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
)
_DROPPED_FIELDS = ("selfLink", "managedFields")
_OUTSIDE_CONTENT = ("metadata", "status", "apiVersion", "kind")


def _uid() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Generators:
    """The sources of times, uids and random suffixes."""

    now: Callable[[], datetime] = utc_now
    uid: Callable[[], str] = _uid
    random: random.Random = field(default_factory=random.Random)

    def suffix(self) -> str:
        """Five random letters, as in the name of a pod."""
        return "".join(self.random.choice(SAFE_LETTERS) for _ in range(SUFFIX_LENGTH))


def new_metadata(obj: Object, kind: Kind, generators: Generators) -> Object:
    """The object with the metadata of a new one; `generateName` gets a suffix."""
    given = obj.get("metadata") or {}
    kept = {name: given[name] for name in given if name not in _SERVER_FIELDS + _DROPPED_FIELDS}
    meta = {**kept, "uid": generators.uid(), "creationTimestamp": timestamp(generators.now())}
    if not kind.namespaced:
        meta.pop("namespace", None)
    if not meta.get("name") and (stem := meta.get("generateName")):
        meta["name"] = stem[:MAX_BASE_NAME] + generators.suffix()
    if kind.kind in KINDS_WITH_GENERATION:
        meta["generation"] = 1
    return ordered(obj, kind, meta)


def next_version(obj: Object, current: Object, kind: Kind) -> Object:
    """The object as the next version of `current`, with the server's own fields unchanged."""
    given, before = obj["metadata"], current["metadata"]
    kept = {name: given[name] for name in given if name not in _SERVER_FIELDS + _DROPPED_FIELDS}
    if kept.get("finalizers") == []:
        del kept["finalizers"]
    own = {name: before[name] for name in _SERVER_FIELDS if name in before}
    return ordered(obj, kind, {**kept, **own})


def with_generation(obj: Object, current: Object) -> Object:
    """The object with the next generation, if more than metadata and status changed.

    The annotations of a Deployment count as well, as in Kubernetes, except the one with the
    revision.
    """
    return obj if _content(obj) == _content(current) else next_generation(obj)


def next_generation(obj: Object) -> Object:
    """The object with the next generation, if its kind has one."""
    meta = obj["metadata"]
    if "generation" not in meta:
        return obj
    return {**obj, "metadata": {**meta, "generation": meta["generation"] + 1}}


def ordered(obj: Object, kind: Kind, meta: Object) -> Object:
    """The object with this metadata, its fields in the usual order."""
    head = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta}
    rest = {name: value for name, value in obj.items() if name not in head and name != "status"}
    return {**head, **rest, **({"status": obj["status"]} if "status" in obj else {})}


def _content(obj: Object) -> Object:
    content = {name: value for name, value in obj.items() if name not in _OUTSIDE_CONTENT}
    if obj["kind"] != "Deployment":
        return content
    annotations = obj["metadata"].get("annotations") or {}
    own = {name: value for name, value in annotations.items() if name != REVISION_ANNOTATION}
    return {**content, "annotations": own}
