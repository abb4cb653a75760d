"""Which object a path names."""

from __future__ import annotations

import pytest

from canarylab.playground.apiserver.http.paths import parse_path


@pytest.mark.parametrize(
    ("path", "kind", "namespace", "name", "subresource"),
    [
        ("/api/v1/pods", "Pod", None, None, None),
        ("/api/v1/namespaces/lab/pods", "Pod", "lab", None, None),
        ("/api/v1/namespaces/lab/pods/web", "Pod", "lab", "web", None),
        ("/api/v1/namespaces/lab/pods/web/log", "Pod", "lab", "web", "log"),
        ("/api/v1/namespaces/lab/services/web:80/proxy/a/b", "Service", "lab", "web:80", "proxy"),
        ("/api/v1/namespaces", "Namespace", None, None, None),
        ("/api/v1/namespaces/lab", "Namespace", None, "lab", None),
        ("/api/v1/namespaces/lab/status", "Namespace", None, "lab", "status"),
        ("/api/v1/namespaces/lab/finalize", "Namespace", None, "lab", "finalize"),
        ("/api/v1/nodes/playground", "Node", None, "playground", None),
        ("/apis/apps/v1/deployments", "Deployment", None, None, None),
        ("/apis/apps/v1/namespaces/lab/deployments/a/scale", "Deployment", "lab", "a", "scale"),
    ],
)
def test_paths_that_lead_somewhere(
    path: str, kind: str, namespace: str | None, name: str | None, subresource: str | None
) -> None:
    found = parse_path(path)
    assert found is not None
    assert (found.kind.kind, *found[1:]) == (kind, namespace, name, subresource)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1",
        "/api/v2/pods",
        "/apis/apps/v2/deployments",
        "/apis/apps/v1/pods",
        "/api/v1/pods/web",
        "/api/v1/namespaces/lab/nodes",
        "/api/v1/namespaces/lab/pods/web/log/more",
        "/api/v1/namespaces//pods",
        "/nonsense",
    ],
)
def test_paths_that_lead_nowhere(path: str) -> None:
    assert parse_path(path) is None
