"""Which cluster will the lessons run on, and why?"""

from __future__ import annotations

import os
from typing import NamedTuple

from canarylab.clusters.base import Cluster
from canarylab.clusters.playground import Playground
from canarylab.errors import SetupError

KNOWN = ("playground",)


class Choice(NamedTuple):
    """A cluster, and one sentence why it is this one."""

    cluster: Cluster
    why: str


def choose(name: str | None = None) -> Choice:
    """By name, else by `CANARYLAB_CLUSTER`, else the playground."""
    named = name or os.environ.get("CANARYLAB_CLUSTER")
    if named not in {None, "", *KNOWN}:
        raise SetupError(
            f'There is no kind of cluster called "{named}". Choose one of: {", ".join(KNOWN)}.'
        )
    if named:
        source = "you named it" if name else "CANARYLAB_CLUSTER names it"
        return Choice(Playground(), f"the playground, because {source}")
    return Choice(Playground(), "the playground, because it needs nothing but Python")
