"""Which processes belong to this home?

A daemon and a kernel carry it in their environment, a pod runs inside it.
"""

from __future__ import annotations

from pathlib import Path


def of(home: Path) -> list[str]:
    """Process id and command line of each that is still there."""
    return sorted(
        _line(process) for process in Path("/proc").glob("[0-9]*") if _is_of(process, home)
    )


def _is_of(process: Path, home: Path) -> bool:
    try:
        environment = (process / "environ").read_bytes().split(b"\0")
        folder = (process / "cwd").readlink()
    except OSError:  # it has just ended, or belongs to somebody else
        return False
    return f"CANARYLAB_HOME={home}".encode() in environment or folder.is_relative_to(home)


def _line(process: Path) -> str:
    try:
        command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        command = "(has just ended)"
    return f"{process.name} {command.strip()}"
