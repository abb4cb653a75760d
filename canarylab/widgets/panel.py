"""Bases of the widgets: controls, a status line, one worker thread, a static copy.

A control only records what is to be done, and returns at once; the worker thread does it. The
status line shows what went wrong there: an exception in a callback of ipywidgets is shown nowhere.
`panel.css` and `panel.js` add what ipywidgets 8.1 lacks in a page: names of slider handles, Escape,
and a sentence in place of the controls when the kernel is gone.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from weakref import WeakValueDictionary

import ipywidgets

from canarylab import runtime
from canarylab.errors import CanaryLabError
from canarylab.stats import finding
from canarylab.traffic.sample import Sample

if TYPE_CHECKING:
    from canarylab.figures import Picture

Work = Callable[[], None]

DEFAULT_REQUESTS, MAX_REQUESTS = 200, 5_000
DEBOUNCE_S = 0.3  # without a further event, before events are acted on
WRAPPED = {"flex_flow": "row wrap", "grid_gap": "4px 12px"}
SLIDER_STYLE, FIELD_STYLE = {"description_width": "8.5em"}, {"description_width": "13em"}
_WIDE = {"description_width": "initial"}
_JOIN_TIMEOUT_S = 60.0  # for the work that runs while the panel is closed
_WIDTH = "780px"
_PICTURE_INCHES = 4.4  # still read where the page leaves 330 pixels
_MAX_ROWS = 8  # of the commands, before they scroll
_TEXTAREA = (
    "width:100%;box-sizing:border-box;font-family:var(--jp-code-font-family,monospace);"
    "font-size:var(--jp-code-font-size,13px);color:inherit;background:transparent;resize:vertical"
)
_PRE = "white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0"
_GONE = "The kernel is gone: run the cell again."

_live: WeakValueDictionary[str, Panel] = WeakValueDictionary()
"""The panel of each name that was shown last; the only one of its name that works."""


class Panel:
    """Shown by the last line of a cell; `close()` stops its work and removes it from the page."""

    name = "Panel"

    def __init__(self, *, debounce_s: float) -> None:
        self._debouncer = Debouncer(debounce_s=debounce_s)
        self._status_html = ipywidgets.HTML()
        self._status_html.add_class("canarylab-status")
        self._set_status("Ready.")

    @property
    def status(self) -> str:
        """The text of the status line."""
        return self._status

    def close(self) -> None:
        """Wait until the running work ends, and remove the panel from the page."""
        self._debouncer.close()
        self._thread.join(_JOIN_TIMEOUT_S)
        for part in (*self.view.children, self.view):
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
        gone, page = _hidden_html(f"<p>{_GONE}</p>", "canarylab-gone"), _page_html()
        self.view = ipywidgets.VBox((*parts, gone, page), layout={"max_width": _WIDTH})
        self.view.add_class("canarylab-panel")
        self._thread = runtime.in_background(self._run, name=self.name.lower())
        if earlier := _live.get(self.name):
            earlier._end()
        _live[self.name] = self

    def _end(self) -> None:
        """Take no more work, and show a sentence in place of the controls."""
        self._debouncer.close()
        sentence = f"This {self.name.lower()} has ended: a newer one is open. Run its cell again."
        parts, self.view.children = self.view.children, (ipywidgets.HTML(f"<p>{sentence}</p>"),)
        for part in parts:
            part.close()

    def _schedule(self, key: str, work: Work) -> None:
        """Queue work for the thread; newer work with the same key replaces it."""
        self._debouncer.put(key, work)

    def _run(self) -> None:
        while (works := self._debouncer.take()) is not None:
            for work in works:
                self._attempt(work)

    def _attempt(self, work: Work) -> None:
        try:
            work()
        except Exception as exc:  # noqa: BLE001  the status line shows it
            self._show_error(error_sentence(exc))

    def _show_error(self, sentence: str) -> None:
        self._set_status(sentence)

    def _set_status(self, text: str) -> None:
        self._status = text
        self._status_html.value = status_html(text)


class TrafficPanel(Panel):
    """Numbers to choose, a button that applies them, and the traffic that follows.

    Moving a slider changes nothing, only Apply does. So numbers can be chosen without haste, with a
    pointer or with the keyboard.
    """

    labels: ClassVar[Mapping[str, str]]
    """The label of each number, by its key."""
    highest: ClassVar[int]

    def __init__(self, *, requests: int, debounce_s: float) -> None:
        super().__init__(debounce_s=debounce_s)
        self.picture: Picture | None = None
        self.commands: list[str] = []
        """What was done, oldest first."""
        self.applied: dict[str, int] = {}
        """The numbers in the cluster; empty until they have been read."""
        self._seen = ""
        pairs = [linked_slider_and_field(each, self.highest) for each in self.labels.values()]
        self._sliders = dict(zip(self.labels, (slider for slider, _ in pairs), strict=True))
        self._numbers = dict(zip(self.labels, (field for _, field in pairs), strict=True))
        for field in self._numbers.values():
            field.observe(lambda _: self._schedule("remind", self._remind), "value")
        self._requests = requests_field(requests)
        self._picture_html, self._commands_html = ipywidgets.HTML(), ipywidgets.HTML()
        self._list()

    @property
    def chosen(self) -> dict[str, int]:
        """The numbers on the sliders, applied or not."""
        return {key: int(field.value) for key, field in self._numbers.items()}

    def static_html(self) -> str:
        """The numbers, the picture and the commands so far."""
        picture = self.picture.image_html if self.picture else ""
        return f"<p>{escape(repr(self))}</p>{picture}{static_commands_html(self.commands)}"

    def __repr__(self) -> str:
        numbers = self._describe(self.applied) if self.applied else "not read yet"
        return f"{self.name}: {numbers}. {self.status}"

    def _open(self, *buttons: Any) -> None:
        """Lay out the controls with these further buttons, read the numbers and send requests."""
        apply, send = button("Apply"), button("Send requests")
        apply.on_click(lambda _: self._schedule("apply", partial(self._apply, self.chosen)))
        send.on_click(lambda _: self._schedule("send", self._send_requests))
        rows: list[tuple[Any, ...]] = [
            (self._sliders[key], self._numbers[key]) for key in self.labels
        ]
        rows += [(self._requests, apply, send), *([buttons] if buttons else [])]
        boxes = [ipywidgets.Box(row, layout=WRAPPED) for row in rows]
        self._start(*boxes, self._status_html, self._picture_html, self._commands_html)
        self._schedule("send", self._send_requests)

    def _remind(self) -> None:
        if self.applied and self.chosen != self.applied:
            self._set_status(
                f"Chosen: {self._describe(self.chosen)}. Press Apply to make the change."
            )
        elif self._seen:
            self._set_status(self._seen)

    def _apply(self, chosen: dict[str, int]) -> None:
        """Set what differs, growing numbers first, so that pods are there all along."""
        self.applied = self._read()
        growth = {key: chosen[key] - number for key, number in self.applied.items()}
        for key in sorted(growth, key=lambda key: -growth[key]):
            if growth[key]:
                self._set(key, chosen[key])
                self.applied[key] = chosen[key]
        self._send_requests()

    def _send_requests(self) -> None:
        if self._debouncer.closed:
            return
        self._look()
        if reason := self._why_nothing_answers():
            self._show(None, reason)
            return
        requests = int(self._requests.value)
        self._set_status(f"Sending {requests:,} requests...")
        self._list(self._sampling_command(requests))
        sample = self._sample(requests)
        from canarylab.figures import plot_versions  # noqa: PLC0415  matplotlib is slow to import

        self._show(plot_versions(sample, width=_PICTURE_INCHES), sample_sentence(sample))

    def _look(self, *, follow: bool = False) -> None:
        """Read the numbers; a slider follows if no other number was chosen there, or always."""
        now = self._read()
        for key, number in now.items():
            field, slider = self._numbers[key], self._sliders[key]
            field.max = slider.max = max(self.highest, number)
            if follow or field.value == self.applied.get(key, 0):
                field.value = number
        self.applied = now

    def _show_error(self, sentence: str) -> None:
        self._show(None, sentence)
        self._seen = ""

    def _show(self, picture: Picture | None, sentence: str) -> None:
        """Show what was seen last; no picture of earlier numbers may stay."""
        self.picture, self._seen = picture, sentence
        self._picture_html.value = picture.image_html if picture else ""
        self._set_status(sentence)

    def _announce(self, status: str, *commands: str) -> None:
        self._set_status(f"{status}...")
        self._list(*commands)

    def _list(self, *commands: str) -> None:
        self.commands.extend(commands)
        identity = f"commands-{self._commands_html.model_id}"
        self._commands_html.value = commands_html(self.commands, identity=identity)

    def _describe(self, numbers: Mapping[str, int]) -> str:
        """The numbers in words."""
        raise NotImplementedError

    def _read(self) -> dict[str, int]:
        """The numbers as they are in the cluster."""
        raise NotImplementedError

    def _set(self, key: str, number: int) -> None:
        """Change one of them, and wait until the cluster has changed."""
        raise NotImplementedError

    def _sample(self, requests: int) -> Sample:
        """Send requests."""
        raise NotImplementedError

    def _sampling_command(self, requests: int) -> str:
        """What does the same in a terminal."""
        raise NotImplementedError

    def _why_nothing_answers(self) -> str:
        """Why no request can be answered; nothing if one can."""
        return ""


def requests_field(requests: int) -> Any:
    """A field for the number of requests to send."""
    return ipywidgets.BoundedIntText(
        value=requests, min=1, max=MAX_REQUESTS, description="Requests to send",
        style=_WIDE, layout={"width": "14em"},
    )  # fmt: skip


def linked_slider_and_field(label: str, highest: int) -> tuple[Any, Any]:
    """A slider from 0 to `highest`, and a number field with the same value.

    Notebook 7 takes the arrow keys of a slider away; the field works everywhere.
    """
    slider = ipywidgets.IntSlider(
        min=0, max=highest, description=label, continuous_update=False,
        style=SLIDER_STYLE, layout={"width": "26em", "max_width": "100%"},
    )  # fmt: skip
    field = ipywidgets.BoundedIntText(
        min=0, max=highest, description=f"{label}, typed",
        style=FIELD_STYLE, layout={"width": "18em", "max_width": "100%"},
    )  # fmt: skip
    ipywidgets.link((field, "value"), (slider, "value"))
    return slider, field


def button(label: str) -> Any:
    """A button as wide as its label."""
    return ipywidgets.Button(description=label, layout={"width": "auto", "max_width": "100%"})


def status_html(text: str) -> str:
    """The status line; `panel.js` lets screen readers announce it politely when it changes."""
    return f'<div style="line-height:1.5"><strong>Status:</strong> {escape(text)}</div>'


def commands_html(commands: Sequence[str], *, identity: str) -> str:
    """A box with the commands, to be copied with mouse or keyboard."""
    text = escape("\n".join(commands)) or "Each action is listed here as its command."
    rows = min(max(2, sum(1 + command.count("\n") for command in commands)), _MAX_ROWS)
    return (
        f'<label for="{identity}">The same in a terminal</label>'
        f'<textarea id="{identity}" readonly rows="{rows}" style="{_TEXTAREA}" spellcheck="false">'
        f"{text}</textarea>"
    )


def static_commands_html(commands: Sequence[str]) -> str:
    """The same for a page that is printed: all lines are visible."""
    if not commands:
        return ""
    return (
        f'<p>The same in a terminal</p><pre style="{_PRE}">{escape(chr(10).join(commands))}</pre>'
    )


def sample_sentence(sample: Sample) -> str:
    """What was seen, in the words of the picture."""
    return f"{finding(sample).sentence}."


def error_sentence(exc: BaseException) -> str:
    """What went wrong, as a sentence."""
    text = str(exc) if isinstance(exc, CanaryLabError | ValueError) else f"{exc!r}."
    return f"This did not work. {text}"


def _hidden_html(content: str, css_class: str) -> Any:
    part = ipywidgets.HTML(content)
    part.add_class(css_class)
    return part


def _page_html() -> Any:
    """The style sheet; when it is loaded, the script runs, which an HTML widget cannot hold."""
    sheet, script = (
        Path(__file__).with_name(name).read_text(encoding="utf-8")
        for name in ("panel.css", "panel.js")
    )
    return _hidden_html(f'<style onload="{escape(script)}">{sheet}</style>', "canarylab-page")


class Debouncer:
    """Queue of UI events that keeps only the newest of each key."""

    def __init__(self, *, debounce_s: float) -> None:
        self._queue: queue.SimpleQueue[_Event | None] = queue.SimpleQueue()
        self._debounce_s = debounce_s
        self.closed = False

    def put(self, key: str, work: Work) -> None:
        """Add an event; returns at once."""
        self._queue.put(_Event(key, work))

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
    key: str
    work: Work


def _newest(events: list[_Event | None]) -> list[Work]:
    """The last event of each key, in the order of those last events."""
    newest: dict[str, Work] = {}
    for event in events:
        if event is not None:
            newest.pop(event.key, None)
            newest[event.key] = event.work
    return list(newest.values())
