"""Base of the widgets: controls, a status line, one worker thread, a static copy.

A control only records what is to be done, and returns at once; the worker thread does it. The
status line shows what went wrong there: an exception in a callback of ipywidgets is shown nowhere.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

import ipywidgets

from canarylab import runtime
from canarylab.errors import CanaryLabError
from canarylab.stats import finding
from canarylab.traffic.sample import Sample

Work = Callable[[], None]

DEFAULT_REQUESTS, MAX_REQUESTS = 200, 5_000
DEBOUNCE_S = 0.3  # without a further event, before events are acted on
WIDE = {"description_width": "initial"}
SLIDER_STYLE, FIELD_STYLE = {"description_width": "8.5em"}, {"description_width": "13em"}
WRAPPED = {"flex_flow": "row wrap", "grid_gap": "4px 12px"}
_JOIN_TIMEOUT_S = 60.0  # for the work that runs while the panel is closed
_WIDTH = "780px"
_MAX_COMMANDS = 8
_TEXTAREA = (
    "width:100%;box-sizing:border-box;font-family:var(--jp-code-font-family,monospace);"
    "font-size:var(--jp-code-font-size,13px);color:inherit;background:transparent;resize:vertical"
)


class Panel:
    """Shown by the last line of a cell; `close()` stops its work and removes it from the page."""

    name = "Panel"

    def __init__(self, *, debounce_s: float) -> None:
        self._debouncer = Debouncer(debounce_s=debounce_s)
        self._status_html = ipywidgets.HTML()
        self._set_status("Ready.")

    @property
    def status(self) -> str:
        """The text of the status line."""
        return self._status

    def close(self) -> None:
        """Wait until the running work ends, and remove the panel from the page."""
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
        """Queue work for the thread; newer work of the same kind replaces it."""
        self._debouncer.put(kind, work)

    def _run(self) -> None:
        while (works := self._debouncer.take()) is not None:
            self._do(works)

    def _do(self, works: list[Work]) -> None:
        """Do the work of pending events, one after the other."""
        for work in works:
            self._attempt(work)

    def _attempt(self, work: Work) -> None:
        try:
            work()
        except Exception as exc:  # noqa: BLE001  the status line shows it
            self._set_status(error_sentence(exc))

    def _set_status(self, text: str) -> None:
        self._status = text
        self._status_html.value = status_html(text)


def requests_field(requests: int) -> Any:
    """A field for the number of requests to send."""
    return ipywidgets.BoundedIntText(
        value=requests, min=1, max=MAX_REQUESTS, description="Requests to send",
        style=WIDE, layout={"width": "14em"},
    )  # fmt: skip


def linked_slider_and_field(label: str, *, highest: int) -> tuple[Any, Any]:
    """A slider from 0 to `highest`, and a number field with the same value.

    The handle of a slider has no name for screen readers (ipywidgets 8.1), and Notebook 7 takes its
    arrow keys away; the field has neither problem.
    """
    slider = ipywidgets.IntSlider(
        min=0, max=highest, description=label,
        continuous_update=False, style=SLIDER_STYLE, layout={"width": "26em"},
    )  # fmt: skip
    field = ipywidgets.BoundedIntText(
        min=0, max=highest, description=f"{label}, typed",
        style=FIELD_STYLE, layout={"width": "18em"},
    )  # fmt: skip
    ipywidgets.link((field, "value"), (slider, "value"))
    return slider, field


def button(label: str) -> Any:
    """A button as wide as its label."""
    return ipywidgets.Button(description=label, layout={"width": "auto"})


def status_html(text: str) -> str:
    """A line that a screen reader announces when it changes, without interrupting."""
    line = 'role="status" aria-live="polite" style="line-height:1.5"'
    return f"<div {line}><strong>Status:</strong> {escape(text)}</div>"


def commands_html(commands: Sequence[str], *, identity: str) -> str:
    """A box with the newest commands, to be copied with mouse or keyboard."""
    shown = commands[-_MAX_COMMANDS:]
    text = escape("\n".join(shown)) or "Move a control, and its command appears here."
    rows = max(2, sum(1 + command.count("\n") for command in shown))
    return (
        f'<label for="{identity}">The same in a terminal</label>'
        f'<textarea id="{identity}" readonly rows="{rows}" style="{_TEXTAREA}" spellcheck="false">'
        f"{text}</textarea>"
    )


def sample_sentence(sample: Sample) -> str:
    """What was seen, in the words of the picture."""
    return f"{finding(sample).sentence}."


def error_sentence(exc: BaseException) -> str:
    """What went wrong, as a sentence."""
    text = str(exc) if isinstance(exc, CanaryLabError | ValueError) else f"{exc!r}."
    return f"This did not work. {text}"


class Debouncer:
    """Queue of UI events that keeps only the newest of each kind."""

    def __init__(self, *, debounce_s: float) -> None:
        self._queue: queue.SimpleQueue[_Event | None] = queue.SimpleQueue()
        self._debounce_s = debounce_s
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
        """Wait for an event, then until none arrives for `debounce_s`; None if closed."""
        events = [self._queue.get()]
        while not self.closed:
            try:
                events.append(self._queue.get(timeout=self._debounce_s))
            except queue.Empty:
                break
        return None if self.closed else _newest(events)


class _Event(NamedTuple):
    kind: str
    work: Work


def _newest(events: list[_Event | None]) -> list[Work]:
    """The last event of each kind, in the order of those last events."""
    newest: dict[str, Work] = {}
    for event in events:
        if event is not None:
            newest.pop(event.kind, None)
            newest[event.kind] = event.work
    return list(newest.values())
