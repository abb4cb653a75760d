"""Make the pictures of docs/pictures from a real run: `make pictures`.

Each function makes one picture in a lab that is at stage 03-canary, and returns its file. The lab
is a playground of its own, which ends with this program.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from canarylab.lab import Lab
from canarylab.playground import daemon_control
from canarylab.playground.home import Home

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
REQUESTS = 400
RATIOS = [(9, 1), (3, 1), (3, 2), (2, 2), (1, 3)]
"""Pods of production, pods of the canary."""


def sweep(lab: Lab) -> Path:
    """The observed share over the expected share, at several ratios."""
    return lab.sweep(RATIOS, requests=REQUESTS).plot().save(FOLDER / "sweep.png")


def split(lab: Lab) -> Path:
    """The share of each version at 3 : 1."""
    return lab.sample(requests=REQUESTS).plot().save(FOLDER / "split.png")


def samples(lab: Lab) -> Path:
    """Twenty samples at 3 : 1, side by side."""
    return lab.sample_many(samples=20, requests=40).plot().save(FOLDER / "samples.png")


PICTURES: list[Callable[[Lab], Path]] = [sweep, split, samples]


def make(pictures: list[Callable[[Lab], Path]]) -> None:
    """Make these pictures, and print their files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="canarylab-") as folder:
        os.environ |= {"CANARYLAB_HOME": folder, "CANARYLAB_BUILDER": "process"}
        try:
            lab = Lab("playground")
            lab.build()
            for picture in pictures:
                lab.reset("03-canary")
                print(picture(lab).relative_to(FOLDER.parents[1]))
        finally:
            daemon_control.down(Home(Path(folder)))


if __name__ == "__main__":
    make(PICTURES)
