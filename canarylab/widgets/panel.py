"""What have all panels in common: a status line, one thread, a still twin.

A control asks for something and returns at once; the thread beside the kernel does it. Whatever
goes wrong there is said on the panel, because an exception in a callback would be shown nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets

from canarylab import runtime
from canarylab.widgets import pieces
from canarylab.widgets.burst import Burst
from canarylab.widgets.errands import Errand, newest

QUIET_S = 0.3  # so long nothing changes before a burst of changes is acted upon
WRAPPING = {"flex_flow": "row wrap", "grid_gap": "4px 12px"}
_PATIENCE_S = 60.0  # for what is under way when the panel is closed
_WIDTH = "780px"


class Panel:
    """The last line of a cell shows it; `close()` stops its work and takes it off the page."""

    name = "Panel"

    def __init__(self, burst: Burst[Any]) -> None:
        self._burst = burst
        self._status = ipywidgets.HTML()
        self._say("Ready.")

    @property
    def status(self) -> str:
        """The status line."""
        return self._words

    def close(self) -> None:
        """Stop working, once what is under way is done, and take the panel off the page."""
        self._burst.close()
        self._thread.join(_PATIENCE_S)
        for part in (self.view, *self.view.children):
            part.close()

    def still(self) -> str:
        """What the panel shows besides its controls, for a page without a kernel."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{self.name}. {self._words}"

    def _repr_html_(self) -> str:
        return self.still()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = self.view._repr_mimebundle_(include=include, exclude=exclude)
        return bundle | {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _open(self, *parts: Any) -> None:
        """Stand as these parts, one below the other, and begin to work."""
        self.view = ipywidgets.VBox(parts, layout={"max_width": _WIDTH})
        self._thread = runtime.in_background(self._work, name=self.name.lower())

    def _do(self, wishes: list[Any]) -> None:
        """Fulfil what is left of a burst."""
        raise NotImplementedError

    def _work(self) -> None:
        while (wishes := self._burst.take()) is not None:
            self._try(partial(self._do, wishes))

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as exc:  # noqa: BLE001  said where the reader looks
            self._say(pieces.trouble(exc))

    def _say(self, words: str) -> None:
        self._words = words
        self._status.value = pieces.status(words)


class ErrandPanel(Panel):
    """One whose controls ask for errands."""

    def __init__(self, *, quiet_s: float) -> None:
        super().__init__(Burst(newest, quiet_s=quiet_s))

    def _soon(self, kind: str, work: Callable[[], None]) -> None:
        """Have it done by the thread, unless a later one of its kind comes at once."""
        self._burst.put(Errand(kind, work))

    def _do(self, wishes: list[Errand]) -> None:
        for errand in wishes:
            self._try(errand.work)
