"""The replica board: move pods of production and canary, and see who answers.

A control asks for an act and returns at once. One thread beside the kernel takes what was asked
for, does the newest of it, sends requests and draws what came back, so that the notebook stays
usable meanwhile. Whatever goes wrong is said on the board, because an exception in a callback
would be shown nowhere.
"""

from __future__ import annotations

from typing import Any

import ipywidgets

from canarylab import runtime
from canarylab.figures import Picture, split
from canarylab.traffic.sample import Sample
from canarylab.traffic.words import counted
from canarylab.widgets import pieces
from canarylab.widgets.board import TRACKS, Act, Measure, ReleaseBoard
from canarylab.widgets.burst import Acts
from canarylab.widgets.controls import Controls

USUAL_REQUESTS = 200
_QUIET_S = 0.3  # so long nothing moves before a burst of moves becomes an act
_PATIENCE_S = 60.0  # for the act under way when the board is closed
_WIDTH = "780px"


class ReplicaBoard:
    """Sliders for production and canary, with the traffic that follows.

    The last line of a cell shows it; `close()` stops its work and takes it off the page.
    """

    def __init__(
        self, board: ReleaseBoard, *, requests: int = USUAL_REQUESTS, quiet_s: float = _QUIET_S
    ) -> None:
        self._board, self._acts = board, Acts(quiet_s=quiet_s)
        self.picture: Picture | None = None
        self.commands: list[str] = []
        self.controls = Controls(self._acts.put, requests=requests)
        self._status, self._drawn, self._terminal = (ipywidgets.HTML() for _ in range(3))
        parts = [self.controls.view, self._status, self._drawn, self._terminal]
        self.view = ipywidgets.VBox(parts, layout={"max_width": _WIDTH})
        self._say("Ready.")
        self._list_commands()
        self._show_replicas()
        self._acts.put(Measure())
        self._thread = runtime.in_background(self._work, name="replica board")

    @property
    def status(self) -> str:
        """The status line."""
        return self._words

    def close(self) -> None:
        """Stop working, once what is under way is done, and take the board off the page."""
        self._acts.close()
        self._thread.join(_PATIENCE_S)
        for part in (self.view, *self.view.children):
            part.close()

    def __repr__(self) -> str:
        pods = (f"{track} {counted(self.controls.replicas(track), 'pod')}" for track in TRACKS)
        return f"Replica board: {', '.join(pods)}. {self._words}"

    def _repr_html_(self) -> str:
        drawn = self.picture._repr_html_() if self.picture else ""
        commands = pieces.commands(self.commands, identity=f"still-{self._terminal.model_id}")
        return f"<p>{self!r}</p>{drawn}{commands}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = self.view._repr_mimebundle_(include=include, exclude=exclude)
        return bundle | {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _work(self) -> None:
        while (acts := self._acts.take()) is not None:
            self.controls.enable(enabled=False)
            try:
                self._carry_out(acts)
            except Exception as exc:  # noqa: BLE001  said on the board, where the reader looks
                self._say(pieces.trouble(exc))
            finally:
                self.controls.enable(enabled=True)

    def _carry_out(self, acts: list[Act]) -> None:
        try:
            for act in acts:
                self._say(f"{act.words()}...")
                self._list_commands(self._board.command(act))
                act.perform(self._board)
        finally:
            if self._acts.empty:
                self._show_replicas()
        if not self._acts.closed:
            self._measure()

    def _measure(self) -> None:
        self._say(f"Sending {self.controls.requests:,} requests...")
        sample = self._board.sample(self.controls.requests)
        if sample.expected is None:
            sample = sample.expecting(self._board.expected(), sample.expected_pods)
        self._draw(sample)
        self._say(pieces.outcome(sample))

    def _show_replicas(self) -> None:
        for track, replicas in self._board.replicas().items():
            self.controls.show(track, replicas)

    def _draw(self, sample: Sample) -> None:
        self.picture = split(sample)
        self._drawn.value = self.picture._repr_html_()

    def _list_commands(self, command: str = "") -> None:
        self.commands.extend([command] if command else [])
        identity = f"commands-{self._terminal.model_id}"
        self._terminal.value = pieces.commands(self.commands, identity=identity)

    def _say(self, words: str) -> None:
        self._words = words
        self._status.value = pieces.status(words)
