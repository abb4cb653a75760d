"""Is there room on the disk?"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from canarylab.machine.finding import Finding

GB = 1_000_000_000
FOR_A_CLUSTER = 6 * GB
"""kind's node image takes about 1.5 GB, unpacked and in use twice that; images and pods come on
top, and the kubelet evicts pods where less than 15 % of a disk are left."""


def disk(
    folder: Path, needed: int = FOR_A_CLUSTER, needed_for: str = "images and clusters"
) -> Finding:
    """How much is free where this folder lies, or would lie."""
    place = _nearest(folder)
    free = _free(place)
    words = f"{size(free)} free at {place}"
    if free >= needed:
        return Finding("disk", "fine", words, needed_for)
    remedy = f"{size(needed)} are needed: remove what is not, for example `docker system prune`."
    return Finding("disk", "missing", f"Only {words}", needed_for, remedy)


def size(count: int) -> str:
    """As people say it.

    >>> size(1_234_567_890), size(45_600_000), size(900)
    ('1.2 GB', '46 MB', '1 kB')
    """
    if count >= GB:
        return f"{count / GB:.1f} GB" if count < 100 * GB else f"{count / GB:.0f} GB"
    if count >= 1_000_000:
        return f"{count / 1_000_000:.0f} MB"
    return f"{-(-count // 1000)} kB"


def _nearest(folder: Path) -> Path:
    whole = folder.absolute()
    # unlike Path.exists, this takes a folder that may not be entered for one that is not there
    return next(place for place in (whole, *whole.parents) if os.path.exists(place))  # noqa: PTH110


def _free(place: Path) -> int:
    return shutil.disk_usage(place).free
