"""The tour: the article's canary release in a terminal, step by step.

Each step prints in one line its action and its result. A step that samples also says whether the
observed share is what the ready pods suggest. Five samples are random, and each of them fails by
bad luck less than once in 10,000 times: a tour fails so less than once in 2,000.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from canarylab import stats
from canarylab.images.builder import VERSIONS
from canarylab.lab import Lab
from canarylab.manifests import CANARY, PRODUCTION
from canarylab.text import count_noun, join_words
from canarylab.traffic import Sample, Sweep

RATIOS = ((3, 1), (3, 2), (2, 2), (1, 3))
"""Pods of production, pods of the canary."""
REQUESTS = 400
"""For each sample: the half-width of a 95 % interval around a quarter is then about 4 points."""

_FITS = {
    "as expected": "as expected",
    "unlucky": "an unlucky draw",
    "too few to judge": "too small to judge",
}
_UNEXPECTED = "not what the pods suggest"
_UNCOMPARED = "without anything to compare with"
_FAILED = "with failed requests"


class TourStep(NamedTuple):
    """One line of the tour."""

    action: str
    result: str
    holds: bool = True


@dataclass
class Tour:
    """The tour on one cluster; `samples` and `sweep` are kept for the pictures."""

    lab: Lab
    requests: int = REQUESTS
    samples: list[Sample] = field(default_factory=list)
    sweep: Sweep | None = None

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
        self.sweep = self.lab.sweep(RATIOS, requests=self.requests)
        if self.sweep.interruption:
            raise KeyboardInterrupt
        for label, sample in zip(self.sweep.labels, self.sweep.samples, strict=True):
            yield self._sampled(f"Scale to {label}, {_sent(sample)}", sample)

    def _promote(self) -> Iterator[TourStep]:
        self.lab.promote("replicas")
        yield TourStep("Promote by pods: canary 3, production 0", self.lab.endpoints().sentence)
        yield self._sampled()
        self.lab.reset("03-canary")
        yield TourStep("Go back to 3 : 1", self.lab.endpoints().sentence)
        yield self._sampled()
        self.lab.promote("image")
        yield TourStep("Promote by image: 2.0 in production", self.lab.endpoints().sentence)
        yield self._sampled()

    def _rolled_out(self, name: str) -> str:
        return self.lab.wait_ready(name).sentence

    def _sampled(self, action: str | None = None, sample: Sample | None = None) -> TourStep:
        taken = sample or self.lab.sample(requests=self.requests)
        self.samples.append(taken)
        return TourStep(
            action or _sent(taken).capitalize(), stats.finding(taken).sentence, holds=holds(taken)
        )


def holds(sample: Sample) -> bool:
    """Whether every request was answered, by versions in shares that chance explains.

    >>> holds(Sample.from_versions(["1.0", "1.0"]).with_expected({"1.0": 1.0}))
    True
    """
    found = stats.finding(sample).agreement
    return found is not None and found.holds and not sample.failed


def report(folder: Path, requests: int, out: IO[str] = sys.stdout) -> bool:
    """Run the tour, print its steps and save the pictures; True when every sample held."""
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    lab = Lab()
    print(f"{lab!r}\n", file=out)
    tour = Tour(lab, requests)
    for step in tour.steps():
        print(
            f"{'  ' if step.holds else '! '}{step.action:<40} {step.result}", file=out, flush=True
        )
    paths = save_pictures(tour, folder)
    took = time.monotonic() - started
    print(f"\n{verdict(tour.samples)} The tour took {took:.0f} s.", file=out)
    print(f"Pictures: {', '.join(str(path) for path in paths)}", file=out)
    return all(map(holds, tour.samples))


def verdict(samples: Sequence[Sample]) -> str:
    """The sentence about all samples.

    >>> verdict([Sample.from_versions(["1.0", "1.0"]).with_expected({"1.0": 1.0})])
    '1 of 1 sample is as expected.'
    """
    found = Counter(map(_outcome, samples))
    kinds = sum((Counter(each.failures) for each in samples), Counter())
    failures = join_words(f"{kind} {number}" for kind, number in kinds.most_common())
    of = f" of {count_noun(len(samples), 'sample')}"
    parts = [
        f"{found[text]} {'is' if found[text] == 1 else 'are'} {text}"
        + (f" ({failures})" if text == _FAILED else "")
        for text in (*_FITS.values(), _UNEXPECTED, _UNCOMPARED, _FAILED)
        if found[text]
    ]
    return f"{parts[0].replace(' ', f'{of} ', 1)}{''.join(f', {each}' for each in parts[1:])}."


def _outcome(sample: Sample) -> str:
    agreement = stats.finding(sample).agreement
    if sample.failed:
        return _FAILED
    if agreement is None:
        return _UNCOMPARED
    return _FITS[agreement.fit] if agreement.holds else _UNEXPECTED


def save_pictures(tour: Tour, folder: Path) -> list[Path]:
    """The sweep, and its first sample by version and by pod."""
    if tour.sweep is None:
        raise ValueError("This tour has no sweep yet. Run its steps first.")
    first = tour.sweep.samples[0]
    pictures = {"sweep": tour.sweep.plot(), "split": first.plot(), "pods": first.plot(by="pod")}
    return [picture.save(folder / f"{name}.png") for name, picture in pictures.items()]


def _sent(sample: Sample) -> str:
    return f"send {count_noun(sample.total, 'request')}"
