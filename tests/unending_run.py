"""A test run that never ends by itself, for `test_interrupted_run.py` to interrupt."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from pathlib import Path

import psutil

from canarylab import resources
from canarylab.playground import daemon_control
from canarylab.release.connection import Connection
from canarylab.release.stages import reset_to
from tests.running_playground import RunningPlayground

REPORT = "CANARYLAB_TEST_REPORT"


def test_without_an_end(playground: RunningPlayground) -> None:
    """Write down every process that a playground with three pods consists of, and hang."""
    with closing(Connection(playground.kubeconfig)) as connection:
        reset_to(connection, "02-production", resources.folder("manifests"))
    running = daemon_control.status(playground.home)
    assert running is not None
    daemon = psutil.Process(running.pid)
    pids = [os.getpid(), daemon.pid, *(each.pid for each in daemon.children(recursive=True))]
    draft = Path(os.environ[REPORT]).with_suffix(".draft")
    draft.write_text(" ".join(map(str, pids)))
    draft.rename(os.environ[REPORT])
    threading.Event().wait()
