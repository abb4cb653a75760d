"""What a test needs of the machine it runs on.

On a machine without it the test skips and says why. `CANARYLAB_REQUIRE=kubectl,docker,browser`
turns those skips into failures, so that a build machine cannot pass by lacking things.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

CHROMIUM = os.environ.get("CANARYLAB_CHROMIUM", "/usr/bin/chromium")


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "version"], capture_output=True, check=False)
    return asked.returncode == 0


_THERE: dict[str, tuple[Callable[[], bool], str]] = {
    "kubectl": (lambda: shutil.which("kubectl") is not None, "kubectl is not on PATH"),
    "docker": (_docker_answers, "no Docker engine answers"),
    "browser": (lambda: shutil.which(CHROMIUM) is not None, f"there is no {CHROMIUM}"),
    "linux": (lambda: sys.platform == "linux", "this system has one loopback address only"),
}


def needs(*things: str) -> pytest.MarkDecorator:
    """`@needs("kubectl")`: skip with a sentence where it is missing, unless it is required."""
    required = set(os.environ.get("CANARYLAB_REQUIRE", "").split(","))
    missing = [
        _THERE[thing][1] for thing in things if thing not in required and not _THERE[thing][0]()
    ]
    return pytest.mark.skipif(bool(missing), reason="; ".join(missing) or "all there")
