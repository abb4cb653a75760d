"""Findings about this machine that kind, the bundle and the doctor need: ports, disk, loopback.

A finding never raises: what is missing is a value with a sentence that says what to do.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from canarylab import ports
from canarylab.playground import daemon_control
from canarylab.playground.home import Home

GB = 1_000_000_000
FOR_A_CLUSTER = 6 * GB
"""kind's node image takes about 1.5 GB, unpacked and in use twice that; images and pods come on
top, and the kubelet evicts pods when less than 15 % of a disk are left."""
POD_ADDRESS = "127.64.0.1"

State = Literal["fine", "missing", "note"]
System = Literal["Linux", "WSL", "macOS", "Windows"]


class Finding(NamedTuple):
    """One fact about this machine, whether it is fine, and what to do if it is not.

    >>> str(Finding("kind", "missing", "kind is not on PATH", "the kind cluster", "Install it."))
    'kind is not on PATH. Install it.'
    """

    what: str
    """`Docker`, `port 8080`, ..."""
    state: State
    """With `missing`, what `needed_for` names is not possible; with a `note`, everything is."""
    words: str
    """What was found, without a full stop: "Docker 29.1 answers"."""
    needed_for: str
    """What is not possible without it: "the kind cluster"."""
    remedy: str = ""
    """How to get it, a sentence; empty if nothing has to be done."""

    def __str__(self) -> str:
        return f"{self.words}. {self.remedy}" if self.remedy else f"{self.words}."

    @property
    def is_available(self) -> bool:
        """Whether it is there, with or without a note."""
        return self.state != "missing"


def this_system() -> System:
    """The operating system; Linux inside Windows is WSL, whose Docker usually runs in Windows."""
    if sys.platform == "darwin":
        return "macOS"
    if sys.platform == "win32":
        return "Windows"
    return "WSL" if "microsoft" in platform.release().lower() else "Linux"


def remedy(by_system: Mapping[System, str]) -> str:
    """The remedy for this operating system; the one for Linux if there is no other."""
    return by_system.get(this_system()) or by_system["Linux"]


def format_size(count: int) -> str:
    """Bytes as people write them.

    >>> format_size(1_234_567_890), format_size(45_600_000), format_size(900)
    ('1.2 GB', '46 MB', '1 kB')
    """
    if count >= GB:
        return f"{count / GB:.1f} GB" if count < 100 * GB else f"{count / GB:.0f} GB"
    if count >= 1_000_000:
        return f"{count / 1_000_000:.0f} MB"
    return f"{-(-count // 1000)} kB"


def free_bytes(folder: Path) -> int:
    """The free space of the file system that holds this folder."""
    return shutil.disk_usage(folder).free


def own_memory() -> int:
    """How many bytes are free again when this process ends: those that no other process shares.

    >>> own_memory() > 1_000_000
    True
    """
    import psutil  # noqa: PLC0415  heavy

    return int(psutil.Process().memory_full_info().uss)


def disk(
    folder: Path, needed: int = FOR_A_CLUSTER, needed_for: str = "images and clusters"
) -> Finding:
    """Free space on the file system of this folder, which need not exist yet."""
    absolute = folder.absolute()
    # os.path.exists is False for a folder that may not be entered; Path.exists raises
    place = next(each for each in (absolute, *absolute.parents) if os.path.exists(each))  # noqa: PTH110
    free = free_bytes(place)
    words = f"{format_size(free)} free at {place}"
    if free >= needed:
        return Finding("disk", "fine", words, needed_for)
    remedy = f"{format_size(needed)} are needed. Delete files that you no longer need; "
    remedy += "`docker system prune` deletes Docker's."
    return Finding("disk", "missing", f"Only {words}", needed_for, remedy)


def port(number: int, needed_for: str) -> Finding:
    """Whether a port of 127.0.0.1 is free, and which program listens there if not."""
    what = f"port {number}"
    if ports.is_free(number):
        return Finding(what, "fine", f"Port {number} is free", needed_for)
    holder = ports.holder(number)
    words = f"Port {number} is in use by {holder or 'another program'}"
    if holder is None:
        remedy = f"Stop that program; `sudo ss -ltnp 'sport = :{number}'` shows its name."
    else:
        remedy = "Stop that program, or start it with another port."
    return Finding(what, "missing", words, needed_for, remedy)


def is_port_of_playground(number: int, home: Home) -> bool:
    """Whether the playground of this home listens on a port of 127.0.0.1."""
    pid = daemon_control.holder_of_lock(home)
    return pid is not None and ports.is_held_by(pid, number)


def loopback(address: str = POD_ADDRESS) -> Finding:
    """Whether each pod can have its own loopback address: all of 127.0.0.0/8 is usable."""
    needed_for = "the playground"
    if not ports.is_bindable(address):
        words = f"No program can listen at {address}: this system has one loopback address"
        remedy = "Use kind, or open the lessons on Binder; Linux and WSL 2 have 16 million."
        return Finding("loopback", "missing", words, needed_for, remedy)
    return Finding(
        "loopback", "fine", "Pods can have addresses of their own in 127.0.0.0/8", needed_for
    )
