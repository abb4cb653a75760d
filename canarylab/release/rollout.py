"""Rollout of a Deployment: its status, waiting for it, scaling, and changing an image."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from canarylab.errors import ClusterError, TimedOutError
from canarylab.kube_objects import is_ready
from canarylab.manifests import CANARY, PRODUCTION
from canarylab.release.connection import Connection, Object, explain_api_errors
from canarylab.runtime import wait_until
from canarylab.text import did_you_mean

ROLLED_OUT_TIMEOUT_S = 90.0
_PAUSE_S = 0.1
_REMEDY = (
    "`kubectl get deployments` lists the Deployments there are. "
    "In a lesson, the first cells of the section make them."
)
_BUILD = "`canarylab build` builds the versions there are; `kubectl describe pod` says more."


class RolloutStatus(NamedTuple):
    """Whether a rollout is done, and how far it is."""

    done: bool
    message: str


def rollout_status(deployment: Object) -> RolloutStatus:
    """The answer of `kubectl rollout status`, by the same four conditions.

    >>> rollout_status({"metadata": {"name": "web", "generation": 2}, "spec": {}}).message
    'web: the cluster has not seen the change yet'
    """
    name, wanted = deployment["metadata"]["name"], deployment["spec"].get("replicas", 1)
    status = deployment.get("status") or {}
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 1):
        reason = "the cluster has not seen the change yet"
    elif updated < wanted:
        reason = f"{updated} of {wanted} pods are up to date"
    elif total > updated:
        reason = f"{total - updated} old pods are still there"
    elif available < updated:
        reason = f"{available} of {updated} pods are ready"
    else:
        return RolloutStatus(done=True, message=f"{name}: {available} of {wanted} pods are ready")
    return RolloutStatus(done=False, message=f"{name}: {reason}")


def wait_until_rolled_out(
    connection: Connection,
    name: str,
    *,
    timeout_s: float = ROLLED_OUT_TIMEOUT_S,
    report: Callable[[str], None] = lambda text: None,
    if_no_image: str = _BUILD,
) -> RolloutStatus:
    """Wait until the rollout is done and the pods that it ended are gone.

    Raise TimedOutError, with what the pods wait for, when it is not done in `timeout_s` seconds,
    and ClusterError at once, with `if_no_image` to try, when a pod needs an image that is missing.
    """
    status, reasons = RolloutStatus(done=False, message=name), dict[str, str]()

    def is_done() -> bool:
        nonlocal status, reasons
        deployment = read_deployment(connection, name)
        pods = pods_of(connection, deployment)
        status = status_with_pods(rollout_status(deployment), deployment, pods)
        report(status.message)
        if not status.done:
            reasons = waiting_reasons(pods_of_template(deployment, pods))
            _raise_for_missing_image(name, reasons, if_no_image)
            _raise_for_progress_deadline(deployment, status)
        return status.done

    if not wait_until(is_done, timeout_s=timeout_s, pause_s=_PAUSE_S):
        raise TimedOutError(
            f"After {timeout_s:.0f} s {status.message}{_in_parentheses(reasons)}. "
            f"`kubectl describe deployment {name}` and `kubectl get events` say more."
        )
    return status


def status_with_pods(
    status: RolloutStatus, deployment: Object, pods: list[Object]
) -> RolloutStatus:
    """The same, but not done while the pods differ: a status lags behind a pod that has ended."""
    if not status.done:
        return status
    ending = sum("deletionTimestamp" in pod["metadata"] for pod in pods)
    if ending:
        return RolloutStatus(done=False, message=f"{status.message}, {ending} are terminating")
    ready, wanted = sum(map(is_ready, pods)), deployment["spec"].get("replicas", 1)
    if ready != wanted:
        name = deployment["metadata"]["name"]
        return RolloutStatus(done=False, message=f"{name}: {ready} of {wanted} pods are ready")
    return status


def read_deployment(connection: Connection, name: str) -> Object:
    """The Deployment as plain JSON."""
    with explain_api_errors(f'Deployment "{name}"', remedy=_remedy(name)):
        answer = connection.apps.read_namespaced_deployment(name, connection.namespace)
    found: Object = connection.plain(answer)
    return found


def replicas_of(connection: Connection) -> dict[str, int]:
    """How many pods each Deployment of the namespace asks for."""
    with explain_api_errors("the Deployments", remedy=_REMEDY):
        found = connection.apps.list_namespaced_deployment(connection.namespace)
    return {each.metadata.name: each.spec.replicas or 0 for each in found.items}


def scale(connection: Connection, name: str, replicas: int) -> None:
    """Set the number of pods through the scale subresource, as kubectl does."""
    if not isinstance(name, str):
        raise ValueError(f"{name!r} is not the name of a Deployment. Give a text in quotes.")
    if isinstance(replicas, bool) or not isinstance(replicas, int) or replicas < 0:
        raise ValueError(f"{replicas!r} is not a number of pods. Give a whole number from 0 on.")
    body = {"spec": {"replicas": replicas}}
    with explain_api_errors(f'{replicas} replicas of "{name}"', remedy=_remedy(name)):
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
    with explain_api_errors(f'image {image} in "{name}"', remedy=_REMEDY):
        connection.apps.patch_namespaced_deployment(name, connection.namespace, body)


def restart(connection: Connection, name: str) -> None:
    """Replace all pods by a rolling update, as `kubectl rollout restart` does."""
    annotations = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
    body = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    with explain_api_errors(f'a restart of "{name}"', remedy=_remedy(name)):
        connection.apps.patch_namespaced_deployment(name, connection.namespace, body)


def pods_of(connection: Connection, deployment: Object) -> list[Object]:
    """The pods that its selector selects, terminating ones included."""
    labels = deployment["spec"]["selector"].get("matchLabels", {})
    query = ",".join(f"{key}={value}" for key, value in labels.items())
    with explain_api_errors("its pods", remedy=_REMEDY):
        answer = connection.core.list_namespaced_pod(connection.namespace, label_selector=query)
    pods: list[Object] = connection.plain(answer)["items"]
    return pods


def pods_of_template(deployment: Object, pods: list[Object]) -> list[Object]:
    """The pods that stay and have the images of the current template."""
    wanted = _images(deployment["spec"]["template"])
    return [
        pod for pod in pods if "deletionTimestamp" not in pod["metadata"] and _images(pod) == wanted
    ]


def waiting_reasons(pods: list[Object]) -> dict[str, str]:
    """The reasons that containers wait for, each with its message."""
    waiting = [
        container.get("state", {}).get("waiting")
        for pod in pods
        for group in ("initContainerStatuses", "containerStatuses")
        for container in pod.get("status", {}).get(group) or []
    ]
    return {entry["reason"]: entry.get("message", "") for entry in waiting if entry}


def _remedy(name: str) -> str:
    return did_you_mean(name, (PRODUCTION, CANARY)) + _REMEDY


def _images(pod: Object) -> list[str]:
    return [container["image"] for container in pod["spec"]["containers"]]


def _raise_for_missing_image(name: str, reasons: dict[str, str], remedy: str) -> None:
    for reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
        if reason in reasons:
            raise ClusterError(
                f"A pod of {name} cannot start: {reason}, {reasons[reason]}. {remedy}"
            )


def _raise_for_progress_deadline(deployment: Object, status: RolloutStatus) -> None:
    """As `kubectl rollout status` fails: when the newest update has made no progress in time."""
    found = deployment.get("status") or {}
    if found.get("observedGeneration", 0) < deployment["metadata"].get("generation", 1):
        return
    reasons = {each["type"]: each.get("reason") for each in found.get("conditions") or []}
    if reasons.get("Progressing") == "ProgressDeadlineExceeded":
        raise ClusterError(
            f"{status.message}, and the update has exceeded its progress deadline. "
            f"`kubectl describe pods` says what the new pods wait for; "
            f"`kubectl rollout undo deployment/{deployment['metadata']['name']}` goes back."
        )


def _in_parentheses(reasons: dict[str, str]) -> str:
    texts = [f"{reason} {message}".strip() for reason, message in reasons.items()]
    return f" ({'; '.join(texts)})" if texts else ""
