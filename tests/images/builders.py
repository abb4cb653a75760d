"""For tests: a builder that builds nothing, and remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from canarylab.images.app import reference as reference_of
from canarylab.images.base import Built, LocalRun, Report, Say, Step, not_built, silent


@dataclass(frozen=True)
class StandInRun:
    """Something that claims to run."""

    reference: str
    port: int

    @property
    def url(self) -> str:
        """Where it would answer."""
        return f"http://127.0.0.1:{self.port}"


@dataclass
class StandInBuilder:
    """Two steps make files; the second build of a version reuses both."""

    name: str = "Docker"
    images: dict[str, Built] = field(default_factory=dict)
    runs: dict[int, StandInRun] = field(default_factory=dict)

    def build(self, version: str, report: Report, say: Say = silent) -> Built:
        """Takes no time."""
        reference = reference_of(version)
        say(f"{reference}: step 1 of 2")
        for number, instruction in enumerate(("FROM node", "COPY src ./src", "RUN npm ci"), 1):
            report(Step(number, 3, instruction, reference in self.images, 0.5))
        self.images[reference] = Built(reference, 208_000_000, f"sha256:{'0' * 12}{version}")
        return self.images[reference]

    def listed(self) -> list[Built]:
        """What was built."""
        return sorted(self.images.values())

    def run(self, reference: str, *, port: int) -> LocalRun:
        """Remember it."""
        if reference not in self.images:
            raise not_built(reference)
        self.runs[port] = StandInRun(reference, port)
        return self.runs[port]

    def running(self) -> list[LocalRun]:
        """What was started."""
        return list(self.runs.values())

    def stop(self, port: int) -> bool:
        """Forget it."""
        return self.runs.pop(port, None) is not None

    def stop_all(self) -> list[int]:
        """Forget all."""
        return [port for port in list(self.runs) if self.stop(port)]
