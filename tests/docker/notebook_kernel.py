"""A Python process that does what a learner's kernel does, and can be interrupted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PROGRAM = """
import signal, sys
from pathlib import Path
from canarylab.images.docker import DockerBuilder
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in a shell's background ignore it
builder = DockerBuilder(Path(sys.argv[1]), app=Path(sys.argv[2]))
show = lambda words: print(words, flush=True)
"""


@contextmanager
def kernel(home: str, app: str, *lines: str) -> Iterator[subprocess.Popen[str]]:
    """Runs these lines with a `builder`, and a `show` that prints; it has ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM + "\n".join(lines), home, app],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ},
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """The first line that has these words; the test fails where none comes."""
    said: list[str] = []
    for line in process.stdout or ():
        said.append(line)
        if words in line:
            return line
    raise AssertionError("".join(said))
