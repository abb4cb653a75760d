"""Can a kind cluster be made here, and if not, what is missing?"""

from __future__ import annotations

from pathlib import Path

from canarylab.errors import SetupError
from canarylab.machine.disk import disk
from canarylab.machine.docker_engine import docker_program, engine_and_cgroups
from canarylab.machine.engine import engine
from canarylab.machine.finding import Finding
from canarylab.machine.kind_tool import kind_tool
from canarylab.machine.ports import port
from canarylab.playground import lifecycle
from canarylab.playground.home import Home

NEEDED_FOR = "the kind cluster"
PORTS = ((32089, "the Service of the lessons, on kind"), (8080, "the Ingress, on kind"))


def preflight(home: Home) -> list[Finding]:
    """Everything that a new cluster needs, fine or not."""
    answering, cgroups = engine_and_cgroups()
    findings = [answering]
    if answering.is_fine:  # without an engine there is nothing to say about its cgroups
        findings += [docker_program(), cgroups]
    findings.append(kind_tool())
    findings += [_port(number, needed_for, home) for number, needed_for in PORTS]
    findings.append(disk(_store(home) if answering.is_fine else home.root, needed_for=NEEDED_FOR))
    return findings


def require(findings: list[Finding]) -> None:
    """Raise SetupError that names everything missing, a line for each."""
    missing = [str(finding) for finding in findings if not finding.is_fine]
    if missing:
        raise SetupError("\n".join(missing))


def _port(number: int, needed_for: str, home: Home) -> Finding:
    found = port(number, needed_for)
    daemon = lifecycle.holder_of_lock(home)
    if found.is_fine or f"(pid {daemon})" not in found.words:
        return found
    words = f"Port {number} is in use by the playground"
    return found._replace(words=words, remedy="End it with `canarylab down`.")


def _store(home: Home) -> Path:
    """Where the engine keeps its images; a folder that may not be on this machine at all."""
    with engine() as client:
        told = client.info().get("DockerRootDir")
    return Path(told) if told and Path(told).parent.is_dir() else home.root
