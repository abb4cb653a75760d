"""The route explorer: which rule and which pods does a request reach, and is it so?

It explains while one types, and sends nothing until Ask.
"""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

import ipywidgets

from canarylab.widgets import pieces, way_pieces
from canarylab.widgets.panel import QUIET_S, WRAPPING, ErrandPanel
from canarylab.widgets.questions import Answered, Explained, RouteBoard, Typed, expectation, verdict

_LABEL = {"description_width": "7.5em"}
_ROWS = (("Path", "Host"), ("Header name", "Header value"), ("Cookie name", "Cookie value"))


class RouteExplorer(ErrandPanel):
    """Fields for a request, the way it takes by the rules, and the answer beside it."""

    name = "Route explorer"

    def __init__(
        self, board: RouteBoard, *, path: str = "/", host: str = "", quiet_s: float = QUIET_S
    ) -> None:
        super().__init__(quiet_s=quiet_s)
        self._board = board
        self.explained: Explained | None = None
        self.answered: Answered | None = None
        self.command = ""
        self._fields = {label: _field(label) for row in _ROWS for label in row}
        self._fields["Path"].value, self._fields["Host"].value = path, host
        for field in self._fields.values():
            field.observe(lambda _: self._explain_soon(), "value")
        button = ipywidgets.Button(description="Ask", layout={"width": "auto"})
        button.on_click(lambda _: self._soon("ask", partial(self._ask, self.typed)))
        self._shown, self._terminal = ipywidgets.HTML(), ipywidgets.HTML()
        lines = [*([self._fields[each] for each in row] for row in _ROWS), [button]]
        rows = [ipywidgets.Box(line, layout=WRAPPING) for line in lines]
        self._open(*rows, self._status, self._shown, self._terminal)
        self._explain_soon()

    @property
    def typed(self) -> Typed:
        """What stands in the fields."""
        return Typed(*(field.value for field in self._fields.values()))

    def still(self) -> str:
        """The request, its way and its answer, for a page without a kernel."""
        way = way_pieces.way(self.explained, self.answered)
        return f"<p>{escape(self._summary)}</p>{way}{self._commands('still')}"

    def __repr__(self) -> str:
        reasons = self.explained.reasons if self.explained else ()
        return "\n".join([self._summary, *reasons])

    @property
    def _summary(self) -> str:
        return f"{self.name}: {self.typed}. {self.status}"

    def _explain_soon(self) -> None:
        self._soon("explain", partial(self._explain, self.typed))

    def _explain(self, typed: Typed) -> None:
        self.explained, self.answered, self.command = None, None, ""
        try:
            question = typed.question()
            self.explained = self._board.explain(*question)
            self.command = self._board.command(*question)
            self._say(expectation(self.explained))
        finally:
            self._draw()

    def _ask(self, typed: Typed) -> None:
        self.answered = None
        try:
            question = typed.question()
            self._say("Sending the request...")
            self.explained, self.answered = self._board.ask(*question)
            self._say(f"{self.answered.status}. {verdict(self.explained, self.answered)}")
        finally:
            self._draw()

    def _draw(self) -> None:
        self._shown.value = way_pieces.way(self.explained, self.answered)
        self._terminal.value = self._commands("command")

    def _commands(self, prefix: str) -> str:
        lines = [self.command] if self.command else []
        return pieces.commands(lines, identity=f"{prefix}-{self._terminal.model_id}")


def _field(label: str) -> Any:
    return ipywidgets.Text(description=label, style=_LABEL, layout={"width": "23em"})
