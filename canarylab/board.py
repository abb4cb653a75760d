"""What the replica board's controls do on a cluster, and the kubectl commands that do the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from canarylab.release.endpoints import expected_shares
from canarylab.release.stages import CANARY, CONTAINER, PRODUCTION, PRODUCTION_REPLICAS
from canarylab.traffic import Sample
from canarylab.widgets.board import (
    Act,
    GoBack,
    Measure,
    PromoteByImage,
    PromoteByReplicas,
    Scale,
    Track,
)

if TYPE_CHECKING:
    from canarylab.lab import Lab

NAMES: Mapping[Track, str] = {"production": PRODUCTION, "canary": CANARY}


class LabBoard:
    """A `ReleaseBoard` over the two Deployments of the lessons."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def replicas(self) -> Mapping[Track, int]:
        """What the Deployments ask for; a Deployment that is gone asks for none."""
        listed = self._lab.apps.list_namespaced_deployment(self._lab.namespace).items
        asked = {each.metadata.name: each.spec.replicas or 0 for each in listed}
        return {track: asked.get(name, 0) for track, name in NAMES.items()}

    def scale(self, track: Track, replicas: int) -> None:
        """Through the scale subresource, and wait for the pods."""
        self._lab.scale(NAMES[track], replicas)

    def expected(self) -> Mapping[str, float]:
        """From the endpoints that are ready now."""
        return expected_shares(self._lab.ready_endpoints())

    def sample(self, count: int) -> Sample:
        """New connections to the Service."""
        return self._lab.sample(requests=count)

    def promote_by_replicas(self) -> None:
        """The canary grows, production goes to none."""
        self._lab.promote("replicas")

    def promote_by_image(self) -> None:
        """Production gets the image, the canary goes."""
        self._lab.promote("image")

    def reset(self) -> None:
        """Three pods of production and one of the canary."""
        self._lab.reset("canary")

    def command(self, act: Act) -> str:
        """What to type in a terminal instead."""
        match act:
            case Scale(track=track, replicas=replicas):
                return _scaled(NAMES[track], replicas)
            case PromoteByReplicas():
                return f"{_scaled(CANARY, PRODUCTION_REPLICAS)}\n{_scaled(PRODUCTION, 0)}"
            case PromoteByImage():
                image = self._lab.image("2.0")
                return (
                    f"kubectl set image deployment/{PRODUCTION} {CONTAINER}={image}\n"
                    f"kubectl delete deployment {CANARY}"
                )
            case GoBack():
                return "kubectl apply -f manifests/2-production -f manifests/3-canary"
            case Measure():
                return f"canarylab sample {self._lab.url()}"
        raise ValueError(f"There is no command for {act!r}. Add it to canarylab/board.py.")


def _scaled(name: str, replicas: int) -> str:
    return f"kubectl scale deployment {name} --replicas={replicas}"
