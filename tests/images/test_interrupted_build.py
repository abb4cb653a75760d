"""A build that is interrupted or killed spoils nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from canarylab.playground.images import listed
from tests.images.contexts import Workshop, files_of, wait_until_gone, wait_until_there


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_is_ended_half_way_leaves_nothing_that_a_later_one_trusts(
    workshop: Workshop, tmp_path: Path, how: signal.Signals
) -> None:
    pid_file = tmp_path / "pid"
    go_on = tmp_path / "go-on"
    workshop.dockerfile(
        f"RUN touch half; test -e {go_on} || {{ echo $$ > {pid_file}; exec sleep 600; }}; touch all"
    )
    builder = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(workshop.context), str(workshop.images)],
        stderr=subprocess.DEVNULL,
    )
    running = int(wait_until_there(pid_file))
    builder.send_signal(how)
    builder.wait()
    if how is signal.SIGKILL:
        os.kill(running, signal.SIGKILL)  # a killed builder cannot end it
    wait_until_gone(running)
    assert listed(workshop.images) == []
    go_on.touch()

    assert files_of(workshop.build()) == ["all", "half"]
    assert list(workshop.images.glob(".layers/new-*")) == []


BUILD = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in a shell's background ignore it
from canarylab.images.process import build
build(Path(sys.argv[1]), "app:1", images=Path(sys.argv[2]))
"""
