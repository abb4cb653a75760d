"""A release that exists only as numbers, and answers by the dice."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from canarylab.traffic import Sample
from canarylab.widgets.board import Act, Scale, Track


class FakeBoard:
    """Does what it is told at once, writes it down, and fails when it is told to."""

    def __init__(self) -> None:
        self.pods: dict[Track, int] = {"production": 3, "canary": 1}
        self.done: list[str] = []
        self.before_scaling: Callable[[], None] = lambda: None
        self._dice = random.Random(3)

    def replicas(self) -> Mapping[Track, int]:
        return dict(self.pods)

    def scale(self, track: Track, replicas: int) -> None:
        self.before_scaling()
        self.done.append(f"scale {track} {replicas}")
        self.pods[track] = replicas

    def expected(self) -> Mapping[str, float]:
        total = sum(self.pods.values()) or 1
        return {"1.0": self.pods["production"] / total, "2.0": self.pods["canary"] / total}

    def sample(self, count: int) -> Sample:
        self.done.append(f"sample {count}")
        share = self.expected()["2.0"]
        return Sample.typed("2.0" if self._dice.random() < share else "1.0" for _ in range(count))

    def command(self, act: Act) -> str:
        if isinstance(act, Scale):
            return f"kubectl scale deployment nodeapp-{act.track} --replicas={act.replicas}"
        return ""

    def promote_by_replicas(self) -> None:
        self.done.append("promote by replicas")
        self.pods = {"production": 0, "canary": 3}

    def promote_by_image(self) -> None:
        self.done.append("promote by image")
        self.pods = {"production": 3, "canary": 0}

    def reset(self) -> None:
        self.done.append("reset")
        self.pods = {"production": 3, "canary": 1}
