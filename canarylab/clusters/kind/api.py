"""Does the kind cluster answer?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml

from canarylab.errors import SetupError, TimedOutError

ANSWER_TIMEOUT_S = 3.0
PATIENCE_S = 120.0
LOOK_EVERY_S = 0.25


def answers(kubeconfig: Path) -> bool:
    """Whether the API server tells of a namespace: then its store and its permissions work too."""
    from kubernetes.client import CoreV1Api  # noqa: PLC0415  slow to import

    from canarylab.clusters.api_client import api_client  # noqa: PLC0415

    if not kubeconfig.exists():
        return False
    try:
        connected = api_client(str(kubeconfig), retries=0)  # who waits asks again anyway
    except SetupError:
        return False  # no usable kubeconfig
    try:
        return _tells(CoreV1Api(connected))
    finally:
        connected.rest_client.pool_manager.clear()
        connected.close()


def server(kubeconfig: Path) -> str:
    """The URL that a kubeconfig of kind leads to: `https://127.0.0.1:38417`."""
    return str(yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])


def wait_until_answers(kubeconfig: Path, *, timeout_s: float = PATIENCE_S) -> None:
    """Return as soon as it answers; raise TimedOutError where it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not answers(kubeconfig):
        if time.monotonic() > deadline:
            raise TimedOutError(
                f"The kind cluster runs, and its API did not answer within {timeout_s:.0f} s. "
                "Delete it with `canarylab down --cluster kind`, and make it anew."
            )
        time.sleep(LOOK_EVERY_S)


def _tells(core: Any) -> bool:
    from kubernetes.client.exceptions import ApiException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        core.read_namespace("default", _request_timeout=ANSWER_TIMEOUT_S)
    except (ApiException, HTTPError):
        return False
    return True
