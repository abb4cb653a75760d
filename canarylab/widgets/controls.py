"""What can a hand, or a keyboard, move on the replica board?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from canarylab.widgets.board import (
    TRACKS,
    Act,
    GoBack,
    Measure,
    PromoteByImage,
    PromoteByReplicas,
    Scale,
    Track,
)

MOST_PODS = 10
MOST_REQUESTS = 5_000
_WIDE = {"description_width": "initial"}
_SLIDER, _FIELD = {"description_width": "8.5em"}, {"description_width": "13em"}
_BUTTONS: tuple[tuple[str, Act], ...] = (
    ("Send requests", Measure()),
    ("Promote: grow the canary", PromoteByReplicas()),
    ("Promote: new image in production", PromoteByImage()),
    ("Go back", GoBack()),
)


class Controls:
    """Sliders with their number fields, a number of requests, buttons.

    The number fields are there for more than convenience: the handle of a slider tells a screen
    reader no name (ipywidgets 8.1), and Notebook 7 takes its arrow keys away.
    """

    def __init__(self, ask: Callable[[Act], None], *, requests: int) -> None:
        self._ask = ask
        self._told: dict[Track, int] = {}
        """What each track was last set to, by a hand or by `show`."""
        self._numbers = {track: self._number(track) for track in TRACKS}
        self._sliders = {track: self._slider(track) for track in TRACKS}
        self._requests = ipywidgets.BoundedIntText(
            value=requests, min=1, max=MOST_REQUESTS, description="Requests to send",
            style=_WIDE, layout={"width": "14em"},
        )  # fmt: skip
        self._buttons = [self._button(words, act) for words, act in _BUTTONS]
        wrapping = {"flex_flow": "row wrap", "grid_gap": "4px 12px"}
        pairs = [[self._sliders[track], self._numbers[track]] for track in TRACKS]
        self.view = ipywidgets.VBox(
            [
                *(ipywidgets.Box(pair, layout=wrapping) for pair in pairs),
                ipywidgets.Box([self._requests, self._buttons[0]], layout=wrapping),
                ipywidgets.Box(self._buttons[1:], layout=wrapping),
            ]
        )

    @property
    def requests(self) -> int:
        """How many requests follow an act."""
        return int(self._requests.value)

    def show(self, track: Track, replicas: int) -> None:
        """Say how many pods there are, without asking for anything."""
        self._told[track] = replicas
        self._numbers[track].value = replicas

    def replicas(self, track: Track) -> int:
        """The number that is shown."""
        return int(self._numbers[track].value)

    def enable(self, *, enabled: bool) -> None:
        """Let everything be moved, or nothing."""
        fields = [*self._sliders.values(), *self._numbers.values(), self._requests]
        for each in [*fields, *self._buttons]:
            each.disabled = not enabled

    def _number(self, track: Track) -> Any:
        field = ipywidgets.BoundedIntText(
            min=0, max=MOST_PODS, description=f"{track.capitalize()} pods, typed",
            style=_FIELD, layout={"width": "18em"},
        )  # fmt: skip
        field.observe(lambda change: self._moved(track, change["new"]), "value")
        return field

    def _slider(self, track: Track) -> Any:
        slider = ipywidgets.IntSlider(
            min=0, max=MOST_PODS, description=f"{track.capitalize()} pods",
            continuous_update=False, style=_SLIDER, layout={"width": "26em"},
        )  # fmt: skip
        ipywidgets.link((self._numbers[track], "value"), (slider, "value"))
        return slider

    def _button(self, words: str, act: Act) -> Any:
        button = ipywidgets.Button(description=words, layout={"width": "auto"})
        button.on_click(lambda _: self._ask(act))
        return button

    def _moved(self, track: Track, replicas: int) -> None:
        if self._told.get(track) != replicas:
            self._told[track] = replicas
            self._ask(Scale(track, replicas))
