"""The few states of a release that lessons start from, and the two ways to promote a canary."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from canarylab.errors import TimedOutError
from canarylab.manifests import load
from canarylab.release.apply import apply
from canarylab.release.clearing import Kept, clear
from canarylab.release.connection import Connection, refusals
from canarylab.release.pods import OURS
from canarylab.release.rollout import (
    LOOK_EVERY_S,
    image_of,
    scale,
    set_image,
    wait_until_rolled_out,
)

PRODUCTION, CANARY, SERVICE = "nodeapp-production", "nodeapp-canary", "nodeapp-svc"
CONTAINER = "nodeapp"
PRODUCTION_REPLICAS, CANARY_REPLICAS = 3, 1

Stage = Literal["empty", "production", "canary"]
Way = Literal["replicas", "image"]
Report = Callable[[str], None]

_WANTED: dict[Stage, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    # stage: manifests, Deployments, Services
    "empty": ((), (), ()),
    "production": (
        ("2-production/production.yaml", "2-production/service.yaml"),
        (PRODUCTION,),
        (SERVICE,),
    ),
    "canary": (
        ("2-production/production.yaml", "2-production/service.yaml", "3-canary/canary.yaml"),
        (PRODUCTION, CANARY),
        (SERVICE,),
    ),
}


def _silent(words: str) -> None:
    """Nobody wants to know."""


def bring_to(
    connection: Connection, stage: Stage, manifests: Path, report: Report = _silent
) -> None:
    """Make the namespace look as `stage` says, whatever the learner has done to it.

    Only what carries `app: nodeapp` is touched.
    """
    if stage not in get_args(Stage):
        raise ValueError(f'There is no stage "{stage}". Choose one of: {", ".join(_WANTED)}.')
    files, deployments, services = _WANTED[stage]
    clear(connection, Kept(deployments, services))
    for name in files:
        apply(connection, load(manifests / name))
    for name in deployments:
        wait_until_rolled_out(connection, name, report=report)
    if not deployments:
        _wait_until_no_pods(connection)


def promote(connection: Connection, way: Way, report: Report = _silent) -> None:
    """By "replicas" or by "image"; the outcome for a visitor is the same."""
    if way not in get_args(Way):
        raise ValueError(f'A canary is promoted by "replicas" or by "image", not by "{way}".')
    {"replicas": _by_replicas, "image": _by_image}[way](connection, report)


def _by_replicas(connection: Connection, report: Report) -> None:
    """Grow the canary to production's size, then let production go to none."""
    scale(connection, CANARY, PRODUCTION_REPLICAS)
    wait_until_rolled_out(connection, CANARY, report=report)
    scale(connection, PRODUCTION, 0)
    wait_until_rolled_out(connection, PRODUCTION, report=report)


def _by_image(connection: Connection, report: Report) -> None:
    """Give production the canary's image, a rolling update; then the canary has done its work."""
    set_image(
        connection, PRODUCTION, container=CONTAINER, image=image_of(connection, CANARY, CONTAINER)
    )
    wait_until_rolled_out(connection, PRODUCTION, report=report)
    with refusals(f'Deployment "{CANARY}"', remedy="Look with `kubectl get deployments`."):
        connection.apps.delete_namespaced_deployment(CANARY, connection.namespace)
    _wait_until_no_pods(connection, f"{OURS},env=canary")


def _wait_until_no_pods(
    connection: Connection, labels: str = OURS, *, timeout_s: float = 60.0
) -> None:
    deadline = time.monotonic() + timeout_s
    while left := _pod_names(connection, labels):
        if time.monotonic() > deadline:
            raise TimedOutError(
                f"After {timeout_s:.0f} s these pods are still there: {', '.join(left)}. "
                "`kubectl describe pod` says what they wait for."
            )
        time.sleep(LOOK_EVERY_S)


def _pod_names(connection: Connection, labels: str) -> list[str]:
    with refusals("the pods", remedy="Look with `kubectl get pods`."):
        pods = connection.core.list_namespaced_pod(connection.namespace, label_selector=labels)
    return [pod.metadata.name for pod in pods.items]
