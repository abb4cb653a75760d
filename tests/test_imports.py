"""`import canarylab` is quick and changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("matplotlib", "ipywidgets", "kubernetes", "pandas", "numpy", "scipy", "aiohttp", "IPython")

REPORT = """
import asyncio, json, logging, os, signal, sys, threading, warnings

def state():
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "logging": [str(handler) for handler in logging.getLogger().handlers],
        "signals": {name.name: str(signal.getsignal(name)) for name in signal.valid_signals()
                    if isinstance(name, signal.Signals)},
        "threads": threading.active_count(),
        "warnings": [str(found) for found in warnings.filters],
        "hooks": [str(sys.excepthook), str(sys.displayhook), str(asyncio.get_event_loop_policy())],
    }

before = state()
import canarylab
changed = [key for key, value in state().items() if value != before[key]]
print(json.dumps({"modules": sorted(sys.modules), "changed": changed}))
"""


@pytest.fixture(scope="module")
def report() -> dict[str, list[str]]:
    """What a fresh Python says after `import canarylab`."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT], capture_output=True, text=True, check=True
    )
    said: dict[str, list[str]] = json.loads(done.stdout)  # so it printed nothing of its own
    return said


@pytest.mark.parametrize("module", HEAVY)
def test_nothing_heavy_is_loaded(module: str, report: dict[str, list[str]]) -> None:
    assert module not in report["modules"]


def test_nothing_is_changed(report: dict[str, list[str]]) -> None:
    assert report["changed"] == []


def test_the_sampler_loads_neither_matplotlib_nor_pandas() -> None:
    script = "import sys, canarylab.traffic; print({'matplotlib', 'pandas'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
