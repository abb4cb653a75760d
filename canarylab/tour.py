"""The whole story, step by step, with what was seen beside what was expected.

Each step says in one line what it did and what it saw. A step that sampled also says whether the
observed share is what the ready pods let us expect, at a confidence high enough that eight honest
samples almost never fail together by bad luck.
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
from canarylab.traffic import Sample
from canarylab.traffic.text import counted, percent

NEW = "2.0"
CONFIDENCE = 0.999
REQUESTS = 400
"""For each sample: the half-width of a 95 % interval around a quarter is then about 4 points."""


class Row(NamedTuple):
    """One line of the story."""

    did: str
    saw: str
    holds: bool = True


@dataclass
class Tour:
    """The story on one cluster; `samples` keeps what each step measured, for the pictures."""

    lab: Lab
    requests: int = REQUESTS
    samples: list[tuple[str, Sample]] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """Play the story; each row comes when its step is done."""
        self.lab.reset("empty")
        yield from self._two_versions()
        yield from self._production()
        yield from self._canary()
        yield from self._promote()
        self.lab.reset("empty")
        yield Row("Clean up", "no pod and no Service is left")

    def _two_versions(self) -> Iterator[Row]:
        for image, size, reused, took in self.lab.build().rows:
            yield Row(f"Build {image}", f"{size}, {reused} steps reused, {took}")
        for version in VERSIONS:
            run = self.lab.run_locally(version)
            answer = self.lab.get(run.url)
            yield Row(f"Run {run.reference} on port {run.port}", f"it answers {answer.body}")
        self.lab.stop_local()

    def _production(self) -> Iterator[Row]:
        self.lab.apply("manifests/2-production/production.yaml")
        yield Row("Apply production", self._rolled_out(PRODUCTION))
        (asking, *_), (_, _, address, _), *_ = self.lab.pods().rows
        said = self.lab.get_from_pod(str(asking), f"http://{address}:3333")
        yield Row("Ask one pod from inside another", f"it answers {said}")
        self.lab.apply("manifests/2-production/service.yaml")
        url = self.lab.url()
        yield Row("Apply the Service", self.lab.endpoints().sentence)
        yield Row(f"Ask {url}", f"it answers {self.lab.get(url).body}")

    def _canary(self) -> Iterator[Row]:
        self.lab.apply("manifests/3-canary/canary.yaml")
        yield Row("Apply the canary", self._rolled_out(CANARY))
        yield self._sampled("3 old, 1 new")
        yield Row("Scale the canary to 2", self.lab.scale(CANARY, 2).sentence)
        yield self._sampled("3 old, 2 new")
        yield Row("Scale production to 2", self.lab.scale(PRODUCTION, 2).sentence)
        yield self._sampled("2 old, 2 new")

    def _promote(self) -> Iterator[Row]:
        self.lab.promote("replicas")
        yield Row("Promote by pods: canary 3, production 0", self.lab.endpoints().sentence)
        yield self._sampled("3 new")
        self.lab.reset("canary")
        yield Row("Go back to 3 old, 1 new", self.lab.endpoints().sentence)
        yield self._sampled("3 old, 1 new again")
        self.lab.promote("image")
        yield Row("Promote by image: 2.0 in production", self.lab.endpoints().sentence)
        yield self._sampled("3 new, other way")

    def _rolled_out(self, name: str) -> str:
        return self.lab.wait_ready(name).sentence

    def _sampled(self, label: str) -> Row:
        sample = self.lab.sample(requests=self.requests)
        self.samples.append((label, sample))
        return judged(sample)


def judged(sample: Sample) -> Row:
    """What share the new version had, and whether that is what its pods suggest.

    >>> from dataclasses import replace
    >>> told = Sample.typed(["1.0", "1.0", "2.0", "1.0"])
    >>> judged(replace(told, expected={"1.0": 0.75, "2.0": 0.25})).saw
    '1 by 2.0, 25 %; expected 25 %, inside 2 % to 85 %'
    """
    did = f"Send {counted(sample.total, 'request')}"
    if sample.expected is None:
        return Row(did, "the pods changed meanwhile, so nothing was expected", holds=False)
    if sample.failed or not sample.answered:
        return Row(did, f"{sample.failed} of {sample.total} failed", holds=False)
    shares = {each.name: each for each in stats.shares(sample, confidence=CONFIDENCE)}
    saw = "; ".join(
        _words(share) for name, share in shares.items() if name == NEW or not share.fits
    )
    return Row(did, saw, holds=all(share.fits for share in shares.values()))


def _words(share: stats.Share) -> str:
    place = "inside" if share.fits else "OUTSIDE"
    return (
        f"{share.hits} by {share.name}, {percent(share.seen)}; "
        f"expected {percent(share.expected or 0.0)}, {place} {share.interval}"
    )


# FOLD: What the tour prints and saves.


def report(folder: Path, requests: int, out: IO[str] = sys.stdout) -> bool:
    """Play the tour, a line for each step; save the pictures; True when every share held."""
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    lab = Lab()
    print(f"{lab!r}\n", file=out)
    tour = Tour(lab, requests)
    rows = []
    for row in tour.rows():
        rows.append(row)
        print(f"{'  ' if row.holds else '! '}{row.did:<40} {row.saw}", file=out, flush=True)
    paths = save_pictures(tour, folder)
    failed = sum(not row.holds for row in rows)
    took = time.monotonic() - started
    print(f"\n{verdict(failed, len(tour.samples))} The tour took {took:.0f} s.", file=out)
    print(f"Pictures: {', '.join(str(path) for path in paths)}", file=out)
    return failed == 0


def verdict(failed: int, samples: int) -> str:
    """The last line but one.

    >>> verdict(0, 6)
    'All 6 samples are what their pods suggest: inside their 99.9 % intervals.'
    """
    if failed:
        return f"{failed} of {samples} samples are not what their pods suggest."
    interval = f"{percent(CONFIDENCE)} intervals"
    return f"All {samples} samples are what their pods suggest: inside their {interval}."


def save_pictures(tour: Tour, folder: Path) -> list[Path]:
    """The split with canary and production as the article has them, by pod, and the whole way."""
    _, first = tour.samples[0]
    pictures = {
        "split": figures.plot_versions(first),
        "pods": figures.plot_pods(first),
        "journey": figures.plot_steps(tour.samples),
    }
    return [picture.save(folder / f"{name}.png") for name, picture in pictures.items()]
