"""Which paths are there below the groups of the API, and what can be done with them?"""

from __future__ import annotations

from typing import NamedTuple

from canarylab.playground.kube.kinds import SERVED_KINDS, Kind

_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_REVIEW = "selfsubjectaccessreviews"


class Subresource(NamedTuple):
    """A path below an object, and the kind of what is found there."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""


class Resource(NamedTuple):
    """A path, and everything discovery says about it."""

    plural: str
    kind: str
    verbs: tuple[str, ...]
    namespaced: bool
    singular: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = ()


_OF_PODS = (
    Subresource("binding", "Binding", ("create",)),
    Subresource("eviction", "Eviction", ("create",), "policy", "v1"),
    Subresource("exec", "PodExecOptions", ("create", "get")),
    Subresource("log", "Pod", ("get",)),
)


def api_versions() -> list[str]:
    """Every group and version there is, the core group first."""
    named = sorted({kind.api_version for kind in SERVED_KINDS} | {"authorization.k8s.io/v1"})
    return ["v1", *(name for name in named if name != "v1")]


def resources(api_version: str) -> list[Resource]:
    """What one group has.

    >>> [resource.plural for resource in resources("apps/v1")]
    ['deployments', 'replicasets']
    """
    if api_version == "authorization.k8s.io/v1":
        kind = "SelfSubjectAccessReview"
        return [Resource(_REVIEW, kind, ("create",), namespaced=False, singular=kind.lower())]
    kinds = [kind for kind in SERVED_KINDS if kind.api_version == api_version]
    return sorted(map(_resource, kinds))


def _resource(kind: Kind) -> Resource:
    return Resource(
        plural=kind.plural,
        kind=kind.kind,
        verbs=tuple(
            verb for verb in _VERBS if kind.kind != "Namespace" or verb != "deletecollection"
        ),
        namespaced=kind.namespaced,
        singular=kind.singular,
        short_names=kind.short_names,
        categories=kind.categories,
        subresources=tuple(_subresources(kind)),
    )


def _subresources(kind: Kind) -> list[Subresource]:
    found = list(_OF_PODS) if kind.kind == "Pod" else []
    if kind.kind == "Service":
        verbs = ("create", "delete", "get", "patch", "update")
        found.append(Subresource("proxy", "ServiceProxyOptions", verbs))
    if kind.kind == "Namespace":
        found.append(Subresource("finalize", "Namespace", ("update",)))
    if kind.has_scale:
        found.append(Subresource("scale", "Scale", ("get", "patch", "update"), "autoscaling", "v1"))
    if kind.has_status:
        found.append(Subresource("status", kind.kind, ("get", "patch", "update")))
    return found
