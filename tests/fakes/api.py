"""A stand-in for a real API server, for kinds that the playground does not serve.

It keeps what is applied, and lets Deployments be rolled out at once, or wait for their image. It
judges nothing. Its discovery is that of a real one for the kinds in `KINDS`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import yaml

Object = dict[str, Any]

KINDS = {
    "v1": [
        ("namespaces", "Namespace", False),
        ("serviceaccounts", "ServiceAccount", True),
        ("pods", "Pod", True),
    ],
    "apps/v1": [("deployments", "Deployment", True)],
    "networking.k8s.io/v1": [("ingressclasses", "IngressClass", False)],
    "rbac.authorization.k8s.io/v1": [
        ("clusterroles", "ClusterRole", False),
        ("clusterrolebindings", "ClusterRoleBinding", False),
    ],
}


@dataclass
class ApiStandIn:
    """What it holds, by path, and what was asked of it."""

    kubeconfig: Path
    objects: dict[str, Object] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    """`POST /api/v1/namespaces`, in order."""
    missing_image: str | None = None
    """What the kubelet says of the image, while it cannot be pulled."""

    def kinds(self) -> list[str]:
        """Of all that it holds, in the order of their making."""
        return [each["kind"] for each in self.objects.values()]

    def answer(self, method: str, path: str, body: Object) -> tuple[int, Object]:
        """As a real one would."""
        if method == "GET":
            return self._read(path)
        self.writes.append(f"{method} {path}")
        place = f"{path}/{body['metadata']['name']}" if method == "POST" else path
        self.objects[place] = _merged(self.objects.get(place, {}), body)
        return (201 if method == "POST" else 200), self._shown(self.objects[place])

    def _read(self, path: str) -> tuple[int, Object]:
        if found := _discovery(path):
            return 200, found
        if path in self.objects:
            return 200, self._shown(self.objects[path])
        if path.endswith("/pods"):
            return 200, {"kind": "PodList", "apiVersion": "v1", "items": self._pods()}
        if path.rpartition("/")[2] in _plurals():
            return 200, {"kind": "List", "apiVersion": "v1", "items": self._below(path)}
        return 404, {"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"}

    def _below(self, path: str) -> list[Object]:
        return [each for place, each in self.objects.items() if place.rpartition("/")[0] == path]

    def _shown(self, held: Object) -> Object:
        if held["kind"] != "Deployment":
            return held
        ready = 0 if self.missing_image else 1
        status = {"observedGeneration": 1, "updatedReplicas": 1, "replicas": 1}
        return {**held, "status": {**status, "availableReplicas": ready}}

    def _pods(self) -> list[Object]:
        return [self._pod(each) for each in self.objects.values() if each["kind"] == "Deployment"]

    def _pod(self, deployment: Object) -> Object:
        template = deployment["spec"]["template"]
        ready = "False" if self.missing_image else "True"
        why = {"reason": "ErrImagePull", "message": self.missing_image}
        container = {
            "name": "traefik", "image": "traefik", "imageID": "", "ready": ready == "True",
            "restartCount": 0, "state": {"waiting": why} if self.missing_image else {},
        }  # fmt: skip
        conditions = [{"type": "Ready", "status": ready}]
        return {
            "metadata": {"name": "traefik-1", "labels": template["metadata"]["labels"]},
            "spec": template["spec"],
            "status": {"conditions": conditions, "containerStatuses": [container]},
        }


@contextmanager
def api_stand_in(folder: Path) -> Iterator[ApiStandIn]:
    """Open for the length of a `with`."""
    standin = ApiStandIn(folder / "standin.kubeconfig")
    handler = type("Handler", (_Handler,), {"standin": standin})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        _write_kubeconfig(standin.kubeconfig, server.server_port)
        try:
            yield standin
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    standin: ClassVar[ApiStandIn]

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    do_PATCH = do_POST  # noqa: N815  the names that http.server calls

    def _answer(self, body: Object) -> None:
        code, said = self.standin.answer(self.command, urlsplit(self.path).path, body)
        text = json.dumps(said).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def _discovery(path: str) -> Object | None:
    if path == "/version":
        return {"major": "1", "minor": "37", "gitVersion": "v1.37.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return {"kind": "APIGroupList", "groups": [_group(each) for each in KINDS if "/" in each]}
    version = path.removeprefix("/apis/").removeprefix("/api/")
    return _resources(version) if version in KINDS else None


def _group(version: str) -> Object:
    entry = {"groupVersion": version, "version": version.partition("/")[2]}
    return {"name": version.partition("/")[0], "versions": [entry], "preferredVersion": entry}


def _resources(version: str) -> Object:
    verbs = ["get", "list", "create", "patch"]
    listed = [
        {"name": plural, "singularName": kind.lower(), "kind": kind, "namespaced": namespaced}
        | {"verbs": verbs}
        for plural, kind, namespaced in KINDS[version]
    ]
    return {"kind": "APIResourceList", "groupVersion": version, "resources": listed}


def _plurals() -> set[str]:
    return {plural for kinds in KINDS.values() for plural, _, _ in kinds}


def _merged(held: Object, change: Object) -> Object:
    """Maps are merged, all else is replaced: enough for manifests that nobody else changes."""
    merged = dict(held)
    for name, value in change.items():
        both = isinstance(value, dict) and isinstance(held.get(name), dict)
        merged[name] = _merged(held[name], value) if both else value
    return merged


def _write_kubeconfig(path: Path, port: int) -> None:
    said = {
        "apiVersion": "v1", "kind": "Config", "current-context": "standin",
        "clusters": [{"name": "standin", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "standin", "user": {}}],
        "contexts": [{"name": "standin", "context": {"cluster": "standin", "user": "standin"}}],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(said))
