"""What every client is to do, and what a script prints: one line of JSON for each step."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from typing import Any

NAMESPACE = os.environ["WITNESS_NAMESPACE"]
LABELS = {"app": "web"}
SELECTOR = "app=web"
FORTY_TWO = ["node", "--print", "6 * 7"]
TIMEOUT_S = 60

_CONTAINER = {
    "name": "web",
    "image": "node_app:1.0",
    "env": [{"name": "DRAIN_S", "value": "0"}],
    "ports": [{"containerPort": 3333}],
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": 3333}},
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": NAMESPACE},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [_CONTAINER]}},
    },
}
CONFIG_MAP: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": NAMESPACE},
    "data": {"colour": "blue"},
}
PATCHES = ("strategic", "merge", "json")


def annotated(by: str) -> Any:
    """A patch of that kind; it adds an annotation."""
    if by == "json":
        return [{"op": "add", "path": f"/metadata/annotations/{by}", "value": "yes"}]
    return {"metadata": {"annotations": {by: "yes"}}}


def patched_by(of: dict[str, str] | None) -> str:
    """Those that the patches have made."""
    return " ".join(name for name in PATCHES if name in (of or {}))


def started(log: str) -> str:
    """What the app logs first, without its version and its pod."""
    return log.partition(":")[0]


def answer_at(port: int) -> str:
    """What the app answers there."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=TIMEOUT_S) as response:
        return str(response.read().decode())


def report(steps: dict[str, Callable[[], str]]) -> None:
    """Take each step, and print what came of it."""
    for name, step in steps.items():
        try:
            said = step()
        except Exception as exc:  # noqa: BLE001  # whatever a client raises is what came of it
            said = f"{type(exc).__name__}: {exc}"
        print(json.dumps([name, said]), flush=True)
