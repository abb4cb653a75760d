"""Do the programs of a kind node run out of inotify instances?"""

from __future__ import annotations

from pathlib import Path

from canarylab.machine.finding import Finding

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
ENOUGH = 512
NEEDED_FOR = "the kind cluster"


def inotify(file: Path = LIMIT) -> Finding:
    """How many instances one user may have; each program that watches files takes one."""
    try:
        most = int(file.read_text())
    except OSError:
        return Finding("inotify", "fine", "This system has no such limit", NEEDED_FOR)
    words = f"One user may have {most} inotify instances"
    if most >= ENOUGH:
        return Finding("inotify", "fine", words, NEEDED_FOR)
    remedy = 'Should a pod of kind say "too many open files": '
    remedy += f"`sudo sysctl fs.inotify.max_user_instances={ENOUGH}`."
    return Finding("inotify", "note", words, NEEDED_FOR, remedy)
