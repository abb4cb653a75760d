"""What the tour prints and saves."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import IO

from canarylab import figures
from canarylab.lab import Lab
from canarylab.tour import CONFIDENCE, Tour
from canarylab.traffic.text import percent


def report(folder: Path, requests: int, out: IO[str] = sys.stdout) -> bool:
    """Play the tour, a line for each step; save the pictures; True when every share held."""
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    lab = Lab()
    print(f"{lab!r}\n", file=out)
    tour = Tour(lab, requests)
    rows = []
    for row in tour.rows():
        rows.append(row)
        print(f"{'  ' if row.holds else '! '}{row.did:<40} {row.saw}", file=out, flush=True)
    paths = save_pictures(tour, folder)
    failed = sum(not row.holds for row in rows)
    took = time.monotonic() - started
    print(f"\n{verdict(failed, len(tour.samples))} The tour took {took:.0f} s.", file=out)
    print(f"Pictures: {', '.join(str(path) for path in paths)}", file=out)
    return failed == 0


def verdict(failed: int, samples: int) -> str:
    """The last line but one.

    >>> verdict(0, 6)
    'All 6 samples are what their pods suggest: inside their 99.9 % intervals.'
    """
    if failed:
        return f"{failed} of {samples} samples are not what their pods suggest."
    interval = f"{percent(CONFIDENCE)} intervals"
    return f"All {samples} samples are what their pods suggest: inside their {interval}."


def save_pictures(tour: Tour, folder: Path) -> list[Path]:
    """The split with canary and production as the article has them, by pod, and the whole way."""
    _, first = tour.samples[0]
    pictures = {
        "split": figures.plot_versions(first),
        "pods": figures.plot_pods(first),
        "journey": figures.plot_steps(tour.samples),
    }
    return [picture.save(folder / f"{name}.png") for name, picture in pictures.items()]
