"""What a test needs of the machine it runs on.

On a machine without it the test skips and says why. `CANARYLAB_REQUIRE=kubectl,docker,browser`
turns those skips into failures, so that a build machine cannot pass by lacking things.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from canarylab.playground.node import pod_root
from tests.witnesses.clients import INSTALLED, KUBECTLS

AXE = Path(__file__).parent / "browser" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = os.environ.get("CANARYLAB_CHROMIUM", "/usr/bin/chromium")


def _can_have_an_engine() -> bool:
    """The tests start one of their own and leave every other alone (tests/docker/engines.py)."""
    programs = ("docker", "dockerd", "ip", "setpriv")
    return os.geteuid() == 0 and all(shutil.which(program) for program in programs)


def _refusal_of_root(way: str) -> str:
    with TemporaryDirectory() as folder:
        return pod_root.refusal(way, folder)


_THERE: dict[str, tuple[Callable[[], bool], str]] = {
    "kubectl": (lambda: shutil.which("kubectl") is not None, "kubectl is not on PATH"),
    "clients": (
        lambda: all(client.is_there for client in INSTALLED),
        "other clients are missing; `python -m tests.witnesses.clients` installs them",
    ),
    "kubectls": (
        lambda: all(client.is_there for client in KUBECTLS),
        "kubectl.1.31, kubectl.1.32 and kubectl.1.33 are neither on PATH nor beside kubectl",
    ),
    "docker": (
        _can_have_an_engine,
        "a Docker engine of the tests' own needs root, docker, dockerd, ip and setpriv",
    ),
    "nginx": (lambda: shutil.which("nginx") is not None, "nginx is not on PATH"),
    "browser": (lambda: shutil.which(CHROMIUM) is not None, f"there is no {CHROMIUM}"),
    "axe": (AXE.is_file, "axe-core is missing; `npm ci --prefix tests/browser/axe` installs it"),
    "pod-root": (
        lambda: not _refusal_of_root("root" if os.geteuid() == 0 else "user"),
        "this kernel, or its policy, lets no container have a root of its own",
    ),
    "pod-root-of-user": (
        lambda: not _refusal_of_root("user"),
        "this kernel, or its policy, lets no ordinary user make a user namespace",
    ),
    "linux": (lambda: sys.platform == "linux", "this system has one loopback address only"),
}


def missing(*things: str) -> str:
    """Why a test that needs them cannot run here; empty where all are there, or required."""
    required = set(os.environ.get("CANARYLAB_REQUIRE", "").split(","))
    return "; ".join(
        _THERE[thing][1] for thing in things if thing not in required and not _THERE[thing][0]()
    )


def needs(*things: str) -> pytest.MarkDecorator:
    """`@needs("kubectl")`: skip with a sentence where it is missing, unless it is required."""
    why = missing(*things)
    return pytest.mark.skipif(bool(why), reason=why or "all there")
