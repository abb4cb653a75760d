"""Is kind here, and recent enough for the node image that belongs to it?"""

from __future__ import annotations

import re
from typing import NamedTuple

from canarylab.commands import asked, find
from canarylab.errors import SetupError, ToolFailedError
from canarylab.machine.finding import Finding
from canarylab.machine.system import processor, remedy

NEEDED_FOR = "the kind cluster"
TIMEOUT_S = 5.0


class Release(NamedTuple):
    """A release of kind: `0.33.0`."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return ".".join(map(str, self))


OLDEST = Release(0, 33, 0)
"""The release that the node image in manifests/kind/cluster.yaml was made for."""


def kind_tool(timeout_s: float = TIMEOUT_S) -> Finding:
    """Whether kind is installed, and which release."""
    if find("kind") is None:
        return _unusable("kind is not installed")
    try:
        said = asked("kind", "version", timeout_s=timeout_s)
    except ToolFailedError:
        return _unusable("kind did not say its version in time")
    except (SetupError, OSError) as exc:
        return _unusable(f"{find('kind')} cannot be run ({exc.__class__.__name__})")
    return _judged(said.output.strip() or said.complaint.strip())


def release(said: str) -> Release | None:
    """The release in what `kind version` prints; a version before a release is not that release.

    >>> release("kind v0.33.0 go1.26.3 linux/amd64")
    Release(major=0, minor=33, patch=0)
    >>> release("kind v0.33.0-alpha+1f2d go1.26.3 linux/amd64") is None
    True
    """
    found = re.match(r"kind (?:version )?v?(\d+)\.(\d+)\.(\d+)(?:\s|$)", said)
    return Release(*map(int, found.groups())) if found else None


def _judged(said: str) -> Finding:
    here = release(said)
    if here is None:
        first = said.splitlines()[0][:60] if said else "nothing"
        return _unusable(f'kind says "{first}", which is not a release')
    if here < OLDEST:
        return _unusable(f"kind {here} is older than {OLDEST}")
    return Finding("kind", "fine", f"kind {here} is installed", NEEDED_FOR)


def _unusable(words: str) -> Finding:
    return Finding("kind", "missing", words, NEEDED_FOR, _how_to_install())


def _how_to_install() -> str:
    place = f"https://kind.sigs.k8s.io/dl/v{OLDEST}/kind-linux-{processor()}"
    return remedy(
        {
            "Linux": f"Get it with `curl -Lo kind {place}`, then `install kind ~/.local/bin`, "
            "or another folder of PATH.",
            "macOS": "Get it with `brew install kind`, or `brew upgrade kind`.",
            "Windows": "Get it with `winget install Kubernetes.kind`.",
        }
    )
