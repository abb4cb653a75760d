"""The replica board: move pods of production and canary, and see who answers.

A control asks for an act; the panel's thread (`panel.py`) does the newest of what was asked for,
sends requests and draws what came back.
"""

from __future__ import annotations

import ipywidgets

from canarylab.figures import Picture, plot_versions
from canarylab.traffic.sample import Sample
from canarylab.traffic.text import counted
from canarylab.widgets import pieces
from canarylab.widgets.board import TRACKS, Act, Measure, ReleaseBoard, latest
from canarylab.widgets.burst import Burst
from canarylab.widgets.controls import Controls
from canarylab.widgets.panel import QUIET_S, Panel

USUAL_REQUESTS = 200


class ReplicaBoard(Panel):
    """Sliders for production and canary, with the traffic that follows."""

    name = "Replica board"

    def __init__(
        self, board: ReleaseBoard, *, requests: int = USUAL_REQUESTS, quiet_s: float = QUIET_S
    ) -> None:
        super().__init__(Burst(latest, quiet_s=quiet_s))
        self._board = board
        self.picture: Picture | None = None
        self.commands: list[str] = []
        self.controls = Controls(self._burst.put, requests=requests)
        self._drawn, self._terminal = ipywidgets.HTML(), ipywidgets.HTML()
        self._list_commands()
        self._show_replicas()
        self._burst.put(Measure())
        self._open(self.controls.view, self._status, self._drawn, self._terminal)

    def __repr__(self) -> str:
        pods = (f"{track} {counted(self.controls.replicas(track), 'pod')}" for track in TRACKS)
        return f"{self.name}: {', '.join(pods)}. {self.status}"

    def still(self) -> str:
        """The last picture, and the commands so far."""
        drawn = self.picture._repr_html_() if self.picture else ""
        commands = pieces.commands(self.commands, identity=f"still-{self._terminal.model_id}")
        return f"<p>{self!r}</p>{drawn}{commands}"

    def _do(self, wishes: list[Act]) -> None:
        self.controls.enable(enabled=False)
        try:
            self._carry_out(wishes)
        finally:
            self.controls.enable(enabled=True)

    def _carry_out(self, acts: list[Act]) -> None:
        try:
            for act in acts:
                self._say(f"{act.words()}...")
                self._list_commands(self._board.command(act))
                act.perform(self._board)
        finally:
            if self._burst.empty:
                self._show_replicas()
        if not self._burst.closed:
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
        self.picture = plot_versions(sample)
        self._drawn.value = self.picture._repr_html_()

    def _list_commands(self, command: str = "") -> None:
        self.commands.extend([command] if command else [])
        identity = f"commands-{self._terminal.model_id}"
        self._terminal.value = pieces.commands(self.commands, identity=identity)
