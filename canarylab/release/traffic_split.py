"""Ways to give the canary a share of the traffic: by the number of pods, or by a weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from canarylab.errors import ApiRefusedError
from canarylab.manifests import CANARY, CANARY_INGRESS, PRODUCTION
from canarylab.release import rollout
from canarylab.release.baseline import BASELINE, delete_baseline, set_baseline
from canarylab.release.connection import Connection
from canarylab.release.ingress import CANARY_WEIGHT, IngressClient
from canarylab.traffic.sample import Sample
from canarylab.traffic.sample_series import Ratio, ratio_label

Step = Ratio | int
"""Pods of production and of the canary, or the weight of the canary Ingress in percent."""


class Before(NamedTuple):
    """What a release goes back to."""

    production_pods: int
    production_image: str


class TrafficSplit(Protocol):
    """A way to give the canary a share of the traffic."""

    @property
    def baseline(self) -> str:
        """The Deployment that the canary is compared with; empty for production."""

    def set_share(self, step: Step) -> None:
        """Give the canary the share of this step, and wait until it has it."""

    def commands(self, step: Step) -> list[str]:
        """What sets the share in a terminal."""

    def label(self, step: Step) -> str:
        """The step in words."""

    def sample(self, requests: int) -> Sample:
        """Send so many requests, and count the answers."""

    def take_back(self, before: Before) -> list[str]:
        """Give production all of the traffic; return what does the same in a terminal."""


@dataclass(frozen=True)
class ReplicaSplit:
    """A share by the number of pods."""

    connection: Connection
    measure: Callable[[int], Sample]
    baseline: str = ""

    def set_share(self, step: Step) -> None:
        """Scale the Deployments; more pods are ready before others end."""
        production, canary = _ratio(step)
        self._scale({PRODUCTION: production, CANARY: canary})
        if self.baseline and canary:
            set_baseline(self.connection, canary)

    def commands(self, step: Step) -> list[str]:
        """A `kubectl scale` for each; the baseline is made from production's manifest."""
        production, canary = _ratio(step)
        commands = _scale_commands({PRODUCTION: production, CANARY: canary})
        if self.baseline and canary:
            made = f"Deployment {self.baseline}: {PRODUCTION} under another name"
            commands.append(f"# {made}, --replicas={canary}")
        return commands

    def label(self, step: Step) -> str:
        """The ratio of pods."""
        return f"pods {ratio_label(_ratio(step))}"

    def sample(self, requests: int) -> Sample:
        """Requests to the Service."""
        return self.measure(requests)

    def take_back(self, before: Before) -> list[str]:
        """Production gets its pods again before the canary loses its own."""
        wanted = {PRODUCTION: before.production_pods}
        if CANARY in rollout.replicas_of(self.connection):  # somebody may have deleted it
            wanted[CANARY] = 0
        self._scale(wanted)
        commands = _scale_commands(wanted)
        if delete_baseline(self.connection):
            commands.append(f"kubectl delete deployment {BASELINE}")
        return commands

    def _scale(self, wanted: Mapping[str, int]) -> None:
        now = rollout.replicas_of(self.connection)
        for name in sorted(wanted, key=lambda each: wanted[each] < now.get(each, 0)):
            rollout.scale(self.connection, name, wanted[name])
            rollout.wait_until_rolled_out(self.connection, name)


@dataclass(frozen=True)
class WeightSplit:
    """A share by the weight of the canary Ingress."""

    ingress: IngressClient
    baseline: str = ""

    def set_share(self, step: Step) -> None:
        """Set the weight."""
        self.ingress.set_weight(_weight(step), CANARY_INGRESS)

    def commands(self, step: Step) -> list[str]:
        """The weight is an annotation."""
        weight = f"{CANARY_WEIGHT}={_weight(step)}"
        return [f"kubectl annotate --overwrite ingress {CANARY_INGRESS} {weight}"]

    def label(self, step: Step) -> str:
        """The weight in percent."""
        return f"weight {_weight(step)} %"

    def sample(self, requests: int) -> Sample:
        """Requests for `/` to the Ingress."""
        return self.ingress.sample("/", requests=requests)

    def take_back(self, before: Before) -> list[str]:
        """The weight is 0 again; production never changed its pods."""
        del before
        try:
            self.set_share(0)
        except ApiRefusedError as exc:
            if not exc.is_not_found:
                raise
            return []  # without the Ingress the canary gets no traffic
        return self.commands(0)


def split_for(
    steps: Sequence[Step],
    connection: Connection,
    measure: Callable[[int], Sample],
    ingress: IngressClient,
    baseline: str = "",
) -> TrafficSplit:
    """The way to split that the steps name: by weight if they are numbers, else by pods."""
    if not steps or not isinstance(steps[0], int):
        return ReplicaSplit(connection, measure, baseline)
    if baseline:
        raise ValueError(
            "A baseline gets its traffic as the canary does, by pods, and these steps are weights. "
            "Give ratios of pods, or leave the baseline out."
        )
    return WeightSplit(ingress)


def _scale_commands(wanted: Mapping[str, int]) -> list[str]:
    return [f"kubectl scale deployment {name} --replicas={wanted[name]}" for name in wanted]


def _ratio(step: Step) -> Ratio:
    if isinstance(step, int):
        raise TypeError(f"{step} is a weight and not a ratio of pods")
    return step


def _weight(step: Step) -> int:
    if not isinstance(step, int):
        raise TypeError(f"{step} is a ratio of pods and not a weight")
    return step
