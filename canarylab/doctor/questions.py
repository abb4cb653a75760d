"""What does the doctor look at, in which order?"""

from __future__ import annotations

from collections.abc import Callable

from canarylab.clusters import contexts
from canarylab.doctor.asking import Question
from canarylab.doctor.ports import port_findings
from canarylab.errors import SetupError
from canarylab.machine.binder import binder
from canarylab.machine.disk import FOR_A_CLUSTER, GB, disk
from canarylab.machine.docker_engine import (
    CGROUPS_FOR,
    DOCKER_FOR,
    docker_program,
    engine_and_cgroups,
)
from canarylab.machine.engine import engine_name
from canarylab.machine.finding import Finding
from canarylab.machine.inotify import inotify
from canarylab.machine.kind_tool import kind_tool
from canarylab.machine.kubectl import kubectl
from canarylab.machine.loopback import loopback
from canarylab.machine.memory import memory
from canarylab.machine.node import node
from canarylab.machine.proxy import proxy
from canarylab.machine.python import python
from canarylab.playground.home import Home

PATIENCE_S = 1.2  # for one program or engine; the doctor as a whole waits hardly longer
FOR_THE_PLAYGROUND = GB // 2
KUBECONFIG_FOR = "a cluster that somebody runs"


def questions(home: Home, *, has_kind_cluster: bool) -> list[Question]:
    """All of them; none changes anything and none goes to the network."""
    kind_for = "the kind cluster"
    return [
        _one("Python", python),
        _one("Node", node),
        _one("kubectl", lambda: kubectl(PATIENCE_S)),
        _one("loopback", loopback),
        Question(engine_name(), DOCKER_FOR, _engine),
        Question("kind", kind_for, lambda: [kind_tool(PATIENCE_S)]),
        Question("ports", "the lessons", lambda: port_findings(home, has_kind=has_kind_cluster)),
        Question("disk", "everything", lambda: _disks(home, has_kind=has_kind_cluster)),
        _one("memory", memory),
        _one("inotify", inotify),
        _one("proxy", proxy),
        _one("Binder", binder),
        _one("kubeconfig", kubeconfig),
    ]


def kubeconfig() -> Finding:
    """Which context kubectl would use; nobody is asked whether its cluster answers."""
    files = contexts.files()
    try:
        found = contexts.find(files)
    except SetupError as exc:
        problem, _, remedy = str(exc).rpartition(". ")
        return Finding("kubeconfig", "missing", problem, KUBECONFIG_FOR, remedy)
    words = f"The current context is {found.name}, namespace {found.namespace}"
    return Finding("kubeconfig", "fine", words, KUBECONFIG_FOR)


def _one(what: str, ask: Callable[[], Finding]) -> Question:
    return Question(what, "everything", lambda: [ask()])


def _engine() -> list[Finding]:
    answering, cgroups = engine_and_cgroups(PATIENCE_S)
    if not answering.is_fine:
        words = f"Known once {answering.what} answers"
        return [answering, Finding("cgroups", "note", words, CGROUPS_FOR)]
    program = docker_program()
    return [answering, cgroups] if program.is_fine else [answering, program, cgroups]


def _disks(home: Home, *, has_kind: bool) -> list[Finding]:
    """One line, unless there is room for the playground and not for kind."""
    here = disk(home.root, FOR_THE_PLAYGROUND, "everything")
    larger = disk(home.root, FOR_A_CLUSTER, "a new kind cluster")._replace(what="disk for kind")
    return [here] if has_kind or larger.is_fine or not here.is_fine else [here, larger]
