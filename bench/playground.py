"""The playground's times to start, roll out and scale up, and its memory."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from statistics import median

import psutil
import pytest

from bench.home import built_home
from bench.measurement import Measurement
from canarylab import resources
from canarylab.manifests import PRODUCTION, load
from canarylab.playground import daemon_control
from canarylab.playground.home import Home
from canarylab.playground.node.pod_root import SETTING
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.rollout import scale, wait_until_rolled_out
from canarylab.release.stages import reset_to

ROUNDS = 3
_PRODUCTION = resources.folder("manifests") / "02-production" / "production.yaml"


def measure() -> Iterator[Measurement]:
    """Each against its bar; a time is the median of three."""
    with built_home() as home:
        starts = [_timed(lambda: daemon_control.up(home)) for _ in _fresh(home)]
        yield _row("playground from nothing to ready", starts, bar=1.0)
        daemon_control.up(home)
        yield _memory(home)
        connection = Connection(home.kubeconfig)
        if shutil.which("kubectl"):
            took = [_rolled_out_by_kubectl(connection, home) for _ in range(ROUNDS)]
            yield _row("3 pods, kubectl apply to rolled out", took, bar=0.8)
        yield _row("1 to 20 ready pods", [_grown(connection) for _ in range(ROUNDS)], bar=3.0)
        yield from _roots(home)


def _roots(home: Home) -> Iterator[Measurement]:
    """A pod's start and the memory of ten, with the image as root and without."""
    starts: dict[str, float] = {}
    for words, setting in (("files of this machine", "no"), ("image as root", "")):
        daemon_control.down(home)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv(SETTING, setting)
            daemon_control.up(home)
        connection = Connection(home.kubeconfig)
        starts[setting] = median(_started(connection) for _ in range(ROUNDS))
        limit = starts["no"] + 0.05
        is_good = starts[setting] <= limit
        yield Measurement(
            f"a pod's start, {words}", starts[setting], "s", f"at most {limit:.2f}", is_good
        )
        scale(connection, PRODUCTION, 10)
        wait_until_rolled_out(connection, PRODUCTION)
        of_pods = psutil.Process(daemon_control.up(home).pid).children(recursive=True)
        pss = (
            sum(
                each.memory_full_info().pss
                for each in of_pods
                if "/main." in " ".join(each.cmdline())
            )
            / 1e6
        )
        yield Measurement(f"ten pods, {words}", pss, "MB", "at most 400", pss <= 400)


def _started(connection: Connection) -> float:
    scale(connection, PRODUCTION, 0)
    wait_until_rolled_out(connection, PRODUCTION)

    def start() -> None:
        scale(connection, PRODUCTION, 1)
        wait_until_rolled_out(connection, PRODUCTION)

    return _timed(start)


def _row(name: str, took: list[float], *, bar: float) -> Measurement:
    return Measurement(name, median(took), "s", f"at most {bar}", median(took) <= bar)


def _fresh(home: Home) -> Iterator[int]:
    for number in range(ROUNDS):
        daemon_control.down(home)
        daemon_control.forget(home)
        yield number
    daemon_control.down(home)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _memory(home: Home) -> Measurement:
    running = daemon_control.up(home)
    megabytes = psutil.Process(running.pid).memory_info().rss / 1e6
    return Measurement("daemon, idle", megabytes, "MB", "at most 80", megabytes <= 80)


def _rolled_out_by_kubectl(connection: Connection, home: Home) -> float:
    reset_to(connection, "empty", _PRODUCTION.parent.parent)
    kubectl = ["kubectl", f"--kubeconfig={home.kubeconfig}", f"--cache-dir={home.root / 'cache'}"]

    def act() -> None:
        for words in (["apply", "-f", str(_PRODUCTION)], ["rollout", "status", "deploy"]):
            subprocess.run([*kubectl, *words], check=True, stdout=subprocess.DEVNULL)

    return _timed(act)


def _grown(connection: Connection) -> float:
    reset_to(connection, "empty", _PRODUCTION.parent.parent)
    apply(connection, load(_PRODUCTION))
    scale(connection, PRODUCTION, 1)
    wait_until_rolled_out(connection, PRODUCTION)

    def grow() -> None:
        scale(connection, PRODUCTION, 20)
        wait_until_rolled_out(connection, PRODUCTION)

    return _timed(grow)
