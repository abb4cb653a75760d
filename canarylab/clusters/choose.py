"""Choice of the cluster that the lessons run on.

The one that is named; else the best that this machine can run: a kind cluster that runs already,
then the playground, which needs nothing, then kind if the playground cannot run. A cluster from a
kubeconfig is used only if it is named.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from canarylab import machine
from canarylab.clusters.base import Cluster, LocalCluster
from canarylab.clusters.kind import KindCluster
from canarylab.clusters.kubeconfig import Kubeconfig
from canarylab.clusters.playground import Playground
from canarylab.errors import SetupError

PROVIDERS: Mapping[str, Callable[[], Cluster]] = {
    "playground": Playground,
    "kind": KindCluster,
    "kubeconfig": Kubeconfig,
}


class ChosenCluster(NamedTuple):
    """A cluster, and one sentence why it was chosen."""

    cluster: Cluster
    reason: str


def choose(name: str | None = None) -> ChosenCluster:
    """By name, else by `CANARYLAB_CLUSTER`, else the best that this machine can run."""
    named = name or os.environ.get("CANARYLAB_CLUSTER")
    if not named:
        return _best()
    if named not in PROVIDERS:
        raise SetupError(
            f'There is no kind of cluster called "{named}". Choose one of: {", ".join(PROVIDERS)}.'
        )
    cluster = PROVIDERS[named]()
    source = "you chose it" if name else "the variable CANARYLAB_CLUSTER says so"
    return ChosenCluster(cluster, f"{describe(cluster)}, because {source}")


def choose_to_stop(name: str | None = None) -> Cluster:
    """By name, else by `CANARYLAB_CLUSTER`, else the playground; no other is stopped unnamed."""
    return choose(name or os.environ.get("CANARYLAB_CLUSTER") or "playground").cluster


def describe(cluster: Cluster) -> str:
    """The cluster in the middle of a sentence: "the playground"."""
    names = {"playground": "the playground", "kind": "the kind cluster"}
    return names.get(cluster.name, f"{cluster.name}, namespace {cluster.namespace}")


def describe_absence(cluster: Cluster) -> str:
    """That it does not run, or does not answer, and what to try."""
    name = describe(cluster)
    name = name[0].upper() + name[1:]
    if isinstance(cluster, LocalCluster):
        return f"{name} is not running. Start it with `canarylab up{cluster.option}`."
    return (
        f"{name}, does not answer. Check that this machine can reach it, and ask the people who "
        "run it."
    )


def _best() -> ChosenCluster:
    kind = KindCluster()
    if kind.status() is not None:
        return ChosenCluster(kind, f"{describe(kind)}, because it is running")
    if machine.loopback().is_available:
        why = "the kind cluster is not running" if kind.was_created() else "it needs only Python"
        return ChosenCluster(Playground(), f"the playground, because {why}")
    return ChosenCluster(kind, f"{describe(kind)}, because the playground needs Linux")
