"""Run coroutines, threads and waits from synchronous code.

A notebook cell runs inside Jupyter's own event loop, where `asyncio.run` is refused; a loop in
another thread works everywhere, so coroutines run there.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

SWITCH_INTERVAL_S = 0.0002

Result = TypeVar("Result")
Value = TypeVar("Value")

_loop: asyncio.AbstractEventLoop | None = None
_starting = threading.Lock()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end and return its result; Ctrl-C cancels it.

    >>> async def three() -> int:
    ...     return 3
    >>> run(three())
    3
    """
    future = start(work)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def start(work: Coroutine[Any, Any, Result]) -> Future[Result]:
    """Start a coroutine on the background loop; the caller waits for its result, or cancels it.

    >>> async def three() -> int:
    ...     return 3
    >>> start(three()).result()
    3
    """
    return asyncio.run_coroutine_threadsafe(work, _background_loop())


def call_on_loop(work: Callable[[], None]) -> None:
    """Call a function on the background loop, soon."""
    _background_loop().call_soon_threadsafe(work)


@contextmanager
def repeatedly(work: Callable[[], None], *, every_s: float, name: str) -> Iterator[None]:
    """Call a blocking function again and again, in a thread that ends with the `with` block."""
    is_over = threading.Event()

    def repeat() -> None:
        while not is_over.wait(every_s):
            work()

    thread = in_background(repeat, name=name)
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextmanager
def quick_thread_switches() -> Iterator[None]:
    """Let the threads of this program change often, so that the event loop is not kept waiting.

    A thread that computes gives way every 5 ms otherwise, and a request, which makes several system
    calls, may wait so long after each of them.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def in_background(work: Callable[[], None], *, name: str) -> threading.Thread:
    """Run a blocking function in a thread that does not keep the program alive."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


def wait_until(
    condition: Callable[[], Value],
    *,
    timeout_s: float,
    pause_s: float = 0.05,
) -> Value:
    """Evaluate `condition` until its value is true, and return that value.

    When the time is over, the last value is returned, which is then false. The condition is
    evaluated once at least.

    >>> values = iter(["", "", "ready"])
    >>> wait_until(lambda: next(values), timeout_s=10, pause_s=0)
    'ready'
    >>> wait_until(lambda: [], timeout_s=0)
    []
    """
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value or time.monotonic() >= deadline:
            return value
        time.sleep(pause_s)


def _background_loop() -> asyncio.AbstractEventLoop:
    global _loop  # noqa: PLW0603  one loop for the program is the point of this module
    with _starting:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            in_background(_loop.run_forever, name="canarylab")
        return _loop
