"""Which pods are there, and how are they?"""

from __future__ import annotations

from canarylab.display import Table
from canarylab.release.connection import Connection, Object, refusals
from canarylab.release.endpoints import version_of

OURS = "app=nodeapp"


def list_pods(connection: Connection) -> Table:
    """The pods of the lessons, by name."""
    with refusals("the pods", remedy="Look with `kubectl get pods`."):
        answer = connection.core.list_namespaced_pod(connection.namespace, label_selector=OURS)
    pods = connection.plain(answer)["items"]
    rows = sorted(_row(pod) for pod in pods)
    sentence = f"{len(rows)} pod{'' if len(rows) == 1 else 's'} with {OURS}."
    return Table(sentence, ("pod", "version", "address", "state"), rows)


def state(pod: Object) -> str:
    """One word for how it is; the reason it waits, if it waits.

    >>> state({"metadata": {}, "status": {"phase": "Pending"}})
    'Pending'
    """
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or []:
        if waiting := container.get("state", {}).get("waiting"):
            return str(waiting["reason"])
    if is_ready(pod):
        return "ready"
    phase = str(status.get("phase", "Pending"))
    return "not ready" if phase == "Running" else phase


def is_ready(pod: Object) -> bool:
    """Does it take traffic?"""
    ready = {"type": "Ready", "status": "True"}.items()
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(ready <= condition.items() for condition in conditions)


def _row(pod: Object) -> tuple[str, str, str, str]:
    version = version_of(pod["spec"]["containers"][0]["image"])
    address = (pod.get("status") or {}).get("podIP", "")
    return pod["metadata"]["name"], version, address, state(pod)
