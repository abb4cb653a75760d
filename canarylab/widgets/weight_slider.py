"""The weight slider: set the share of a canary Ingress, and see which version answers.

Moving the slider changes nothing, only Apply does. So a number can be chosen without haste, with a
pointer or with the keyboard.
"""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Protocol

import ipywidgets

from canarylab.traffic.sample import Sample
from canarylab.widgets.panel import (
    DEBOUNCE_S,
    DEFAULT_REQUESTS,
    WRAPPED,
    Panel,
    button,
    commands_html,
    linked_slider_and_field,
    requests_field,
    sample_sentence,
)

if TYPE_CHECKING:
    from canarylab.figures import Picture

_ANNOTATION = "nginx.ingress.kubernetes.io/canary-weight"


class CanaryIngressMethods(Protocol):
    """The methods of `IngressClient` that the slider calls."""

    def weight(self, ingress: str) -> int:
        """The weight of a canary Ingress, from 0 to 100."""

    def set_weight(self, percent: int, ingress: str) -> object:
        """Set it, and wait until the controller has read it."""

    def sample(self, path: str, *, requests: int) -> Sample:
        """Send requests through the Ingress."""


class WeightSlider(Panel):
    """A slider with its number field, a button, and the traffic that follows."""

    name = "Weight slider"

    def __init__(
        self,
        ingresses: CanaryIngressMethods,
        ingress: str,
        *,
        path: str = "/",
        requests: int = DEFAULT_REQUESTS,
        debounce_s: float = DEBOUNCE_S,
    ) -> None:
        super().__init__(debounce_s=debounce_s)
        self._ingresses, self._ingress, self._path = ingresses, ingress, path
        self.picture: Picture | None = None
        self.applied: int | None = None
        """The weight of the Ingress; None until it has been read."""
        self._slider, self._number = linked_slider_and_field("Canary weight", highest=100)
        self._number.observe(lambda _: self._on_move(), "value")
        self._requests = requests_field(requests)
        self._picture_html, self._commands_html = ipywidgets.HTML(), ipywidgets.HTML()
        apply, send = button("Apply weight"), button("Send requests")
        apply.on_click(lambda _: self._schedule("apply", partial(self._apply, self.chosen)))
        send.on_click(lambda _: self._schedule("sample", self._sample))
        first = ipywidgets.Box([self._slider, self._number], layout=WRAPPED)
        second = ipywidgets.Box([self._requests, apply, send], layout=WRAPPED)
        self._show_command()
        self._start(first, second, self._status_html, self._picture_html, self._commands_html)
        self._schedule("read", self._read)

    @property
    def chosen(self) -> int:
        """The number on the slider, applied or not."""
        return int(self._number.value)

    def static_html(self) -> str:
        """The weight, the picture and the command."""
        picture = self.picture._repr_html_() if self.picture else ""
        return f"<p>{escape(repr(self))}</p>{picture}{self._command('static')}"

    def __repr__(self) -> str:
        weight = "not known" if self.applied is None else f"{self.applied} of 100"
        return f"{self.name}: the weight is {weight}. {self.status}"

    def _on_move(self) -> None:
        self._show_command()
        self._schedule("remind", self._remind)

    def _remind(self) -> None:
        if self.applied is not None and self.chosen != self.applied:
            self._set_status(f"The weight is {self.applied}. Apply weight makes it {self.chosen}.")

    def _read(self) -> None:
        self.applied = self._number.value = self._ingresses.weight(self._ingress)
        self._sample()

    def _apply(self, percent: int) -> None:
        self._set_status(f"Setting the weight to {percent} and waiting for the controller...")
        self._ingresses.set_weight(percent, self._ingress)
        self.applied = percent
        self._sample()

    def _sample(self) -> None:
        requests = int(self._requests.value)
        self._set_status(f"Sending {requests:,} requests...")
        self.picture = None
        try:
            sample = self._ingresses.sample(self._path, requests=requests)
            self.picture = sample.plot()
        finally:  # if it failed, no picture of an earlier weight may stay
            self._picture_html.value = self.picture._repr_html_() if self.picture else ""
        self._set_status(sample_sentence(sample))

    def _show_command(self) -> None:
        self._commands_html.value = self._command("command")

    def _command(self, prefix: str) -> str:
        command = (
            f"kubectl annotate --overwrite ingress {self._ingress} {_ANNOTATION}={self.chosen}"
        )
        return commands_html([command], identity=f"{prefix}-{self._commands_html.model_id}")
