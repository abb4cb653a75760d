"""The official Python client."""

from __future__ import annotations

import json
from typing import Any

from kubernetes import client, config, dynamic
from kubernetes.stream import portforward, stream
from kubernetes.watch import Watch

from tests.witnesses.scripts.steps import (
    CONFIG_MAP,
    DEPLOYMENT,
    FORTY_TWO,
    NAMESPACE,
    PATCHES,
    SELECTOR,
    TIMEOUT_S,
    annotated,
    patched_by,
    report,
    started,
)

API: Any = config.new_client_from_config()
CORE: Any = client.CoreV1Api(API)
APPS: Any = client.AppsV1Api(API)


def create() -> str:
    made = APPS.create_namespaced_deployment(NAMESPACE, DEPLOYMENT)
    return f"{made.metadata.name} has {made.spec.replicas} replicas"


def wait() -> str:
    return _wait_until_ready(2)


def _wait_until_ready(count: int) -> str:
    watch, only = Watch(), {"field_selector": "metadata.name=web", "timeout_seconds": TIMEOUT_S}
    for event in watch.stream(APPS.list_namespaced_deployment, NAMESPACE, **only):
        if event["object"].status.available_replicas == count:
            watch.stop()
            return f"{count} are available"
    return "not available in time"


def get() -> str:
    read = APPS.read_namespaced_deployment("web", NAMESPACE)
    return str(read.spec.template.spec.containers[0].image)


def pods() -> Any:
    return CORE.list_namespaced_pod(NAMESPACE, label_selector=SELECTOR).items


def list_all() -> str:
    return f"{len(pods())} pods"


def list_in_pages() -> str:
    page = CORE.list_namespaced_pod(NAMESPACE, label_selector=SELECTOR, limit=1)
    sizes = [len(page.items)]
    while more := page.metadata._continue:
        page = CORE.list_namespaced_pod(NAMESPACE, label_selector=SELECTOR, limit=1, _continue=more)
        sizes.append(len(page.items))
    return f"{sum(sizes)} pods"


def watch_changes() -> str:
    watch, seen = Watch(), []
    CORE.create_namespaced_config_map(NAMESPACE, CONFIG_MAP)
    maps = {"field_selector": "metadata.name=settings", "timeout_seconds": TIMEOUT_S}
    for event in watch.stream(CORE.list_namespaced_config_map, NAMESPACE, **maps):
        seen.append(event["type"])
        if event["type"] == "ADDED":
            red = {"data": {"colour": "red"}}
            CORE.patch_namespaced_config_map("settings", NAMESPACE, red)
        if event["type"] == "MODIFIED":
            CORE.delete_namespaced_config_map("settings", NAMESPACE)
        if event["type"] == "DELETED":
            watch.stop()
    return " ".join(seen)


def patch() -> str:
    deployments = dynamic.DynamicClient(API).resources.get(api_version="apps/v1", kind="Deployment")
    kinds = {"strategic": "strategic-merge-patch", "merge": "merge-patch", "json": "json-patch"}
    for by in PATCHES:
        deployments.patch(
            name="web",
            namespace=NAMESPACE,
            body=annotated(by),
            content_type=f"application/{kinds[by]}+json",
        )
    return patched_by(APPS.read_namespaced_deployment("web", NAMESPACE).metadata.annotations)


def apply() -> str:
    maps = dynamic.DynamicClient(API).resources.get(api_version="v1", kind="ConfigMap")
    maps.server_side_apply(body=CONFIG_MAP, namespace=NAMESPACE, field_manager="witness")
    (entry,) = maps.get(name="settings", namespace=NAMESPACE).metadata.managedFields
    return f"{entry.manager} applied it: {entry.operation}"


def scale() -> str:
    APPS.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 3}})
    return _wait_until_ready(3)


def logs() -> str:
    return started(CORE.read_namespaced_pod_log(pods()[0].metadata.name, NAMESPACE))


def execute() -> str:
    said = stream(
        CORE.connect_get_namespaced_pod_exec,
        pods()[0].metadata.name,
        NAMESPACE,
        command=FORTY_TWO,
        stdout=True,
        stderr=True,
    )
    return str(said).strip()


def forward_port() -> str:
    name = pods()[0].metadata.name
    call = CORE.connect_get_namespaced_pod_portforward
    forwarding = portforward(call, name, NAMESPACE, ports="3333")
    connection, came = forwarding.socket(3333), b""
    connection.settimeout(TIMEOUT_S)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
    while piece := connection.recv(4_096):
        came += piece
    forwarding.close()
    return came.rpartition(b"\r\n\r\n")[2].decode()


def refused() -> str:
    try:
        return create()
    except client.ApiException as exc:
        return f"{exc.status} {json.loads(exc.body or '{}').get('reason')}"


def delete() -> str:
    APPS.delete_namespaced_deployment("web", NAMESPACE, propagation_policy="Foreground")
    watch, only = Watch(), {"label_selector": SELECTOR, "timeout_seconds": TIMEOUT_S}
    for _ in watch.stream(CORE.list_namespaced_pod, NAMESPACE, **only):
        if not pods():
            watch.stop()
    return list_all()


if __name__ == "__main__":
    report(
        {
            "create": create,
            "wait": wait,
            "get": get,
            "list": list_all,
            "list in pages": list_in_pages,
            "watch": watch_changes,
            "patch": patch,
            "apply": apply,
            "scale": scale,
            "logs": logs,
            "exec": execute,
            "port-forward": forward_port,
            "refused": refused,
            "delete": delete,
        }
    )
