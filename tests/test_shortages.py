"""A full disk, few open files, no memory, Ctrl-C: a command ends in a sentence."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from canarylab.errors import explain
from canarylab.playground import daemon_control
from canarylab.playground.home import Home
from tests.needs import needs
from tests.processes import processes_of

pytestmark = needs("linux")
MB = 1 << 20
LATEST_S = {"up": 2.0, "build": 4.0, "doctor": 1.0}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    daemon_control.down(home)


UNDER_A_LIMIT = """
import os, resource, sys
kind, number = map(int, sys.argv[1:3])
resource.setrlimit(kind, (number, number))
os.execv(sys.executable, [sys.executable, "-m", "canarylab", *sys.argv[3:]])
"""

TELLS_WHEN_IT_BEGINS = """
import sys
from canarylab.__main__ import main
class Tell:
    def find_spec(name, *_):
        if name == "canarylab.cli":
            print("begun", flush=True)
sys.meta_path.insert(0, Tell)
main()
"""


def start(home: Home, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *words],
        env={**os.environ, "CANARYLAB_HOME": str(home.root), "CANARYLAB_CLUSTER": "playground"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("command", ["up", "build"])
@pytest.mark.parametrize(
    ("kind", "number", "said"),
    [
        (resource.RLIMIT_FSIZE, 64, "File too large"),
        (resource.RLIMIT_NOFILE, 5, "Too many open files"),
        (resource.RLIMIT_AS, 45 * MB, "End other programs"),
    ],
    ids=["disk", "files", "memory"],
)
def test_what_has_run_out_is_a_sentence(
    command: str, kind: int, number: int, said: str, home: Home
) -> None:
    with start(home, "-c", UNDER_A_LIMIT, str(int(kind)), str(number), command) as process:
        output, _ = process.communicate()
    assert process.returncode == 1
    assert said in output
    assert " again." in output
    assert "Traceback" not in output


def test_an_output_that_cannot_be_written_is_a_sentence(home: Home) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "canarylab", "status"],
            env={**os.environ, "CANARYLAB_HOME": str(home.root)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    said = "No space left on device. Make room on that disk, and try again.\n"
    assert (done.returncode, done.stderr) == (1, said)


@pytest.mark.soak(few=4, many=60)
@pytest.mark.parametrize("command", LATEST_S)
def test_at_any_moment_it_can_be_interrupted(command: str, home: Home, times: int) -> None:
    for moment in range(times):
        with start(home, "-c", TELLS_WHEN_IT_BEGINS, command) as process:
            assert process.stdout is not None
            process.stdout.readline()  # before that it is Python's own start
            time.sleep(LATEST_S[command] * moment / times)  # Ctrl-C comes at any moment
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate()
        assert process.returncode in {130, -signal.SIGINT, 0, 1}, output
        assert "Traceback" not in output
        assert "Exception ignored" not in output
        assert not [*home.root.rglob("new-*"), *home.root.rglob(".new-*")]
        daemon_control.down(home)
    daemon_control.up(home)
    daemon_control.down(home)
    assert processes_of(home.root) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files. Allow more"),
        (PermissionError(errno.EACCES, "Permission denied", "a"), "Permission denied: a. Make the"),
        (
            shutil.Error([("a", "b", "`a` is a named pipe"), ("c", "d", "[Errno 28] No space")]),
            "`a` is a named pipe. Correct that",
        ),
        (
            shutil.Error([("a" * 4000, "b" * 4000, "[Errno 28] No space left: 'a'")] * 9),
            "No space left on device. Make room",
        ),
        (OSError(errno.ENOSPC, "No space left", "a", None, "b"), "No space left: b. Make room"),
        (MemoryError(), "There is not enough memory. End other programs"),
        (RuntimeError("can't start new thread"), "Can't start new thread. End other programs"),
        (
            ExceptionGroup("tasks", [KeyError("a"), OSError(errno.ENOSPC, "No space left")]),
            "No space left. Make room",
        ),
    ],
)
def test_an_error_of_the_machine_is_explained(error: Exception, said: str) -> None:
    assert str(explain(error)).startswith(said)


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    assert explain(ExceptionGroup("tasks", [KeyError("a")])) is None
    assert explain(RuntimeError("another")) is None
