"""A sweep and several samples: what an interruption keeps, and what bad input leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab import resources
from canarylab.errors import ApiRefusedError
from canarylab.manifests import CANARY
from canarylab.release.connection import Connection
from canarylab.release.rollout import replicas_of
from canarylab.release.stages import move_pods, reset_to
from canarylab.traffic import Sample
from tests.needs import needs
from tests.seeded_lab import SeededLab


class InterruptedLab(SeededLab):
    """Interrupted while it takes its third sample."""

    taken = 0

    def _sample(self, *given: Any) -> Sample:
        self.taken += 1
        if self.taken == 3:
            raise KeyboardInterrupt
        return super()._sample(*given)


def test_an_interrupted_sweep_keeps_what_it_has_and_says_so() -> None:
    sweep = InterruptedLab(1).sweep([(3, 1), (3, 2), (2, 2), (1, 3)], requests=40)
    assert sweep.labels == ["3 : 1", "3 : 2"]
    assert repr(sweep).endswith(
        "Interrupted after 2 of 4 ratios.\n"
        'The Deployments stay at 2 : 2; lab.reset("03-canary") brings back 3 : 1.'
    )
    assert "Interrupted after 2 of 4 ratios." in sweep.plot().alt


def test_interrupted_samples_keep_what_they_have_and_say_so() -> None:
    many = InterruptedLab(1).sample_many(samples=20, requests=40)
    assert len(many.samples) == 2
    assert repr(many).endswith("Interrupted after 2 of 20 samples.")


@pytest.mark.parametrize(
    "given", [{"ratios": [(1, 1), (0, 0)]}, {"ratios": [(1, 1)], "requests": 0}]
)
def test_a_refused_sweep_moves_no_pod(given: dict[str, Any]) -> None:
    lab = SeededLab(1)
    with pytest.raises(ValueError, match=r"\. Give "):
        lab.sweep(**given)
    assert list(lab.replicas().values()) == [3, 1]


def test_a_whole_sweep_says_at_which_ratio_the_pods_stay() -> None:
    assert "stay at 1 : 3;" in SeededLab(1).sweep([(2, 2), (1, 3)], requests=40).left


@needs("linux")
def test_without_a_canary_no_pod_is_moved(connection: Connection) -> None:
    reset_to(connection, "02-production", resources.folder("manifests"))
    with pytest.raises(ApiRefusedError, match=CANARY):
        move_pods(connection, production=1, canary=1)
    assert list(replicas_of(connection).values()) == [3]
