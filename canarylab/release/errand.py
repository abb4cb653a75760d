"""Have a small program run inside the cluster, in a pod that is made for it and taken away again.

Where commands in pods are not allowed, a Deployment and a log usually are. The pod runs the image
of one that is there already, so nothing has to be pulled; its labels are its own, so no Service of
the lessons finds it.
"""

from __future__ import annotations

import time
from typing import Any

from kubernetes.client.exceptions import ApiException

from canarylab.errors import TimedOutError
from canarylab.release.connection import Connection, Object, refusals
from canarylab.release.rollout import LOOK_EVERY_S

NAME = "nodeapp-errand"
LABELS = {"app": NAME}
SELECTOR = f"app={NAME}"
_DONE = "canarylab: done"
_REMEDY = "Look with `kubectl get pods`."
_MAY_NOT_BE_READY_YET = 400  # asking a container that is still being made for its log


def run_errand(
    connection: Connection, beside: str, program: str, argument: str, *, timeout_s: float = 60.0
) -> str:
    """What a JavaScript program printed that ran in a pod with the image of the pod `beside`."""
    remove_errand(connection)
    with refusals(f'pod "{beside}"', remedy=_REMEDY):
        image = connection.core.read_namespaced_pod(beside, connection.namespace)
    wanted = deployment(image.spec.containers[0].image, program, argument)
    try:
        with refusals(f'Deployment "{NAME}"', remedy=_REMEDY):
            connection.apps.create_namespaced_deployment(connection.namespace, wanted)
        return _wait_for_output(connection, timeout_s)
    finally:
        remove_errand(connection)


def deployment(image: str, program: str, argument: str) -> Object:
    """One pod that runs the program, says that it is done, and then idles until it is taken away.

    A container that ends would be started again, and would print everything twice.
    """
    body = f"({program}).finally(() => {{ console.log('{_DONE}'); setInterval(() => 0, 1e6) }})"
    container = {"name": "errand", "image": image, "command": ["node", "-e", body, argument]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    template = {"metadata": {"labels": LABELS}, "spec": spec}
    return {
        "metadata": {"name": NAME, "labels": LABELS},
        "spec": {"selector": {"matchLabels": LABELS}, "template": template},
    }


def remove_errand(connection: Connection) -> None:
    """Take it away, one that an interrupted run has left included."""
    here = connection.namespace
    with refusals("cleaning up", remedy="Look with `kubectl get deployments`."):
        found = connection.apps.list_namespaced_deployment(here, label_selector=SELECTOR)
        for each in found.items:
            connection.apps.delete_namespaced_deployment(each.metadata.name, here)


def _wait_for_output(connection: Connection, timeout_s: float) -> str:
    deadline = time.monotonic() + timeout_s
    while True:
        output, is_done, _ = _log(connection).partition(f"{_DONE}\n")
        if is_done:
            return output
        if time.monotonic() > deadline:
            raise TimedOutError(
                f"The pod of {NAME} said nothing within {timeout_s:.0f} s. "
                "`kubectl describe pod` says what it waits for."
            )
        time.sleep(LOOK_EVERY_S)


def _log(connection: Connection) -> str:
    """What it has printed so far; nothing where there is no container yet."""
    pods = _running(connection)
    if not pods:
        return ""
    with refusals("the log of a pod", remedy=_REMEDY):
        try:
            said = connection.core.read_namespaced_pod_log(pods[0], connection.namespace)
        except ApiException as exc:
            if exc.status != _MAY_NOT_BE_READY_YET:
                raise
            return ""
    return str(said)


def _running(connection: Connection) -> list[str]:
    with refusals("the pods", remedy=_REMEDY):
        pods: Any = connection.core.list_namespaced_pod(
            connection.namespace, label_selector=SELECTOR
        )
    leaving = [pod for pod in pods.items if pod.metadata.deletion_timestamp]
    return [pod.metadata.name for pod in pods.items if pod not in leaving]
