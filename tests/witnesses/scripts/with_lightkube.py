"""lightkube; it has no port-forward."""

from __future__ import annotations

import copy
import threading

from lightkube import ApiError, Client
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Pod
from lightkube.types import CascadeType, PatchType

from tests.witnesses.scripts.steps import (
    CONFIG_MAP,
    DEPLOYMENT,
    FORTY_TWO,
    LABELS,
    NAMESPACE,
    PATCHES,
    TIMEOUT_S,
    annotated,
    patched_by,
    report,
    started,
)

CLIENT = Client(namespace=NAMESPACE, field_manager="witness")
SETTINGS = {"metadata.name": "settings"}


def create() -> str:
    made = CLIENT.create(Deployment.from_dict(copy.deepcopy(DEPLOYMENT)))
    return f"{made.metadata.name} has {made.spec.replicas} replicas"


def wait() -> str:
    read = CLIENT.wait(Deployment, "web", for_conditions=["Available"])
    return f"{read.status.availableReplicas} are available"


def get() -> str:
    read = CLIENT.get(Deployment, "web")
    return str(read.spec.template.spec.containers[0].image)


def list_all() -> str:
    return f"{len(list(CLIENT.list(Pod, labels=LABELS)))} pods"


def list_in_pages() -> str:
    return f"{len(list(CLIENT.list(Pod, labels=LABELS, chunk_size=1)))} pods"


def watch_changes() -> str:
    seen = []
    CLIENT.create(ConfigMap.from_dict(CONFIG_MAP))
    for change, _ in CLIENT.watch(ConfigMap, fields=SETTINGS, server_timeout=TIMEOUT_S):
        seen.append(change)
        if change == "ADDED":
            CLIENT.patch(ConfigMap, "settings", {"data": {"colour": "red"}})
        if change == "MODIFIED":
            CLIENT.delete(ConfigMap, "settings")
        if change == "DELETED":
            break
    return " ".join(seen)


def patch() -> str:
    kinds = {"strategic": PatchType.STRATEGIC, "merge": PatchType.MERGE, "json": PatchType.JSON}
    for by in PATCHES:
        CLIENT.patch(Deployment, "web", annotated(by), patch_type=kinds[by])
    return patched_by(CLIENT.get(Deployment, "web").metadata.annotations)


def apply() -> str:
    made = CLIENT.apply(ConfigMap.from_dict(CONFIG_MAP))
    (entry,) = made.metadata.managedFields
    return f"{entry.manager} applied it: {entry.operation}"


def scale() -> str:
    wanted = Deployment.Scale(metadata=ObjectMeta(name="web"), spec=ScaleSpec(replicas=3))
    CLIENT.replace(wanted, "web")
    for _, changed in CLIENT.watch(Deployment, fields={"metadata.name": "web"}):
        if changed.status.availableReplicas == 3:
            return "3 are available"
    return "not available in time"


def _a_pod() -> str:
    return str(next(iter(CLIENT.list(Pod, labels=LABELS))).metadata.name)


def logs() -> str:
    return started(next(iter(CLIENT.log(_a_pod()))))


def execute() -> str:
    said = str(CLIENT.exec(_a_pod(), command=FORTY_TWO, stdout=True).stdout).strip()
    # httpx2 2.16 closes the socket while a thread reads from it. The next connection may get the
    # same file descriptor, and the thread reads its TLS handshake: WRONG_VERSION_NUMBER.
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(TIMEOUT_S)
    return said


def refused() -> str:
    try:
        return create()
    except ApiError as exc:
        return f"{exc.status.code} {exc.status.reason}"


def delete() -> str:
    CLIENT.delete(Deployment, "web", cascade=CascadeType.FOREGROUND)
    for _ in CLIENT.watch(Pod, labels=LABELS):
        if (left := list_all()) == "0 pods":
            return left
    return "not deleted in time"


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
            "refused": refused,
            "delete": delete,
        }
    )
