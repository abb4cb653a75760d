"""Which clusters can run here, and what stands in the way of the others?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from canarylab.machine.finding import Finding

EVERYWHERE = ("Python", "memory", "disk")
FOR_THE_PLAYGROUND = (*EVERYWHERE, "Node", "loopback", "port 32089")
FOR_KIND = (*EVERYWHERE, "Docker", "Podman", "docker", "podman", "cgroups", "kind")
FOR_A_NEW_KIND = ("disk for kind", "port 32089", "port 8080")
FOR_A_KUBECONFIG = ("Python", "memory", "kubeconfig")


class Verdict(NamedTuple):
    """A cluster, and whether it can run here."""

    cluster: str
    can_run: bool
    why: str
    """Without a full stop."""


def verdicts(findings: Sequence[Finding], *, has_kind_cluster: bool) -> list[Verdict]:
    """The playground, kind, and a cluster that somebody runs."""
    return [
        _verdict("playground", _missing(findings, FOR_THE_PLAYGROUND), "it needs nothing more"),
        _kind(findings, has_kind_cluster=has_kind_cluster),
        _verdict(
            "kubeconfig",
            _missing(findings, FOR_A_KUBECONFIG),
            "as far as this machine knows; its cluster was not asked",
        ),
    ]


def _kind(findings: Sequence[Finding], *, has_kind_cluster: bool) -> Verdict:
    missing = _missing(findings, FOR_KIND)
    if has_kind_cluster:
        return _verdict("kind", missing, "the cluster is there already")
    # What is only a note elsewhere, the playground on a port, is in the way of a new cluster.
    taken = [each for each in findings if each.what in FOR_A_NEW_KIND and each.state != "fine"]
    return _verdict("kind", [*missing, *taken], "all that it needs is here")


def _missing(findings: Sequence[Finding], needed: Sequence[str]) -> list[Finding]:
    return [each for each in findings if each.what in needed and not each.is_fine]


def _verdict(cluster: str, missing: Sequence[Finding], why: str) -> Verdict:
    if not missing:
        return Verdict(cluster, can_run=True, why=why)
    names = dict.fromkeys(finding.what for finding in missing)
    return Verdict(cluster, can_run=False, why=f"in the way: {', '.join(names)}")
