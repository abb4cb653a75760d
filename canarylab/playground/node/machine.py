"""What is this machine, as a Node tells of it?"""

from __future__ import annotations

import os
import platform
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import find_condition, timestamp
from canarylab.playground.node.records import RUNTIME

NODE = "playground"
KUBELET_VERSION = "v1.36.2"
MOST_PODS = 110
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def node_object() -> Object:
    """The Node to create; its status comes after."""
    labels = {
        "kubernetes.io/arch": architecture(),
        "kubernetes.io/hostname": NODE,
        "kubernetes.io/os": "linux",
    }
    metadata = {"name": NODE, "labels": labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}}


def node_status(before: Object | None, now: datetime, address: str) -> Object:
    """What the node reports of itself; `before` is the Node as it was."""
    known = (find_condition(before, "Ready") if before else None) or {}
    since = known.get("lastTransitionTime") if known.get("status") == "True" else None
    resources = {"cpu": str(os.cpu_count() or 1), "memory": _memory(), "pods": str(MOST_PODS)}
    ready = {
        "type": "Ready",
        "status": "True",
        "lastHeartbeatTime": timestamp(now),
        "lastTransitionTime": since or timestamp(now),
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
    }
    return {
        "capacity": resources,
        "allocatable": resources,
        "conditions": [ready],
        "addresses": [
            {"type": "InternalIP", "address": address},
            {"type": "Hostname", "address": NODE},
        ],
        "nodeInfo": _node_info(),
    }


def architecture() -> str:
    """As container images name it: `amd64`."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def canarylab_version() -> str:
    """Of this package, as installed."""
    try:
        return version("canarylab")
    except PackageNotFoundError:
        return "unknown"  # run from a folder, without installing


def _node_info() -> Object:
    return {
        "machineID": "",
        "systemUUID": "",
        "bootID": _line_of("/proc/sys/kernel/random/boot_id"),
        "kernelVersion": platform.release(),
        "osImage": _os_image(),
        "containerRuntimeVersion": f"{RUNTIME}://{canarylab_version()}",
        "kubeletVersion": KUBELET_VERSION,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": architecture(),
    }


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _memory() -> str:
    """All of it: `24684092Ki`."""
    kibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    return f"{kibibytes}Ki"


def _line_of(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
