"""The weight slider: give a canary Ingress a share of the requests, and see who answers.

Moving the slider asks for nothing; Apply does. So one can look for a number in peace, with a
pointer or with the keyboard.
"""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any, Protocol

import ipywidgets

from canarylab.figures import Picture, plot_versions
from canarylab.traffic.sample import Sample
from canarylab.widgets import pieces
from canarylab.widgets.panel import QUIET_S, WRAPPING, ErrandPanel

ALL = 100  # of a hundred requests
USUAL_REQUESTS, MOST_REQUESTS = 200, 5_000
_WIDE = {"description_width": "initial"}
_SLIDER, _FIELD = {"description_width": "8.5em"}, {"description_width": "13em"}


class WeightBoard(Protocol):
    """A canary Ingress whose weight can be turned."""

    def weight(self) -> int:
        """What it is now, from 0 to 100."""

    def set_weight(self, percent: int) -> None:
        """Turn it, and wait until the controller knows."""

    def sample(self, count: int) -> Sample:
        """So many requests, who answered, and what was to be expected."""

    def command(self, percent: int) -> str:
        """What turns it in a terminal."""


class WeightSlider(ErrandPanel):
    """A slider with its number field, a button, and the traffic that follows."""

    name = "Weight slider"

    def __init__(
        self, board: WeightBoard, *, requests: int = USUAL_REQUESTS, quiet_s: float = QUIET_S
    ) -> None:
        super().__init__(quiet_s=quiet_s)
        self._board = board
        self.picture: Picture | None = None
        self.applied: int | None = None
        """The weight that the Ingress has, as far as is known."""
        self._slider, self._number = _pair()
        self._number.observe(lambda _: self._moved(), "value")
        self._requests = ipywidgets.BoundedIntText(
            value=requests, min=1, max=MOST_REQUESTS, description="Requests to send",
            style=_WIDE, layout={"width": "14em"},
        )  # fmt: skip
        self._drawn, self._terminal = ipywidgets.HTML(), ipywidgets.HTML()
        first = ipywidgets.Box([self._slider, self._number], layout=WRAPPING)
        second = ipywidgets.Box(
            [self._requests, self._button("Apply weight", "apply", self._apply),
             self._button("Send requests", "measure", self._measure)],
            layout=WRAPPING,
        )  # fmt: skip
        self._list_command()
        self._open(first, second, self._status, self._drawn, self._terminal)
        self._soon("begin", self._begin)

    @property
    def chosen(self) -> int:
        """The number that is shown, applied or not."""
        return int(self._number.value)

    def still(self) -> str:
        """The weight, the picture and the command, for a page without a kernel."""
        drawn = self.picture._repr_html_() if self.picture else ""
        return f"<p>{escape(repr(self))}</p>{drawn}{self._commands('still')}"

    def __repr__(self) -> str:
        weight = "not known" if self.applied is None else f"{self.applied} of {ALL}"
        return f"{self.name}: the weight is {weight}. {self.status}"

    def _button(self, words: str, kind: str, work: Any) -> Any:
        button = ipywidgets.Button(description=words, layout={"width": "auto"})
        button.on_click(lambda _: self._soon(kind, partial(work, self.chosen)))
        return button

    def _moved(self) -> None:
        self._list_command()
        self._soon("remind", self._remind)

    def _remind(self) -> None:
        if self.applied is not None and self.chosen != self.applied:
            self._say(f"The weight is {self.applied}. Apply weight makes it {self.chosen}.")

    def _begin(self) -> None:
        self.applied = self._number.value = self._board.weight()
        self._measure(self.applied)

    def _apply(self, percent: int) -> None:
        self._say(f"Setting the weight to {percent} and waiting until the controller knows...")
        self._board.set_weight(percent)
        self.applied = percent
        self._measure(percent)

    def _measure(self, _chosen: int) -> None:
        requests = int(self._requests.value)
        self._say(f"Sending {requests:,} requests...")
        self.picture = None
        try:
            sample = self._board.sample(requests)
            self.picture = plot_versions(sample)
        finally:  # a picture of before would stand beside a weight that it does not show
            self._drawn.value = self.picture._repr_html_() if self.picture else ""
        self._say(pieces.outcome(sample))

    def _list_command(self) -> None:
        self._terminal.value = self._commands("command")

    def _commands(self, prefix: str) -> str:
        lines = [self._board.command(self.chosen)]
        return pieces.commands(lines, identity=f"{prefix}-{self._terminal.model_id}")


def _pair() -> tuple[Any, Any]:
    number = ipywidgets.BoundedIntText(
        min=0, max=ALL, description="Weight, typed", style=_FIELD, layout={"width": "18em"}
    )
    slider = ipywidgets.IntSlider(
        min=0, max=ALL, description="Canary weight",
        continuous_update=False, style=_SLIDER, layout={"width": "26em"},
    )  # fmt: skip
    ipywidgets.link((number, "value"), (slider, "value"))
    return slider, number
