"""Every call to the kind program.

Each names our own kubeconfig: without it, kind would write to the user's.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from canarylab import content
from canarylab.clusters.base import Report
from canarylab.clusters.kind.steps import ran_out_of_time, step
from canarylab.clusters.kind.trouble import explained
from canarylab.commands import follow
from canarylab.errors import TimedOutError, ToolFailedError

NAME = "canarylab"
NODE = f"{NAME}-control-plane"
PATIENCE_S = 120  # for the node, once its image is there; a node needs about 20 s


def create(kubeconfig: Path, image: str, report: Report, holding: Collection[int] = ()) -> None:
    """Make the cluster; its steps are told as they begin.

    Raises ToolFailedError or SetupError where kind fails, TimedOutError where it gave up waiting.
    """
    late: list[str] = []

    def hear(line: str) -> None:
        if ran_out_of_time(line):
            late.append(line)
        elif words := step(line):
            report(f"kind: {words}")

    arguments = ["create", "cluster", "--name", NAME, "--config", str(config())]
    arguments += ["--kubeconfig", str(kubeconfig), "--wait", f"{PATIENCE_S}s", "--image", image]
    try:
        follow("kind", *arguments, report=hear, holding=holding)
    except ToolFailedError as exc:
        raise explained(exc) from exc
    kubeconfig.chmod(0o600)
    if late:
        raise TimedOutError(
            f"The node of the kind cluster was not ready within {PATIENCE_S} s. "
            "Close what you do not need, or give Docker more memory and processors, and try again."
        )


def delete(kubeconfig: Path) -> None:
    """Delete the cluster; kind does not mind where there is none."""
    _quietly("delete", "cluster", "--name", NAME, "--kubeconfig", str(kubeconfig))


def export_kubeconfig(kubeconfig: Path) -> None:
    """Write the kubeconfig of the running cluster anew."""
    _quietly("export", "kubeconfig", "--name", NAME, "--kubeconfig", str(kubeconfig))
    kubeconfig.chmod(0o600)


def load(archive: Path) -> None:
    """Bring an archive of images into the node."""
    _quietly("load", "image-archive", str(archive), "--name", NAME)


def config() -> Path:
    """What the cluster is made from."""
    return content.folder("manifests") / "kind" / "cluster.yaml"


def node_image() -> str:
    """The image that the configuration pins, with its digest."""
    configured: dict[str, Any] = yaml.safe_load(config().read_text())
    return str(configured["nodes"][0]["image"])


def _quietly(*arguments: str) -> None:
    follow("kind", *arguments, report=lambda _line: None)
