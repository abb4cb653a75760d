"""A `Lab` without a cluster, whose answers a seed decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace
from typing import Any

from canarylab.display import Report, Table
from canarylab.lab import Lab
from canarylab.manifests import CANARY, PRODUCTION
from canarylab.traffic import RequestResult, Sample, SamplingPlan
from canarylab.traffic.sample_series import Ratio


class SeededLab(Lab):
    """Three pods of production and one of the canary, each as likely as the next."""

    def __init__(self, seed: int) -> None:
        self._random, self._pods = Random(seed), {PRODUCTION: 3, CANARY: 1}

    def draw(self, shares: Mapping[str, float], requests: int) -> Sample:
        """Answers of versions in these shares, which are expected too."""
        versions = self._random.choices(list(shares), list(shares.values()), k=requests)
        pods = {f"pod-of-{version}": share for version, share in shares.items()}
        answers = (
            RequestResult(0.0, 0.001, version, f"pod-of-{version}", connection=number)
            for number, version in enumerate(versions)
        )
        started = datetime.fromtimestamp(0, UTC)
        whole = Sample("http://127.0.0.1/", tuple(answers), started, 1.0)
        return whole.with_expected(shares, pods, cluster="by seed")

    def replicas(self) -> dict[str, int]:
        return self._pods

    def reset(self, stage: str = "empty") -> Table:
        self._pods = {PRODUCTION: 3, CANARY: 1}
        return Table("")

    def promote(self, way: str) -> Table:
        self._pods = {PRODUCTION: 0, CANARY: 3}
        return Table("")

    def _sample(self, service: str, plan: SamplingPlan, report: Report) -> Sample:
        total = sum(self._pods.values())
        pods = {"1.0": self._pods[PRODUCTION], "2.0": self._pods[CANARY]}
        return self.draw({name: n / total for name, n in pods.items() if n}, plan.max_requests)

    def _sample_at(self, ratio: Ratio, service: str, plan: SamplingPlan, report: Report) -> Sample:
        self._pods = dict(zip((PRODUCTION, CANARY), ratio, strict=True))
        return self._sample(service, plan, report)

    # What else the tour calls says nothing.

    def build(self, *versions: str, builder: str | None = None) -> Table:
        return Table("")

    def run_locally(self, version: str, *, port: int | None = None) -> Any:
        return SimpleNamespace(url="", reference="", port=0)

    def stop_local(self) -> Table:
        return Table("")

    def get(self, url: str, **request: Any) -> Any:
        return SimpleNamespace(body="")

    def apply(self, manifest: Any) -> Table:
        return Table("")

    def wait_ready(self, name: str, *, timeout_s: float = 0) -> Table:
        return Table("")

    def pods(self) -> Table:
        return Table("", rows=[("a", "", "127.0.0.1", "")] * 2)

    def get_from_pod(self, pod: str, url: str) -> Table:
        return Table("")

    def endpoints(self, service: str = "") -> Table:
        return Table("")

    def url(self, name: str = "") -> str:
        return ""
