"""The time of `import canarylab`, in a new Python process."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from bench.measurement import Measurement

ROUNDS = 7
_PROGRAM = "import time; t = time.perf_counter(); import canarylab; print(time.perf_counter() - t)"


def measure() -> list[Measurement]:
    """The median of several."""
    took = median(_once() for _ in range(ROUNDS))
    return [Measurement("import canarylab", took, "s", "at most 0.3", took <= 0.3)]


def _once() -> float:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    return float(done.stdout)
