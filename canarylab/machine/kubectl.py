"""Is kubectl here, and does its version go with the cluster's?

Nothing of ours needs it, so whatever is found stands in nobody's way.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from canarylab.commands import asked, find
from canarylab.errors import SetupError, ToolFailedError
from canarylab.machine.finding import Finding
from canarylab.machine.system import remedy
from canarylab.playground.node.machine import KUBELET_VERSION

NEEDED_FOR = "the kubectl lines of the lessons, in a terminal"
TIMEOUT_S = 5.0


class Minor(NamedTuple):
    """A version as far as it matters here: `1.36`."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


def minor(version: str) -> Minor:
    """Of what kubectl calls gitVersion.

    >>> minor("v1.36.2+k3s1")
    Minor(major=1, minor=36)
    """
    major, number = version.removeprefix("v").split(".")[:2]
    return Minor(int(major), int(number))


PLAYGROUND = minor(KUBELET_VERSION)
OLDEST_TRIED = Minor(1, 31)  # older ones speak SPDY for exec and port-forward


def kubectl(timeout_s: float = TIMEOUT_S) -> Finding:
    """Whether kubectl is installed, and which version."""
    if find("kubectl") is None:
        return Finding("kubectl", "note", "kubectl is not installed", NEEDED_FOR, _how_to_get())
    try:
        said = asked("kubectl", "version", "--client", "-o", "json", timeout_s=timeout_s).output
        return _judged(minor(json.loads(said)["clientVersion"]["gitVersion"]))
    except (ToolFailedError, SetupError, OSError, ValueError, KeyError, TypeError):
        words = f"{find('kubectl')} does not say its version"
        return Finding("kubectl", "note", words, NEEDED_FOR, _how_to_get())


def _judged(here: Minor) -> Finding:
    words = f"kubectl {here} is installed"
    low, high = (PLAYGROUND._replace(minor=PLAYGROUND.minor + step) for step in (-1, 1))
    if low <= here <= high:
        return Finding("kubectl", "fine", words, NEEDED_FOR)
    if here < OLDEST_TRIED:
        advice = f"Its exec and port-forward need {OLDEST_TRIED} or later. {_how_to_get()}"
    else:
        advice = f"The lessons work; Kubernetes {PLAYGROUND} promises it for {low} to {high} only."
    return Finding("kubectl", "note", words, NEEDED_FOR, advice)


def _how_to_get() -> str:
    return remedy(
        {
            "Linux": "Get it from https://kubernetes.io/docs/tasks/tools/install-kubectl-linux/.",
            "macOS": "Get it with `brew install kubectl`.",
            "Windows": "Get it with `winget install Kubernetes.kubectl`.",
        }
    )
