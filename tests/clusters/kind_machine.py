"""What a test of the kind cluster lets be true of this machine; also a program that starts one.

`python -m tests.clusters.kind_machine start` is a notebook of its own that can be interrupted or
killed; it writes what it was told, line by line.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from canarylab import machine, ports
from canarylab.clusters import kind as kind_module
from canarylab.clusters.kind import KindCluster
from canarylab.errors import CanaryLabError
from tests.fakes.state import FakeState

ROOT = Path(__file__).parents[2]
CLUSTER = "canarylab"
APP = "docker.io/library/node_app:1.0"


def arrange(state: FakeState, put: Callable[[object, str, object], None]) -> None:
    """The API answers when the node runs; the ports are free; there is room."""

    def answers(kubeconfig: Path) -> bool:
        return kubeconfig.exists() and (state.cluster(CLUSTER) or {}).get("running") is True

    def is_free(port: int, address: str = ports.LOOPBACK) -> bool:
        return True

    def free(place: Path) -> int:
        return 100 * machine.GB

    put(kind_module, "api_answers", answers)
    put(kind_module, "REPEAT_EVERY_S", 3600.0)  # tests of it set their own
    put(ports, "is_free", is_free)
    put(machine, "free_bytes", free)


def files(kind: KindCluster) -> set[str]:
    """What lies in the folder of the cluster."""
    return {path.name for path in Path(kind.kubeconfig).parent.iterdir()}


def archives(kind: KindCluster) -> Path:
    """Where images are on their way."""
    return Path(kind.kubeconfig).parent / "archives"


def images_in_the_node(state: FakeState) -> dict[str, str]:
    """Their names in full, and what each was on this machine."""
    images: dict[str, str] = (state.cluster(CLUSTER) or {})["images"]
    return images


@contextmanager
def notebook(verb: str) -> Iterator[subprocess.Popen[str]]:
    """Another program that does it, ended with the test."""
    command = [sys.executable, "-m", "tests.clusters.kind_machine", verb]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def kill(state: FakeState) -> None:
    """End the program that hangs, whoever started it."""
    os.kill(int(state.hanging.read_text()), signal.SIGKILL)


def _main(verb: str) -> int:
    # Tests that a shell started in its background ignore Ctrl-C, and so would this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arrange(FakeState.of_environment(), setattr)
    kind = KindCluster()
    try:
        if verb == "start":
            kind.start(_tell)
        elif verb == "load":
            kind.load_image("node_app:1.0", _tell)
        else:
            kind.stop()
    except CanaryLabError as exc:
        _tell(str(exc))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _tell(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
