"""The sampler beside `hey`, `ab` and `wrk`, all with a new connection for each request.

All ask the same pods of the real app through the NodePort of the playground, 1, 16 and 64 at a
time, in turns within one run, so that whatever else the machine does slows all of them down. The
median of the ratios is what counts. CPU is that of the program that sends the requests.
`hey`, `ab` and `wrk` come with `apt-get install hey apache2-utils wrk`.
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import NamedTuple

from bench.home import production_on_node_port
from bench.measurement import Measurement
from canarylab import traffic

NODE_PORT = "http://127.0.0.1:32089/"
AT_ONCE, REQUESTS, ROUNDS = 16, 4_800, 5
LEVELS = (1, 16, 64)
RATES = (50, 200, 1_000)  # requests per second
RATE_S, LOOP_S = 3.0, 5.0
_ARTICLE = 'while sleep 1; do curl -s "$0"; done'
_RATE = re.compile(r"Requests(?:/sec:| per second:)\s+([\d.]+)")
_OURS = """
import sys, time
from canarylab.traffic import sample
url, count, at_once = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sample(url, count=50)
before, taken = time.process_time(), sample(url, count=count, concurrency=at_once)
print("Requests/sec:", taken.answered / taken.seconds, time.process_time() - before)
"""


class Run(NamedTuple):
    """One run of one program."""

    rate: float
    cpu_s: float
    """CPU time for each request."""


def measure() -> Iterator[Measurement]:
    """Rates and ratios at each level, the article's loop, and the timing error at each rate."""
    with production_on_node_port(NODE_PORT):
        for at_once in LEVELS:
            yield from _beside_others(at_once)
        yield _article_loop()
        for rate in RATES:
            yield from _timing_error(rate)


def _beside_others(at_once: int) -> Iterator[Measurement]:
    others: dict[str, Callable[[int], Run]] = {
        name: run for name, run in (("hey", _hey), ("ab", _ab), ("wrk", _wrk)) if shutil.which(name)
    }
    rounds = [
        (_ours(at_once), {name: run(at_once) for name, run in others.items()})
        for _ in range(ROUNDS)
    ]
    where = f"{at_once} at a time"
    yield Measurement(
        f"sampler, {where}", median(ours.rate for ours, _ in rounds), "requests/s", "", ok=True
    )
    yield _cpu(f"sampler, {where}, CPU", [ours for ours, _ in rounds])
    for name in others:
        ratio = median(ours.rate / theirs[name].rate for ours, theirs in rounds)
        bar = "at least 1.0" if name == "hey" else ""
        is_ok = not bar or ratio >= 1.0
        yield Measurement(f"sampler : {name}, {where}", ratio, "times", bar, is_ok)
        yield _cpu(f"{name}, {where}, CPU", [theirs[name] for _, theirs in rounds])


def _cpu(name: str, runs: list[Run]) -> Measurement:
    micros = 1e6 * median(run.cpu_s for run in runs)
    return Measurement(name, micros, "us/request", "", ok=True)


def _article_loop() -> Measurement:
    """The article's loop for scale: curl, then a pause of a second."""
    with subprocess.Popen(
        ["sh", "-c", _ARTICLE, NODE_PORT], stdout=subprocess.PIPE, text=True
    ) as loop:
        time.sleep(LOOP_S)
        loop.terminate()
        answers = loop.communicate()[0].count("Version")
    return Measurement("the article's loop", answers / LOOP_S, "requests/s", "", ok=True)


def _timing_error(rate: float) -> Iterator[Measurement]:
    """How much later than scheduled a request was sent."""
    plan = traffic.SamplingPlan(seconds=RATE_S, rate=rate)
    late = sorted(each.late_s for each in traffic.measure(NODE_PORT, plan).results)
    for name, value in (("median", median(late)), ("99 %", late[int(0.99 * len(late))])):
        what = f"sent late at {rate:,} a second, {name}"
        yield Measurement(what, 1_000 * value, "ms", "", ok=True)


def _ours(at_once: int) -> Run:
    """In a process of its own, as the others are; its start is not counted."""
    command = [sys.executable, "-c", _OURS, NODE_PORT, str(REQUESTS), str(at_once)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return Run(float(said[1]), float(said[2]) / REQUESTS)


def _hey(at_once: int) -> Run:
    words = ("-c", str(at_once), "-n", str(REQUESTS))
    return _run(["hey", "-disable-keepalive", *words, NODE_PORT], REQUESTS)


def _ab(at_once: int) -> Run:
    return _run(["ab", "-q", "-c", str(at_once), "-n", str(REQUESTS), NODE_PORT], REQUESTS)


def _wrk(at_once: int) -> Run:
    """Bounded by time: it knows no number of requests."""
    words = ("-t1", f"-c{at_once}", "-d2s", "-H", "Connection: close")
    return _run(["wrk", *words, NODE_PORT], None)


def _run(command: list[str], requests: int | None) -> Run:
    before, started = _children_cpu_s(), time.perf_counter()
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seconds, cpu_s = time.perf_counter() - started, _children_cpu_s() - before
    found = _RATE.search(said)
    if found is None:
        raise RuntimeError(f"{' '.join(command)} named no rate:\n{said}")
    rate = float(found[1])
    return Run(rate, cpu_s / (requests or rate * seconds))


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
