"""Base of the widgets: controls, a status line, one worker thread, a static copy.

A control only records what is to be done, and returns at once; the worker thread does it. The
status line shows what went wrong there: an exception in a callback of ipywidgets is shown nowhere.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any, NamedTuple

import ipywidgets

from canarylab import runtime
from canarylab.widgets.html import error_sentence, status_html

QUIET_S = 0.3  # without a further change, before a burst of changes is acted on
WRAPPED = {"flex_flow": "row wrap", "grid_gap": "4px 12px"}
_JOIN_TIMEOUT_S = 60.0  # for the work that runs while the panel is closed
_WIDTH = "780px"

Work = Callable[[], None]


class Panel:
    """Shown by the last line of a cell; `close()` stops its work and removes it from the page."""

    name = "Panel"

    def __init__(self, *, quiet_s: float) -> None:
        self._debouncer = Debouncer(quiet_s=quiet_s)
        self._status_html = ipywidgets.HTML()
        self._set_status("Ready.")

    @property
    def status(self) -> str:
        """The text of the status line."""
        return self._status

    def close(self) -> None:
        """Let the running work end, and remove the panel from the page."""
        self._debouncer.close()
        self._thread.join(_JOIN_TIMEOUT_S)
        for part in (self.view, *self.view.children):
            part.close()

    def static_html(self) -> str:
        """What the panel shows besides its controls, for a page without a kernel."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{self.name}. {self.status}"

    def _repr_html_(self) -> str:
        return self.static_html()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = self.view._repr_mimebundle_(include=include, exclude=exclude)
        return bundle | {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _start(self, *parts: Any) -> None:
        """Lay out the parts, one below the other, and start the worker thread."""
        self.view = ipywidgets.VBox(parts, layout={"max_width": _WIDTH})
        self._thread = runtime.in_background(self._run, name=self.name.lower())

    def _schedule(self, kind: str, work: Work) -> None:
        """Have the thread do this, unless newer work of the same kind replaces it."""
        self._debouncer.put(kind, work)

    def _run(self) -> None:
        while (burst := self._debouncer.take()) is not None:
            self._do(burst)

    def _do(self, burst: list[Work]) -> None:
        """Do what is left of a burst, one piece of work after the other."""
        for work in burst:
            self._attempt(work)

    def _attempt(self, work: Work) -> None:
        try:
            work()
        except Exception as exc:  # noqa: BLE001  the status line shows it
            self._set_status(error_sentence(exc))

    def _set_status(self, text: str) -> None:
        self._status = text
        self._status_html.value = status_html(text)


class Debouncer:
    """Queue of UI events that keeps only the newest of each kind."""

    def __init__(self, *, quiet_s: float) -> None:
        self._queue: queue.SimpleQueue[_Event | None] = queue.SimpleQueue()
        self._quiet_s = quiet_s
        self.closed = False

    def put(self, kind: str, work: Work) -> None:
        """Add an event; returns at once."""
        self._queue.put(_Event(kind, work))

    def close(self) -> None:
        """End `take`, and drop the events that are left."""
        self.closed = True
        self._queue.put(None)

    @property
    def empty(self) -> bool:
        """Whether no event waits."""
        return self._queue.empty()

    def take(self) -> list[Work] | None:
        """Wait for an event and for the quiet after it; the work that is left, None once closed."""
        burst = [self._queue.get()]
        while not self.closed:
            try:
                burst.append(self._queue.get(timeout=self._quiet_s))
            except queue.Empty:
                break
        return None if self.closed else _newest(burst)


class _Event(NamedTuple):
    kind: str
    work: Work


def _newest(burst: list[_Event | None]) -> list[Work]:
    """The last event of each kind, in the order of those last events."""
    newest: dict[str, Work] = {}
    for event in burst:
        if event is not None:
            newest.pop(event.kind, None)
            newest[event.kind] = event.work
    return list(newest.values())
