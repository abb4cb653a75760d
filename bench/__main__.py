"""`python -m bench [NAME ...]`: measure, and compare with the bars of the design."""

from __future__ import annotations

import importlib
import sys

from bench.measurement import Measurement

PARTS = (
    "importing",
    "memory",
    "playground",
    "apiserver",
    "sampler",
    "network",
    "ingress",
    "docker",
)


def main(names: list[str]) -> int:
    """Print a line for each row as it comes; exit status 1 if one misses its bar."""
    missed = 0
    for name in names or PARTS:
        for row in importlib.import_module(f"bench.{name}").measure():
            print(line(row), flush=True)
            missed += not row.ok
    print(f"\n{missed} of the bars missed." if missed else "\nEvery bar is held.")
    return 1 if missed else 0


def line(row: Measurement) -> str:
    """One row as the table shows it.

    >>> line(Measurement("up", 0.9, "s", "at most 1.5", ok=True))
    '  up                                               0.90 s           at most 1.5'
    """
    mark = " " if row.ok else "!"
    return f"{mark} {row.name:<44} {row.value:>8.2f} {row.unit:<12} {row.bar}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
