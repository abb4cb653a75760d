"""Does a Docker engine answer, and can it run kind's nodes?"""

from __future__ import annotations

from typing import Any

from canarylab.commands import find
from canarylab.errors import EngineError
from canarylab.machine.engine import PING_TIMEOUT_S, engine, engine_name, program
from canarylab.machine.finding import Finding
from canarylab.machine.system import remedy

DOCKER_FOR = "containers in lesson 1, and the kind cluster"
PROGRAM_FOR = "the kind cluster"
CGROUPS_FOR = "the kind cluster: Kubernetes 1.35 and later run only on cgroup v2"


def docker_engine() -> Finding:
    """Whether an engine answers, and which version."""
    return engine_and_cgroups()[0]


def cgroups() -> Finding:
    """Whether the engine's containers run under cgroup v2."""
    return engine_and_cgroups()[1]


def docker_program() -> Finding:
    """Whether the program is there beside the engine: kind works through it, not the socket."""
    tool, name = program(), engine_name()
    if find(tool) is not None:
        return Finding(tool, "fine", f"The program {tool} is installed", PROGRAM_FOR)
    words = f"{name} answers, but its program {tool} is not on PATH"
    remedy = f"Install {name}'s command line, because kind works through it."
    return Finding(tool, "missing", words, PROGRAM_FOR, remedy)


def engine_and_cgroups(timeout_s: float = PING_TIMEOUT_S) -> tuple[Finding, Finding]:
    """Both, from one question to the engine."""
    name = engine_name()
    try:
        with engine(timeout_s=timeout_s) as client:
            told: dict[str, Any] = client.info()
    except EngineError as exc:
        unknown = f"Unknown until {name} answers"
        return (
            Finding(name, "missing", exc.problem, DOCKER_FOR, exc.remedy),
            Finding("cgroups", "missing", unknown, CGROUPS_FOR, f"First start {name}."),
        )
    return _answering(name, told), _cgroups(told)


def _answering(name: str, told: dict[str, Any]) -> Finding:
    where = told.get("OperatingSystem") or "an unnamed system"
    words = f"{name} {told.get('ServerVersion', 'of unknown version')} answers ({where})"
    return Finding(name, "fine", words, DOCKER_FOR)


def _cgroups(told: dict[str, Any]) -> Finding:
    version = str(told.get("CgroupVersion") or "1")  # engines before 20.10 knew only that one
    words = f"Containers run under cgroup v{version}"
    if version == "2":
        return Finding("cgroups", "fine", words, CGROUPS_FOR)
    if "Docker Desktop" in str(told.get("OperatingSystem")):
        return Finding("cgroups", "missing", words, CGROUPS_FOR, "Update Docker Desktop.")
    return Finding("cgroups", "missing", words, CGROUPS_FOR, _how_to_get_version_2())


def _how_to_get_version_2() -> str:
    return remedy(
        {
            "Linux": "Add systemd.unified_cgroup_hierarchy=1 to the kernel's command line and "
            "start anew, or use a newer distribution.",
            "WSL": "Run `wsl --update` in Windows, put `[wsl2]` and "
            "`kernelCommandLine=cgroup_no_v1=all` into .wslconfig, then `wsl --shutdown`.",
            "macOS": "Update Docker Desktop, or whatever runs the engine.",
            "Windows": "Update Docker Desktop.",
        }
    )
