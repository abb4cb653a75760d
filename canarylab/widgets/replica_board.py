"""The replica board: scale production and canary, promote, and see which version answers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

import ipywidgets

from canarylab.manifests import CANARY, CONTAINER, PRODUCTION, PRODUCTION_REPLICAS
from canarylab.text import count_noun
from canarylab.traffic.sample import Sample
from canarylab.widgets.panel import (
    DEBOUNCE_S,
    DEFAULT_REQUESTS,
    WRAPPED,
    Panel,
    Work,
    button,
    commands_html,
    linked_slider_and_field,
    requests_field,
    sample_sentence,
)

if TYPE_CHECKING:
    from canarylab.figures import Picture

MAX_PODS = 10

_DEPLOYMENTS = {"production": PRODUCTION, "canary": CANARY}


class LabMethods(Protocol):
    """The methods of `Lab` that the board calls; each returns when the cluster has changed."""

    def replicas(self) -> Mapping[str, int]:
        """How many pods each Deployment asks for."""

    def scale(self, name: str, replicas: int) -> object:
        """Scale a Deployment."""

    def promote(self, way: Literal["replicas", "image"]) -> object:
        """Promote the canary."""

    def reset(self, stage: Literal["03-canary"]) -> object:
        """Go back to three pods of production and one of the canary."""

    def sample(self, *, requests: int) -> Sample:
        """Send requests to the Service."""

    def image(self, version: str) -> str:
        """The name of an image in the cluster."""

    def url(self) -> str:
        """Where the Service answers."""


class ReplicaBoard(Panel):
    """Sliders for the pods of production and canary, with the traffic that follows."""

    name = "Replica board"

    def __init__(
        self, lab: LabMethods, *, requests: int = DEFAULT_REQUESTS, debounce_s: float = DEBOUNCE_S
    ) -> None:
        super().__init__(debounce_s=debounce_s)
        self._lab = lab
        self.picture: Picture | None = None
        self.commands: list[str] = []
        self._known: dict[str, int] = {}
        """The pods of each track as last set by a control or read from the cluster."""
        pairs = {track: self._slider_and_field(track) for track in _DEPLOYMENTS}
        self._sliders = {track: slider for track, (slider, _) in pairs.items()}
        self._numbers = {track: field for track, (_, field) in pairs.items()}
        self._requests = requests_field(requests)
        self._buttons = [
            self._button("Send requests", self._send_requests),
            self._button("Promote: grow the canary", self._promote_by_replicas),
            self._button("Promote: new image in production", self._promote_by_image),
            self._button("Go back", self._go_back),
        ]
        self._picture_html, self._commands_html = ipywidgets.HTML(), ipywidgets.HTML()
        self._show_commands()
        self._show_replicas()
        self._schedule("Send requests", self._send_requests)
        self._start(*self._rows(), self._status_html, self._picture_html, self._commands_html)

    def __repr__(self) -> str:
        pods = (
            f"{track} {count_noun(self._numbers[track].value, 'pod')}" for track in _DEPLOYMENTS
        )
        return f"{self.name}: {', '.join(pods)}. {self.status}"

    def static_html(self) -> str:
        """The last picture, and the commands so far."""
        picture = self.picture._repr_html_() if self.picture else ""
        identity = f"static-{self._commands_html.model_id}"
        return f"<p>{self!r}</p>{picture}{commands_html(self.commands, identity=identity)}"

    def _rows(self) -> list[Any]:
        rows = [[self._sliders[track], self._numbers[track]] for track in _DEPLOYMENTS]
        rows += [[self._requests, self._buttons[0]], self._buttons[1:]]
        return [ipywidgets.Box(row, layout=WRAPPED) for row in rows]

    def _slider_and_field(self, track: str) -> tuple[Any, Any]:
        slider, field = linked_slider_and_field(f"{track.capitalize()} pods", highest=MAX_PODS)
        field.observe(lambda change: self._move(track, change["new"]), "value")
        return slider, field

    def _button(self, label: str, work: Work) -> Any:
        made = button(label)
        made.on_click(lambda _: self._schedule(label, work))
        return made

    def _move(self, track: str, replicas: int) -> None:
        if self._known.get(track) != replicas:
            self._known[track] = replicas
            self._schedule(track, partial(self._scale, track, replicas))

    def _do(self, works: list[Work]) -> None:
        self._enable(enabled=False)
        try:
            self._attempt(partial(self._change_and_sample, works))
        finally:
            self._enable(enabled=True)

    def _change_and_sample(self, works: list[Work]) -> None:
        try:
            for work in works:
                work()
        finally:
            if self._debouncer.empty:
                self._show_replicas()
        if not self._debouncer.closed:
            self._sample()

    def _scale(self, track: str, replicas: int) -> None:
        name, pods = _DEPLOYMENTS[track], count_noun(replicas, "pod")
        self._announce(
            f"Scaling {track} to {pods} and waiting until they are ready",
            _scale_command(name, replicas),
        )
        self._lab.scale(name, replicas)

    def _promote_by_replicas(self) -> None:
        self._announce(
            "Scaling the canary up and production down",
            _scale_command(CANARY, PRODUCTION_REPLICAS),
            _scale_command(PRODUCTION, 0),
        )
        self._lab.promote("replicas")

    def _promote_by_image(self) -> None:
        image = self._lab.image("2.0")
        self._announce(
            "Giving production the canary's image, one pod after the other",
            f"kubectl set image deployment/{PRODUCTION} {CONTAINER}={image}",
            f"kubectl delete deployment {CANARY}",
        )
        self._lab.promote("image")

    def _go_back(self) -> None:
        self._announce(
            "Going back to three pods of production and one of the canary",
            "kubectl apply -f manifests/02-production -f manifests/03-canary",
        )
        self._lab.reset("03-canary")

    def _send_requests(self) -> None:
        """List the command alone: `_change_and_sample` sends requests after every change."""
        self._set_status("Finding the address of the Service...")
        self._show_commands(f"canarylab sample {self._lab.url()}")

    def _sample(self) -> None:
        requests = int(self._requests.value)
        self._set_status(f"Sending {requests:,} requests...")
        sample = self._lab.sample(requests=requests)
        self.picture = sample.plot()
        self._picture_html.value = self.picture._repr_html_()
        self._set_status(sample_sentence(sample))

    def _announce(self, status: str, *commands: str) -> None:
        self._set_status(f"{status}...")
        self._show_commands("\n".join(commands))

    def _show_replicas(self) -> None:
        replicas = self._lab.replicas()
        for track, name in _DEPLOYMENTS.items():
            self._known[track] = min(replicas[name], MAX_PODS)
            self._numbers[track].value = self._known[track]

    def _show_commands(self, *new: str) -> None:
        self.commands.extend(new)
        identity = f"commands-{self._commands_html.model_id}"
        self._commands_html.value = commands_html(self.commands, identity=identity)

    def _enable(self, *, enabled: bool) -> None:
        fields = [*self._sliders.values(), *self._numbers.values(), self._requests]
        for each in [*fields, *self._buttons]:
            each.disabled = not enabled


def _scale_command(name: str, replicas: int) -> str:
    return f"kubectl scale deployment {name} --replicas={replicas}"
