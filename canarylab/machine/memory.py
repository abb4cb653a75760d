"""Is there enough memory?

Where a container has a limit, that counts and not what the machine has: on Binder the machine is
large and the limit small.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from canarylab.machine.disk import size
from canarylab.machine.finding import Finding

FOR_THE_PLAYGROUND = 450_000_000
"""JupyterLab, one kernel, the daemon and ten pods; `make bench` measures it."""
FOR_KIND = 2_000_000_000
"""A node's own processes take 0.9 GB; JupyterLab, a kernel and the pods come on top."""


class Memory(NamedTuple):
    """In bytes."""

    total: int
    available: int
    limit: int | None = None
    """What this container, or this user's session, may use at most."""

    @property
    def usable(self) -> int:
        """What there is for us at best."""
        return min(self.total, self.limit or self.total)


def memory() -> Finding:
    """How much memory there is for us."""
    return judged(here())


def judged(found: Memory) -> Finding:
    """What can run with so much."""
    words, needed_for = _words(found), "the playground, and more of it kind"
    if found.usable < FOR_THE_PLAYGROUND:
        remedy = f"JupyterLab and ten pods take {size(FOR_THE_PLAYGROUND)}: end other programs."
        return Finding("memory", "missing", words, needed_for, remedy)
    if found.usable < FOR_KIND:
        remedy = f"The playground runs well; kind should have {size(FOR_KIND)}."
        return Finding("memory", "note", words, needed_for, remedy)
    return Finding("memory", "fine", words, needed_for)


def here(root: Path = Path("/")) -> Memory:
    """What the machine has, and the tightest limit that is set on us."""
    import psutil  # noqa: PLC0415  heavy

    whole = psutil.virtual_memory()
    limits = [limit for limit in _limits(root) if limit < whole.total]  # "none" is a huge number
    return Memory(whole.total, whole.available, min(limits, default=None))


def _words(found: Memory) -> str:
    if found.limit is not None:
        return f"{size(found.limit)} of memory, the limit set here"
    return f"{size(found.total)} of memory, {size(found.available)} of it free"


def _limits(root: Path) -> Iterator[int]:
    named = [os.environ.get("MEM_LIMIT", "")]  # JupyterHub's, and so Binder's
    written = [_text(file) for folder in _cgroups(root) for file in _files(folder)]
    yield from (int(text) for text in [*named, *written] if text.isdecimal())


def _cgroups(root: Path) -> Iterator[Path]:
    """Our control group and all around it; inside a container the outermost is the container's."""
    mounted = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in {"", "memory"}:
            continue
        top = mounted / controllers
        inner = top / path.strip("/")
        yield from (each for each in (inner, *inner.parents) if each.is_relative_to(top))


def _files(folder: Path) -> tuple[Path, Path]:
    return folder / "memory.max", folder / "memory.limit_in_bytes"


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""  # this system has no such file
