"""Which cluster will the lessons run on, and why?

The one that is named; else the best that this machine can run without being asked: a kind cluster
that runs already, then the playground, which needs nothing, then kind where the playground cannot
run. Somebody else's cluster is never chosen unasked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from canarylab.clusters.base import Cluster
from canarylab.clusters.kind import Kind
from canarylab.clusters.kubeconfig import Kubeconfig
from canarylab.clusters.playground import Playground
from canarylab.errors import SetupError
from canarylab.machine.loopback import loopback

KNOWN: Mapping[str, Callable[[], Cluster]] = {
    "playground": Playground,
    "kind": Kind,
    "kubeconfig": Kubeconfig,
}


class Choice(NamedTuple):
    """A cluster, and one sentence why it is this one."""

    cluster: Cluster
    why: str


def choose(name: str | None = None) -> Choice:
    """By name, else by `CANARYLAB_CLUSTER`, else the best this machine can run."""
    named = name or os.environ.get("CANARYLAB_CLUSTER")
    if not named:
        return _best()
    if named not in KNOWN:
        raise SetupError(
            f'There is no kind of cluster called "{named}". Choose one of: {", ".join(KNOWN)}.'
        )
    cluster = KNOWN[named]()
    source = "you named it" if name else "CANARYLAB_CLUSTER names it"
    return Choice(cluster, f"{called(cluster)}, because {source}")


def named_or_playground(name: str | None = None) -> Cluster:
    """By name, else by `CANARYLAB_CLUSTER`, else the playground: what may be ended unasked."""
    return choose(name or os.environ.get("CANARYLAB_CLUSTER") or "playground").cluster


def called(cluster: Cluster) -> str:
    """A cluster in the middle of a sentence: "the playground"."""
    names = {"playground": "the playground", "kind": "the kind cluster"}
    return names.get(cluster.name, f"{cluster.name}, namespace {cluster.namespace}")


def _best() -> Choice:
    kind = Kind()
    if kind.status() is not None:
        return Choice(kind, f"{called(kind)}, because you made it and it runs")
    if loopback().is_fine:
        why = "your kind cluster does not run" if kind.is_made() else "it needs nothing but Python"
        return Choice(Playground(), f"the playground, because {why}")
    return Choice(kind, f"{called(kind)}, because the playground needs Linux")
