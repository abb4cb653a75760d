"""Is a Deployment where it was told to be, and if not, what is it waiting for?"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from canarylab.errors import ClusterError, TimedOutError
from canarylab.release.connection import Connection, Object, refusals
from canarylab.release.pods import is_ready

LOOK_EVERY_S = 0.1
_REMEDY = "`kubectl get deployments` lists the Deployments there are."
_BUILD = "`canarylab build` builds the versions there are; `kubectl describe pod` says more."


class Progress(NamedTuple):
    """How far a rollout is."""

    done: bool
    words: str


def progress(deployment: Object) -> Progress:
    """What `kubectl rollout status` would say; the four questions are kubectl's.

    >>> progress({"metadata": {"name": "web", "generation": 2}, "spec": {"replicas": 3}}).words
    'web: the cluster has not seen the change yet'
    """
    name, wanted = deployment["metadata"]["name"], deployment["spec"].get("replicas", 1)
    status = deployment.get("status") or {}
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 1):
        return Progress(done=False, words=f"{name}: the cluster has not seen the change yet")
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    if updated < wanted:
        return Progress(done=False, words=f"{name}: {updated} of {wanted} pods are up to date")
    if total > updated:
        return Progress(done=False, words=f"{name}: {total - updated} old pods are still there")
    if available < updated:
        return Progress(done=False, words=f"{name}: {available} of {updated} pods are ready")
    return Progress(done=True, words=f"{name}: {available} of {wanted} pods are ready")


def wait_until_rolled_out(
    connection: Connection,
    name: str,
    *,
    timeout_s: float = 90.0,
    report: Callable[[str], None] = lambda words: None,
    if_no_image: str = _BUILD,
) -> Progress:
    """Wait until the rollout is done and the pods it took away are gone.

    Raise TimedOutError, with what the pods say, when it is not done in `timeout_s` seconds, and
    ClusterError at once, with `if_no_image` to try, when a pod needs an image that is not there.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        deployment = read_deployment(connection, name)
        pods = pods_of(connection, deployment)
        now = with_pods(progress(deployment), deployment, pods)
        report(now.words)
        if now.done:
            return now
        troubles = waiting_reasons(of_the_template(deployment, pods))
        _refuse_missing_images(name, troubles, if_no_image)
        if time.monotonic() > deadline:
            raise TimedOutError(
                f"After {timeout_s:.0f} s {now.words}{_because(troubles)}. "
                f"`kubectl describe deployment {name}` and `kubectl get events` say more."
            )
        time.sleep(LOOK_EVERY_S)


def with_pods(told: Progress, deployment: Object, pods: list[Object]) -> Progress:
    """The same, and True only if the pods agree: a status lags behind a pod that has just gone."""
    if not told.done:
        return told
    leaving = sum("deletionTimestamp" in pod["metadata"] for pod in pods)
    if leaving:
        return Progress(done=False, words=f"{told.words}, {leaving} are leaving")
    ready, wanted = sum(map(is_ready, pods)), deployment["spec"].get("replicas", 1)
    if ready != wanted:
        words = f"{deployment['metadata']['name']}: {ready} of {wanted} pods are ready"
        return Progress(done=False, words=words)
    return told


def read_deployment(connection: Connection, name: str) -> Object:
    """The Deployment as plain JSON."""
    with refusals(f'Deployment "{name}"', remedy=_REMEDY):
        answer = connection.apps.read_namespaced_deployment(name, connection.namespace)
    found: Object = connection.plain(answer)
    return found


def scale(connection: Connection, name: str, replicas: int) -> None:
    """Ask for so many pods, through the scale subresource, as kubectl does."""
    body = {"spec": {"replicas": replicas}}
    with refusals(f'{replicas} replicas of "{name}"', remedy=_REMEDY):
        connection.apps.patch_namespaced_deployment_scale(name, connection.namespace, body)


def image_of(connection: Connection, name: str, container: str) -> str:
    """The image that a Deployment asks for; raise ClusterError where it has no such container."""
    template = read_deployment(connection, name)["spec"]["template"]
    images = {each["name"]: str(each["image"]) for each in template["spec"]["containers"]}
    if container not in images:
        raise ClusterError(
            f"{name} has no container {container}, only {', '.join(images)}. "
            "Apply the manifest of the lesson again."
        )
    return images[container]


def set_image(connection: Connection, name: str, *, container: str, image: str) -> None:
    """Give one container of the template another image, which starts a rolling update."""
    body = {"spec": {"template": {"spec": {"containers": [{"name": container, "image": image}]}}}}
    with refusals(f'image {image} in "{name}"', remedy=_REMEDY):
        connection.apps.patch_namespaced_deployment(name, connection.namespace, body)


def pods_of(connection: Connection, deployment: Object) -> list[Object]:
    """Its pods, leaving ones included."""
    labels = deployment["spec"]["selector"].get("matchLabels", {})
    query = ",".join(f"{key}={value}" for key, value in labels.items())
    with refusals("its pods", remedy=_REMEDY):
        answer = connection.core.list_namespaced_pod(connection.namespace, label_selector=query)
    pods: list[Object] = connection.plain(answer)["items"]
    return pods


def of_the_template(deployment: Object, pods: list[Object]) -> list[Object]:
    """The pods that stay and have the images the Deployment asks for now."""
    wanted = _images(deployment["spec"]["template"])
    return [
        pod for pod in pods if "deletionTimestamp" not in pod["metadata"] and _images(pod) == wanted
    ]


def waiting_reasons(pods: list[Object]) -> dict[str, str]:
    """Why pods wait: reason to message, from their containers."""
    waiting = [
        container.get("state", {}).get("waiting")
        for pod in pods
        for container in pod.get("status", {}).get("containerStatuses") or []
    ]
    return {entry["reason"]: entry.get("message", "") for entry in waiting if entry}


def _images(pod: Object) -> list[str]:
    return [container["image"] for container in pod["spec"]["containers"]]


def _refuse_missing_images(name: str, troubles: dict[str, str], remedy: str) -> None:
    for reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
        if reason in troubles:
            raise ClusterError(
                f"A pod of {name} cannot start: {reason}, {troubles[reason]}. {remedy}"
            )


def _because(troubles: dict[str, str]) -> str:
    told = [f"{reason} {message}".strip() for reason, message in troubles.items()]
    return f" ({'; '.join(told)})" if told else ""
