"""The time of a second build with Docker, when nothing has changed."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

from bench.measurement import Measurement
from canarylab.errors import SetupError
from canarylab.images.choose import choose_builder
from canarylab.playground.home import Home

ROUNDS = 5


def measure() -> list[Measurement]:
    """Return the median of several builds; nothing where no engine answers."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            builder, _ = choose_builder("docker", home=Home(Path(folder)))
        except SetupError as exc:
            print(f"  no build with Docker was measured: {exc}")
            return []
        builder.build("1.0", lambda step: None)
        took = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            builder.build("1.0", lambda step: None)
            took.append(time.perf_counter() - start)
    return [
        Measurement("second build with Docker", median(took), "s", "at most 3", median(took) <= 3)
    ]
