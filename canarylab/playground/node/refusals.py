"""What does this manifest ask of its pod that the playground does not have?"""

from __future__ import annotations

from typing import NamedTuple

from canarylab.playground.kube.api import Object


class Refusal(NamedTuple):
    """Why the pod is not started, for an event: what it asks for, and what to try."""

    reason: str
    message: str


def refusal(pod: Object) -> Refusal | None:
    """None for a pod that can be run.

    A container that found its volume missing would fail in a way that teaches nothing, so such a
    pod waits in ContainerCreating, as it does in Kubernetes when a volume cannot be mounted.
    """
    if volumes := pod["spec"].get("volumes"):
        return Refusal(
            "FailedMount",
            f'MountVolume.SetUp failed for volume "{volumes[0]["name"]}": the playground has no '
            "volumes, because its pods share this machine's files. Put settings into environment "
            "variables (a ConfigMap can fill them), or use a cluster on kind.",
        )
    if first := pod["spec"].get("initContainers"):
        return Refusal(
            "FailedCreatePodContainer",
            f'The playground does not run init containers, and this pod has "{first[0]["name"]}". '
            "Do its work in the image or at the start of the container, or use a cluster on kind.",
        )
    return None
