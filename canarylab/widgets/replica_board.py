"""The replica board: scale production and canary, promote, and see which version answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, Literal, Protocol

from canarylab.manifests import CANARY, CONTAINER, PRODUCTION, PRODUCTION_REPLICAS
from canarylab.text import count_noun
from canarylab.traffic.sample import Sample
from canarylab.widgets.panel import DEBOUNCE_S, DEFAULT_REQUESTS, TrafficPanel, Work, button

MAX_PODS = 10

_NOBODY = (
    "No pod is there to answer: production and canary have 0 pods. Choose at least one pod, and "
    "press Apply."
)
_NO_CANARY = (
    "There is no canary to promote: it has 0 pods. Choose at least one canary pod, and press Apply."
)


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


class ReplicaBoard(TrafficPanel):
    """Sliders for the pods of production and canary, with the traffic that follows."""

    name = "Replica board"
    labels: ClassVar[Mapping[str, str]] = {PRODUCTION: "Production pods", CANARY: "Canary pods"}
    highest = MAX_PODS

    def __init__(
        self, lab: LabMethods, *, requests: int = DEFAULT_REQUESTS, debounce_s: float = DEBOUNCE_S
    ) -> None:
        super().__init__(requests=requests, debounce_s=debounce_s)
        self._lab = lab
        self._open(
            self._button(
                f"Promote: canary {PRODUCTION_REPLICAS} pods, production 0",
                self._promote_by_replicas,
            ),
            self._button(
                "Promote: version 2.0 in production, canary deleted", self._promote_by_image
            ),
            self._button(
                f"Start again: production {PRODUCTION_REPLICAS} pods, canary 1",
                self._start_again,
            ),
        )

    def _button(self, label: str, work: Work) -> Any:
        made = button(label)
        made.on_click(lambda _: self._schedule(label, work))
        return made

    def _describe(self, numbers: Mapping[str, int]) -> str:
        production, canary = (count_noun(numbers[name], "pod") for name in self.labels)
        return f"production {production}, canary {canary}"

    def _read(self) -> dict[str, int]:
        found = self._lab.replicas()
        return {name: found[name] for name in self.labels}

    def _set(self, key: str, number: int) -> None:
        pods = count_noun(number, "pod")
        self._announce(
            f"Scaling {key} to {pods} and waiting until they are ready",
            *_scale_commands(key, number),
        )
        self._lab.scale(key, number)

    def _sample(self, requests: int) -> Sample:
        return self._lab.sample(requests=requests)

    def _sampling_command(self, requests: int) -> str:
        return f"canarylab sample {self._lab.url()} --count {requests}"

    def _why_nothing_answers(self) -> str:
        return "" if any(self.applied.values()) else _NOBODY

    def _promote_by_replicas(self) -> None:
        self._promote(
            "replicas",
            "Scaling the canary up and production down",
            *_scale_commands(CANARY, PRODUCTION_REPLICAS),
            *_scale_commands(PRODUCTION, 0),
        )

    def _promote_by_image(self) -> None:
        self._promote(
            "image",
            "Giving production the canary's image, one pod after the other",
            f"kubectl set image deployment/{PRODUCTION} {CONTAINER}={self._lab.image('2.0')}",
            f"kubectl rollout status deployment {PRODUCTION}",
            f"kubectl delete deployment {CANARY}",
        )

    def _promote(self, way: Literal["replicas", "image"], status: str, *commands: str) -> None:
        if not self._read()[CANARY]:
            self._set_status(_NO_CANARY)
            return
        self._change(status, commands, partial(self._lab.promote, way))

    def _start_again(self) -> None:
        self._change(
            "Going back to three pods of production and one of the canary",
            ["kubectl apply -f manifests/02-production -f manifests/03-canary"],
            partial(self._lab.reset, "03-canary"),
        )

    def _change(self, status: str, commands: Iterable[str], change: Callable[[], object]) -> None:
        self._announce(status, *commands)
        change()
        self._look(follow=True)
        self._send_requests()


def _scale_commands(name: str, replicas: int) -> tuple[str, str]:
    return (
        f"kubectl scale deployment {name} --replicas={replicas}",
        f"kubectl rollout status deployment {name}",
    )
