"""Which kind of system is this? How one gets a program depends on it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from typing import Literal

System = Literal["Linux", "WSL", "macOS", "Windows"]


def this_system() -> System:
    """Windows' Linux counts as WSL: its Docker usually comes from the Windows beside it."""
    if sys.platform == "darwin":
        return "macOS"
    if sys.platform == "win32":
        return "Windows"
    return "WSL" if "microsoft" in platform.release().lower() else "Linux"


def remedy(by_system: Mapping[System, str]) -> str:
    """What is to be done here; WSL does as Linux where it has no line of its own."""
    here = this_system()
    if here in by_system:
        return by_system[here]
    return by_system["Linux"]


def processor() -> str:
    """As those who offer programs and images call it: `amd64`, `arm64`."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
