"""How does a notebook, or a shell, ask an address many times?"""

from __future__ import annotations

from canarylab import runtime
from canarylab.display import StatusLine, status_stream
from canarylab.traffic.plan import Plan
from canarylab.traffic.progress import ProgressLine
from canarylab.traffic.request import Request
from canarylab.traffic.sample import Sample
from canarylab.traffic.sampler import PLAIN_GET, OnProgress, send

USUAL_COUNT = 100


def sample(
    url: str,
    *,
    count: int | None = None,
    seconds: float | None = None,
    concurrency: int = 16,
    keep_alive: int = 0,
) -> Sample:
    """Ask the URL `count` times, or for so many seconds, and count who answered.

    Each request opens a new connection, as a new visitor would; `keep_alive=1` sends all of
    them over one connection, as a browser does.

    >>> sample("http://127.0.0.1:32089/", count=0)
    Traceback (most recent call last):
    ValueError: count cannot be 0. Give a whole number from 1 to 200,000.
    """
    if count is None and seconds is None:
        count = USUAL_COUNT
    plan = Plan(count=count, seconds=seconds, concurrency=concurrency, keep_alive=keep_alive)
    line = StatusLine(status_stream())
    try:
        return measure(url, plan, on_progress=ProgressLine(plan, line))
    finally:
        line.finish()


def measure(
    url: str,
    plan: Plan,
    *,
    request: Request = PLAIN_GET,
    on_progress: OnProgress | None = None,
) -> Sample:
    """Like `sample`, with everything spelled out, and silent: pace, patience, headers, Host.

    >>> measure("ftp://127.0.0.1/", Plan(count=1))
    Traceback (most recent call last):
    ValueError: 'ftp://127.0.0.1/' does not start with http:// or https://. Write it in full.
    """
    return runtime.run(send(url, plan, request=request, on_progress=on_progress))
