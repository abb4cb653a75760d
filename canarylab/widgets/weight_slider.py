"""The weight slider: set the share of a canary Ingress, and see which version answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from canarylab.errors import IngressAddressError
from canarylab.traffic.sample import Sample
from canarylab.widgets.panel import DEBOUNCE_S, DEFAULT_REQUESTS, TrafficPanel

_ANNOTATION = "nginx.ingress.kubernetes.io/canary-weight"


class CanaryIngressMethods(Protocol):
    """The methods of `IngressClient` that the slider calls."""

    def weight(self, ingress: str) -> int:
        """The weight of a canary Ingress, from 0 to 100."""

    def set_weight(self, percent: int, ingress: str) -> object:
        """Set it, and wait until the controller has read it."""

    def sample(self, path: str, *, requests: int) -> Sample:
        """Send requests through the Ingress."""

    def sampling_command(self, path: str, *, requests: int) -> str:
        """What sends as many requests in a terminal."""


class WeightSlider(TrafficPanel):
    """A slider for the weight of a canary Ingress, with the traffic that follows."""

    name = "Weight slider"
    labels: ClassVar[Mapping[str, str]] = {"weight": "Canary weight"}
    highest = 100

    def __init__(
        self,
        ingresses: CanaryIngressMethods,
        ingress: str,
        *,
        path: str = "/",
        requests: int = DEFAULT_REQUESTS,
        debounce_s: float = DEBOUNCE_S,
    ) -> None:
        super().__init__(requests=requests, debounce_s=debounce_s)
        self._ingresses, self._ingress, self._path = ingresses, ingress, path
        self._open()

    def _describe(self, numbers: Mapping[str, int]) -> str:
        return f"the weight is {numbers['weight']} of 100"

    def _read(self) -> dict[str, int]:
        return {"weight": self._ingresses.weight(self._ingress)}

    def _set(self, key: str, number: int) -> None:
        self._announce(
            f"Setting the {key} to {number} and waiting for the controller",
            f"kubectl annotate --overwrite ingress {self._ingress} {_ANNOTATION}={number}",
        )
        self._ingresses.set_weight(number, self._ingress)

    def _sample(self, requests: int) -> Sample:
        return self._ingresses.sample(self._path, requests=requests)

    def _why_nothing_answers(self) -> str:
        try:
            self._sampling_command(1)
        except IngressAddressError as exc:
            return f"No request was sent. {exc}"
        return ""

    def _sampling_command(self, requests: int) -> str:
        return self._ingresses.sampling_command(self._path, requests=requests)
