"""The daemon's own files."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

from canarylab.playground.daemon import RotatingLog


def test_the_log_has_a_limit(tmp_path: Path) -> None:
    log = logging.getLogger("canarylab.tests.rotating")
    handler = RotatingLog(tmp_path / "daemon.log", maxBytes=1_000, backupCount=1)
    before = os.dup(2)
    try:
        log.addHandler(handler)
        for number in range(100):
            log.warning("%s", f"{number}" * 50)
    finally:
        log.removeHandler(handler)
        handler.close()
        os.dup2(before, 2)
        os.close(before)
    sizes = {each.name: each.stat().st_size for each in tmp_path.iterdir()}
    assert sizes.keys() == {"daemon.log", "daemon.log.1"}
    assert max(sizes.values()) <= 1_000


def test_what_python_writes_to_standard_error_goes_to_the_new_file(tmp_path: Path) -> None:
    program = (
        "import sys; from canarylab.playground.daemon import RotatingLog\n"
        "handler = RotatingLog('daemon.log', maxBytes=9, backupCount=1)\n"
        "handler.doRollover(); print('last words', file=sys.stderr)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert (tmp_path / "daemon.log").read_text() == "last words\n"
