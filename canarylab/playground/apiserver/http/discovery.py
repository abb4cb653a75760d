"""What can a client ask for?

kubectl reads this before anything else and keeps it for hours, in `~/.kube/cache`. It prefers one
document with everything in it; older clients, and the Python client's dynamic part, walk from
group to group. What there is stands in `resources.py`.
"""

from __future__ import annotations

from typing import Any

from canarylab.playground.apiserver.http.resources import (
    Resource,
    Subresource,
    api_versions,
    resources,
)
from canarylab.playground.kube.api import Object

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.2",
    "gitCommit": "canarylab-playground",
    "gitTreeState": "clean",
    "buildDate": "2026-11-22T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}
"""The Kubernetes whose answers this server gives."""


def aggregated(*, core: bool, version: str) -> Object:
    """Everything in one document; /api has the core group, /apis the others."""
    groups = [""] if core else _group_names()
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [_aggregated_group(name) for name in groups],
    }


def core_versions(address: str) -> Object:
    """GET /api, for older clients."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list() -> Object:
    """GET /apis, for older clients."""
    groups = [group(name) for name in _group_names()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(name: str) -> Object | None:
    """GET /apis/GROUP, or None where there is no such group."""
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
    """GET /api/v1 or /apis/GROUP/VERSION, or None where there is no such version."""
    if api_version not in api_versions():
        return None
    entries = []
    for resource in resources(api_version):
        entries.append(_entry(resource))
        entries += [_subentry(resource, below) for below in resource.subresources]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": api_version,
        "resources": entries,
    }


def _entry(resource: Resource) -> Object:
    entry: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
        "shortNames": list(resource.short_names),
        "categories": list(resource.categories),
    }
    return {name: value for name, value in entry.items() if value != []}


def _subentry(resource: Resource, below: Subresource) -> Object:
    entry: dict[str, Any] = {
        "name": f"{resource.plural}/{below.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "group": below.group,
        "version": below.version,
        "kind": below.kind,
        "verbs": list(below.verbs),
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


def _aggregated_entry(resource: Resource, name: str, version: str) -> Object:
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
                "subresource": below.name,
                "responseKind": {
                    "group": below.group or name,
                    "version": below.version or version,
                    "kind": below.kind,
                },
                "verbs": list(below.verbs),
            }
            for below in resource.subresources
        ],
    }
    return {key: value for key, value in entry.items() if value != []}
