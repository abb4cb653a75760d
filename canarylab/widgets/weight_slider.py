"""The weight slider: set the share of a canary Ingress, and see which version answers.

Moving the slider changes nothing, only Apply does. So a number can be chosen without haste, with a
pointer or with the keyboard.
"""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import ipywidgets

from canarylab.traffic.sample import Sample
from canarylab.widgets.html import commands_html, sample_sentence
from canarylab.widgets.panel import QUIET_S, WRAPPED, Panel

if TYPE_CHECKING:
    from canarylab.figures import Picture

USUAL_REQUESTS, MOST_REQUESTS = 200, 5_000
_ANNOTATION = "nginx.ingress.kubernetes.io/canary-weight"
_WIDE = {"description_width": "initial"}
_SLIDER, _FIELD = {"description_width": "8.5em"}, {"description_width": "13em"}


class CanaryIngresses(Protocol):
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
        ingresses: CanaryIngresses,
        ingress: str,
        *,
        path: str = "/",
        requests: int = USUAL_REQUESTS,
        quiet_s: float = QUIET_S,
    ) -> None:
        super().__init__(quiet_s=quiet_s)
        self._ingresses, self._ingress, self._path = ingresses, ingress, path
        self.picture: Picture | None = None
        self.applied: int | None = None
        """The weight of the Ingress; None until it has been read."""
        self._slider, self._number = _linked_slider_and_number()
        self._number.observe(lambda _: self._on_move(), "value")
        self._requests = ipywidgets.BoundedIntText(
            value=requests, min=1, max=MOST_REQUESTS, description="Requests to send",
            style=_WIDE, layout={"width": "14em"},
        )  # fmt: skip
        self._picture_html, self._commands_html = ipywidgets.HTML(), ipywidgets.HTML()
        apply, send = _button("Apply weight"), _button("Send requests")
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
        finally:  # where it failed, no picture of an earlier weight may stay
            self._picture_html.value = self.picture._repr_html_() if self.picture else ""
        self._set_status(sample_sentence(sample))

    def _show_command(self) -> None:
        self._commands_html.value = self._command("command")

    def _command(self, prefix: str) -> str:
        command = (
            f"kubectl annotate --overwrite ingress {self._ingress} {_ANNOTATION}={self.chosen}"
        )
        return commands_html([command], identity=f"{prefix}-{self._commands_html.model_id}")


def _linked_slider_and_number() -> tuple[Any, Any]:
    number = ipywidgets.BoundedIntText(
        min=0, max=100, description="Weight, typed", style=_FIELD, layout={"width": "18em"}
    )
    slider = ipywidgets.IntSlider(
        min=0, max=100, description="Canary weight",
        continuous_update=False, style=_SLIDER, layout={"width": "26em"},
    )  # fmt: skip
    ipywidgets.link((number, "value"), (slider, "value"))
    return slider, number


def _button(label: str) -> Any:
    return ipywidgets.Button(description=label, layout={"width": "auto"})
