"""The tour: the article's canary release in a terminal, step by step.

Each step prints in one line its action and its result. A step that samples also says whether the
observed share is what the ready pods suggest, at a confidence so high that eight samples almost
never fail by bad luck.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from canarylab import figures, stats
from canarylab.images.builder import VERSIONS
from canarylab.lab import Lab
from canarylab.manifests import CANARY, PRODUCTION
from canarylab.text import count_noun, percent
from canarylab.traffic import Sample

NEW = "2.0"
CONFIDENCE = 0.999
REQUESTS = 400
"""For each sample: the half-width of a 95 % interval around a quarter is then about 4 points."""


class TourStep(NamedTuple):
    """One line of the tour."""

    action: str
    result: str
    holds: bool = True


@dataclass
class Tour:
    """The tour on one cluster; `samples` keeps the samples of the steps, for the pictures."""

    lab: Lab
    requests: int = REQUESTS
    samples: list[tuple[str, Sample]] = field(default_factory=list)

    def steps(self) -> Iterator[TourStep]:
        """Run the tour; each step is given when it is done."""
        self.lab.reset("empty")
        yield from self._two_versions()
        yield from self._production()
        yield from self._canary()
        yield from self._promote()
        self.lab.reset("empty")
        yield TourStep("Clean up", "no pod and no Service is left")

    def _two_versions(self) -> Iterator[TourStep]:
        for image, size, reused, took in self.lab.build().rows:
            yield TourStep(f"Build {image}", f"{size}, {reused} steps reused, {took}")
        for version in VERSIONS:
            run = self.lab.run_locally(version)
            answer = self.lab.get(run.url)
            yield TourStep(f"Run {run.reference} on port {run.port}", f"it answers {answer.body}")
        self.lab.stop_local()

    def _production(self) -> Iterator[TourStep]:
        self.lab.apply("manifests/02-production/production.yaml")
        yield TourStep("Apply production", self._rolled_out(PRODUCTION))
        (first, *_), (_, _, address, _), *_ = self.lab.pods().rows
        body = self.lab.get_from_pod(str(first), f"http://{address}:3333")
        yield TourStep("Send a request from one pod to another", f"it answers {body}")
        self.lab.apply("manifests/02-production/service.yaml")
        url = self.lab.url()
        yield TourStep("Apply the Service", self.lab.endpoints().sentence)
        yield TourStep(f"Send a request to {url}", f"it answers {self.lab.get(url).body}")

    def _canary(self) -> Iterator[TourStep]:
        self.lab.apply("manifests/03-canary/canary.yaml")
        yield TourStep("Apply the canary", self._rolled_out(CANARY))
        yield self._sampled("3 old, 1 new")
        yield TourStep("Scale the canary to 2", self.lab.scale(CANARY, 2).sentence)
        yield self._sampled("3 old, 2 new")
        yield TourStep("Scale production to 2", self.lab.scale(PRODUCTION, 2).sentence)
        yield self._sampled("2 old, 2 new")

    def _promote(self) -> Iterator[TourStep]:
        self.lab.promote("replicas")
        yield TourStep("Promote by pods: canary 3, production 0", self.lab.endpoints().sentence)
        yield self._sampled("3 new")
        self.lab.reset("03-canary")
        yield TourStep("Go back to 3 old, 1 new", self.lab.endpoints().sentence)
        yield self._sampled("3 old, 1 new again")
        self.lab.promote("image")
        yield TourStep("Promote by image: 2.0 in production", self.lab.endpoints().sentence)
        yield self._sampled("3 new, other way")

    def _rolled_out(self, name: str) -> str:
        return self.lab.wait_ready(name).sentence

    def _sampled(self, label: str) -> TourStep:
        sample = self.lab.sample(requests=self.requests)
        self.samples.append((label, sample))
        return sample_step(sample)


def sample_step(sample: Sample) -> TourStep:
    """The share of the new version, and whether it is what its pods suggest.

    >>> from dataclasses import replace
    >>> sample = Sample.from_versions(["1.0", "1.0", "2.0", "1.0"])
    >>> sample_step(replace(sample, expected={"1.0": 0.75, "2.0": 0.25})).result
    '1 by 2.0, 25 %; expected 25 %, inside 2 % to 85 %'
    """
    action = f"Send {count_noun(sample.total, 'request')}"
    if sample.expected is None:
        return TourStep(action, "the pods changed meanwhile, so nothing was expected", holds=False)
    if sample.failed or not sample.answered:
        return TourStep(action, f"{sample.failed} of {sample.total} failed", holds=False)
    shares = {each.name: each for each in stats.shares(sample, confidence=CONFIDENCE)}
    result = "; ".join(
        _share_text(share)
        for name, share in shares.items()
        if name == NEW or not share.contains_expected
    )
    return TourStep(action, result, holds=all(share.contains_expected for share in shares.values()))


def _share_text(share: stats.Share) -> str:
    place = "inside" if share.contains_expected else "OUTSIDE"
    return (
        f"{share.hits} by {share.name}, {percent(share.observed)}; "
        f"expected {percent(share.expected or 0.0)}, {place} {share.interval}"
    )


def report(folder: Path, requests: int, out: IO[str] = sys.stdout) -> bool:
    """Run the tour, print its steps and save the pictures; True when every share held."""
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    lab = Lab()
    print(f"{lab!r}\n", file=out)
    tour = Tour(lab, requests)
    failed = 0
    for step in tour.steps():
        failed += not step.holds
        print(
            f"{'  ' if step.holds else '! '}{step.action:<40} {step.result}", file=out, flush=True
        )
    paths = save_pictures(tour, folder)
    took = time.monotonic() - started
    print(f"\n{verdict(failed, len(tour.samples))} The tour took {took:.0f} s.", file=out)
    print(f"Pictures: {', '.join(str(path) for path in paths)}", file=out)
    return failed == 0


def verdict(failed: int, samples: int) -> str:
    """The sentence about all samples.

    >>> verdict(0, 6)
    'All 6 samples are what their pods suggest: inside their 99.9 % intervals.'
    """
    if failed:
        return f"{failed} of {samples} samples are not what their pods suggest."
    interval = f"{percent(CONFIDENCE)} intervals"
    return f"All {samples} samples are what their pods suggest: inside their {interval}."


def save_pictures(tour: Tour, folder: Path) -> list[Path]:
    """The first sample by version and by pod, and all samples as steps."""
    _, first = tour.samples[0]
    pictures = {
        "split": figures.plot_versions(first),
        "pods": figures.plot_pods(first),
        "journey": figures.plot_steps(tour.samples),
    }
    return [picture.save(folder / f"{name}.png") for name, picture in pictures.items()]
