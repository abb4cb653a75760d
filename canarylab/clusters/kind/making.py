"""How is a kind cluster brought to run, and what is done where that fails half-way?

All of it with the lock held. What is to be done is decided in clusters/kind/plan.py.
"""

from __future__ import annotations

from canarylab.clusters.base import Report
from canarylab.clusters.kind import api, node, program
from canarylab.clusters.kind.lock import Lock
from canarylab.clusters.kind.plan import Node, Seen, plan
from canarylab.clusters.kind.preflight import preflight, require
from canarylab.clusters.kind.state import KindFolder
from canarylab.clusters.kind.trouble import is_name_taken
from canarylab.errors import CanaryLabError, EngineError, SetupError
from canarylab.machine.engine import uses_podman


def bring_up(folder: KindFolder, lock: Lock, report: Report) -> None:
    """From whatever there is to a cluster of ours that answers."""
    seen = look(folder)
    match plan(seen), seen.node:
        case "refuse", _:
            raise _not_ours()
        case "remake", _:
            report("deleting a kind cluster that was left half-made")
            delete(folder)
            _make(folder, lock, report)
        case "create", _:
            _make(folder, lock, report)
        case "restart", Node() as found:
            report("starting the kind cluster again")
            node.restart(found)
            _reach(folder, report)
        case _:
            _reach(folder, report)


def look(folder: KindFolder) -> Seen:
    """What there is; raise SetupError where no engine tells."""
    made = folder.made()
    try:
        found = node.look()
    except EngineError:
        if made is None:
            require(preflight(folder.home))  # whatever else is missing, in one go
        raise
    return Seen(folder.is_half_made, made.node if made else None, found)


def delete(folder: KindFolder) -> None:
    """Delete the cluster, then forget it; so what is interrupted can be repeated."""
    folder.unlock_kubeconfig()
    program.delete(folder.kubeconfig)
    folder.forget()


def _make(folder: KindFolder, lock: Lock, report: Report) -> None:
    require(preflight(folder.home))
    folder.begin()
    try:
        _create(folder, lock, report)
    except BaseException as exc:
        if is_name_taken(exc):
            folder.forget()
            raise _not_ours() from exc
        lock.retake()  # whatever kind had started has ended by then
        _sweep(folder, report)
        raise


def _create(folder: KindFolder, lock: Lock, report: Report) -> None:
    # Podman's conmon may inherit the lock from kind, and would hold it as long as the node runs.
    holding = () if uses_podman() else (lock.descriptor,)
    image = node.image_here(program.node_image())
    folder.unlock_kubeconfig()
    program.create(folder.kubeconfig, image, report, holding)
    _reach(folder, report)
    if (found := node.look()) is None:
        raise SetupError(
            "kind has made the cluster, and its container is not in the engine that answers here. "
            "Let DOCKER_HOST and the Docker context name the same engine."
        )
    folder.finish(found.id)


def _sweep(folder: KindFolder, report: Report) -> None:
    """Delete what was half-made just now, unless the next who had the lock did it."""
    if not folder.is_half_made:
        return
    report("deleting the half-made kind cluster")
    try:
        delete(folder)
    except CanaryLabError:
        report("the half-made kind cluster could not be deleted; the next start does it")


def _reach(folder: KindFolder, report: Report) -> None:
    if not folder.kubeconfig.exists():
        program.export_kubeconfig(folder.kubeconfig)
    report("waiting for the API of the kind cluster")
    api.wait_until_answers(folder.kubeconfig)


def _not_ours() -> SetupError:
    name = program.NAME
    return SetupError(
        f"A kind cluster called {name} is here already, and it is not one that canarylab made. "
        f"Delete it with `kind delete cluster --name {name}`, or use it as it is with "
        "CANARYLAB_CLUSTER=kubeconfig."
    )
