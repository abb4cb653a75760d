"""How long does `import canarylab` take, in a Python of its own?"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from bench.row import Row

ROUNDS = 7
_PROGRAM = "import time; t = time.perf_counter(); import canarylab; print(time.perf_counter() - t)"


def measure() -> list[Row]:
    """The median of several."""
    took = median(_once() for _ in range(ROUNDS))
    return [Row("import canarylab", took, "s", "at most 0.3", took <= 0.3)]


def _once() -> float:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    return float(done.stdout)
