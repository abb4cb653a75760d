"""A release of numbers only; which version answers is drawn at random."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Literal

from canarylab.manifests import CANARY, PRODUCTION
from canarylab.traffic import Sample


class FakeRelease:
    """Takes each change at once, records it, and fails where a test wants it to."""

    def __init__(self) -> None:
        self.pods = {PRODUCTION: 3, CANARY: 1}
        self.calls: list[str] = []
        self.before_scaling: Callable[[], None] = lambda: None
        self._random = random.Random(3)

    def replicas(self) -> Mapping[str, int]:
        return dict(self.pods)

    def scale(self, name: str, replicas: int) -> None:
        self.before_scaling()
        self.calls.append(f"scale {name} {replicas}")
        self.pods[name] = replicas

    def promote(self, way: Literal["replicas", "image"]) -> None:
        self.calls.append(f"promote {way}")
        by_replicas, by_image = {PRODUCTION: 0, CANARY: 3}, {PRODUCTION: 3, CANARY: 0}
        self.pods = by_replicas if way == "replicas" else by_image

    def reset(self, stage: Literal["03-canary"]) -> None:
        self.calls.append(f"reset {stage}")
        self.pods = {PRODUCTION: 3, CANARY: 1}

    def sample(self, *, requests: int) -> Sample:
        self.calls.append(f"sample {requests}")
        share = self.pods[CANARY] / (sum(self.pods.values()) or 1)
        drawn = ("2.0" if self._random.random() < share else "1.0" for _ in range(requests))
        return Sample.from_versions(drawn).with_expected({"1.0": 1 - share, "2.0": share})

    def image(self, version: str) -> str:
        return f"registry.example/node_app:{version}"

    def url(self) -> str:
        return "http://127.0.0.1:32089"
