"""Discovery and the meta endpoints: /version, /openapi, /api and /apis.

kubectl reads discovery first and caches it for hours in `~/.kube/cache`. It prefers one aggregated
document; older clients, and the dynamic client of Python, read one document for each group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from aiohttp import web

from canarylab.kube_objects import Object
from canarylab.playground.apiserver import openapi
from canarylab.playground.apiserver.requests import JSON, json_response
from canarylab.playground.kube.kinds import KNOWN_KINDS, KUBERNETES_VERSION, UNSERVED_KINDS, Kind

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": KUBERNETES_VERSION,
    "gitCommit": "canarylab-playground",
    "gitTreeState": "clean",
    "buildDate": "2026-11-22T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}
"""The version of Kubernetes that this server reports."""

_DISCOVERY_VERSIONS = ("v2", "v2beta1")
_A_YEAR = 365 * 24 * 3600  # seconds
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_ALL = ["*"]
_REVIEWS: dict[str, tuple[str, Object]] = {
    "/apis/authentication.k8s.io/v1/selfsubjectreviews": (
        "SelfSubjectReview",
        {"userInfo": {"username": "playground", "groups": ["system:masters"]}},
    ),
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": (
        "SelfSubjectAccessReview",
        {"allowed": True},
    ),
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews": (
        "SelfSubjectRulesReview",
        {
            "resourceRules": [{"verbs": _ALL, "apiGroups": _ALL, "resources": _ALL}],
            "nonResourceRules": [{"verbs": _ALL, "nonResourceURLs": _ALL}],
            "incomplete": False,
        },
    ),
}
"""Kind and status of the reviews by path: the token permits everything."""


def meta_response(request: web.Request) -> web.Response | None:
    """The response of a meta endpoint, or None if the path is not one of them."""
    path = request.path.rstrip("/")
    if request.method == "POST" and path in _REVIEWS:
        return _review_response(path)
    if request.method != "GET":
        return None
    if path == "/version":
        return json_response(VERSION)
    if path.startswith("/openapi/"):
        return _openapi_response(request, path)
    return _discovery_response(request, path)


def _discovery_response(request: web.Request, path: str) -> web.Response | None:
    steps = path.strip("/").split("/")
    match steps:
        case ["api"] | ["apis"]:
            return _root_response(request, core=steps == ["api"])
        case ["api", version]:
            return _response_or_none(resource_list(version))
        case ["apis", group]:
            return _response_or_none(api_group(group))
        case ["apis", group, version]:
            return _response_or_none(resource_list(f"{group}/{version}"))
    return None


def _root_response(request: web.Request, *, core: bool) -> web.Response:
    version = discovery_version(request.headers.get("Accept", ""))
    if version is None:
        return json_response(api_versions_document(request.host) if core else api_group_list())
    response = json_response(aggregated_discovery(core=core, version=version))
    as_ = "as=APIGroupDiscoveryList"
    response.headers["Content-Type"] = f"{JSON};g=apidiscovery.k8s.io;v={version};{as_}"
    return response


def discovery_version(accept: str) -> str | None:
    """The version of the aggregated document that the client accepts, if it does.

    >>> discovery_version("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
    'v2'
    """
    for version in _DISCOVERY_VERSIONS:
        for offer in accept.replace(" ", "").split(","):
            if {"g=apidiscovery.k8s.io", f"v={version}"} <= set(offer.split(";")):
                return version
    return None


def _openapi_response(request: web.Request, path: str) -> web.Response | None:
    if path == "/openapi/v2":
        return web.Response(body=openapi.V2_STUB, headers={"Content-Type": openapi.V2_TYPE})
    if path == "/openapi/v3":
        return web.Response(body=openapi.index(), content_type=JSON)
    body = openapi.document(path.removeprefix("/openapi/v3/"))
    if body is None:
        return None
    response = web.Response(body=body, content_type=JSON)
    if etag := request.query.get("hash"):
        response.headers["ETag"] = f'"{etag}"'
        response.headers["Cache-Control"] = f"public, immutable, max-age={_A_YEAR}"
    return response


def _review_response(path: str) -> web.Response:
    kind, status = _REVIEWS[path]
    api_version = path.removeprefix("/apis/").rpartition("/")[0]
    spec: Object = {} if kind == "SelfSubjectReview" else {"spec": {}}
    return json_response(
        {"kind": kind, "apiVersion": api_version, "metadata": {}, **spec, "status": status},
        code=201,
    )


def _response_or_none(document: Object | None) -> web.Response | None:
    return None if document is None else json_response(document)


def aggregated_discovery(*, core: bool, version: str) -> Object:
    """The aggregated document: /api has the core group, /apis all others."""
    groups = [""] if core else _group_names()
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [_aggregated_group(name) for name in groups],
    }


def api_versions_document(address: str) -> Object:
    """GET /api, for older clients."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def api_group_list() -> Object:
    """GET /apis, for older clients."""
    groups = [api_group(name) for name in _group_names()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def api_group(name: str) -> Object | None:
    """GET /apis/GROUP, or None if there is no such group."""
    found = [entry for entry in api_versions() if entry.startswith(f"{name}/")]
    if not found:
        return None
    versions = [{"groupVersion": entry, "version": entry.partition("/")[2]} for entry in found]
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": name,
        "versions": versions,
        "preferredVersion": versions[0],
    }


def resource_list(api_version: str) -> Object | None:
    """GET /api/v1 or /apis/GROUP/VERSION, or None if there is no such version."""
    if api_version not in api_versions():
        return None
    entries = []
    for resource in resources(api_version):
        entries.append(_resource_entry(resource))
        entries += [
            _subresource_entry(resource, subresource) for subresource in resource.subresources
        ]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": api_version,
        "resources": entries,
    }


def _resource_entry(resource: ApiResource) -> Object:
    entry: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
        "shortNames": list(resource.short_names),
        "categories": list(resource.categories),
    }
    return {name: value for name, value in entry.items() if name == "verbs" or value != []}


def _subresource_entry(resource: ApiResource, subresource: ApiSubresource) -> Object:
    entry: dict[str, Any] = {
        "name": f"{resource.plural}/{subresource.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "group": subresource.group,
        "version": subresource.version,
        "kind": subresource.kind,
        "verbs": list(subresource.verbs),
    }
    return {
        name: value
        for name, value in entry.items()
        if name not in {"group", "version"} or value != ""
    }


def _group_names() -> list[str]:
    """Every group but the core one."""
    found = (name.partition("/")[0] for name in api_versions() if name != "v1")
    return list(dict.fromkeys(found))


def _aggregated_group(name: str) -> Object:
    """One group with its versions, the preferred one first; the core group has no name."""
    versions = []
    for api_version in api_versions():
        group_name, _, version = api_version.rpartition("/")
        if group_name == name:
            entries = [
                _aggregated_entry(resource, name, version) for resource in resources(api_version)
            ]
            versions.append({"version": version, "resources": entries, "freshness": "Current"})
    return {"metadata": {"name": name} if name else {}, "versions": versions}


def _aggregated_entry(resource: ApiResource, name: str, version: str) -> Object:
    entry: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": {"group": name, "version": version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
        "shortNames": list(resource.short_names),
        "categories": list(resource.categories),
        "subresources": [
            {
                "subresource": subresource.name,
                "responseKind": {
                    "group": subresource.group or name,
                    "version": subresource.version or version,
                    "kind": subresource.kind,
                },
                "verbs": list(subresource.verbs),
            }
            for subresource in resource.subresources
        ],
    }
    return {key: value for key, value in entry.items() if key == "verbs" or value != []}


class ApiSubresource(NamedTuple):
    """A subresource in discovery, with the kind of its objects."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""


class ApiResource(NamedTuple):
    """A resource in discovery."""

    plural: str
    kind: str
    verbs: tuple[str, ...]
    namespaced: bool
    singular: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[ApiSubresource, ...] = ()


_POD_SUBRESOURCES = (
    ApiSubresource("attach", "PodAttachOptions", ("create", "get")),
    ApiSubresource("binding", "Binding", ("create",)),
    ApiSubresource("eviction", "Eviction", ("create",), "policy", "v1"),
    ApiSubresource("exec", "PodExecOptions", ("create", "get")),
    ApiSubresource("log", "Pod", ("get",)),
    ApiSubresource("portforward", "PodPortForwardOptions", ("create", "get")),
    ApiSubresource("proxy", "PodProxyOptions", ("create", "delete", "get", "patch", "update")),
)


def api_versions() -> list[str]:
    """Every group and version, the core group first, and the preferred version of each group."""
    served = dict.fromkeys(kind.api_version for kind in KNOWN_KINDS if kind.group)
    named = [*served, "authentication.k8s.io/v1", "authorization.k8s.io/v1"]
    return ["v1", *sorted(named, key=lambda name: name.partition("/")[0])]


def resources(api_version: str) -> list[ApiResource]:
    """The resources of a group and version.

    >>> [resource.plural for resource in resources("apps/v1") if resource.verbs]
    ['deployments', 'replicasets']
    """
    kinds = [kind for kind in KNOWN_KINDS if kind.api_version == api_version]
    return sorted([*map(_resource, kinds), *_reviews(api_version)])


def _reviews(api_version: str) -> Iterator[ApiResource]:
    for path, (kind, _) in _REVIEWS.items():
        parent, _, plural = path.rpartition("/")
        if parent == f"/apis/{api_version}":
            yield ApiResource(plural, kind, ("create",), namespaced=False, singular=kind.lower())


def _resource(kind: Kind) -> ApiResource:
    return ApiResource(
        plural=kind.plural,
        kind=kind.kind,
        verbs=_verbs(kind),
        namespaced=kind.namespaced,
        singular=kind.singular,
        short_names=kind.short_names,
        categories=kind.categories,
        subresources=tuple(_subresources(kind)),
    )


def _verbs(kind: Kind) -> tuple[str, ...]:
    if kind in UNSERVED_KINDS:
        return ()
    return tuple(verb for verb in _VERBS if kind.kind != "Namespace" or verb != "deletecollection")


def _subresources(kind: Kind) -> list[ApiSubresource]:
    if kind in UNSERVED_KINDS:
        return []
    found = list(_POD_SUBRESOURCES) if kind.kind == "Pod" else []
    if kind.kind == "Service":
        verbs = ("create", "delete", "get", "patch", "update")
        found.append(ApiSubresource("proxy", "ServiceProxyOptions", verbs))
    if kind.kind == "Namespace":
        found.append(ApiSubresource("finalize", "Namespace", ("update",)))
    if kind.has_scale:
        found.append(
            ApiSubresource("scale", "Scale", ("get", "patch", "update"), "autoscaling", "v1")
        )
    if kind.has_status:
        found.append(ApiSubresource("status", kind.kind, ("get", "patch", "update")))
    return found
