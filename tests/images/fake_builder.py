"""A builder for tests that builds nothing and remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from canarylab.display import Report, no_report
from canarylab.images.builder import (
    BuildSource,
    BuildStep,
    BuiltImage,
    LocalRun,
    OnStep,
    app_source,
    not_built_error,
)


@dataclass(frozen=True)
class FakeRun:
    """A run without a process."""

    reference: str
    port: int

    @property
    def url(self) -> str:
        """`http://127.0.0.1:8888`."""
        return f"http://127.0.0.1:{self.port}"


@dataclass
class FakeBuilder:
    """The second build of a version reuses both steps that make files."""

    name: str = "docker"
    images: dict[str, BuiltImage] = field(default_factory=dict)
    runs: dict[int, FakeRun] = field(default_factory=dict)

    def build(self, version: str, on_step: OnStep, report: Report = no_report) -> BuiltImage:
        """Build one version."""
        return self.build_folder(app_source(version), on_step, report)

    def build_folder(
        self, source: BuildSource, on_step: OnStep, report: Report = no_report
    ) -> BuiltImage:
        """Report three steps, of which two make files."""
        reference = source.reference
        report(f"{reference}: step 1 of 2")
        for number, instruction in enumerate(("FROM node", "COPY src ./src", "RUN npm ci"), 1):
            on_step(BuildStep(number, 3, instruction, reference in self.images, 0.5))
        self.images[reference] = BuiltImage(
            reference, 208_000_000, f"sha256:{'0' * 12}{reference.rpartition(':')[2]}"
        )
        return self.images[reference]

    def list_images(self) -> list[BuiltImage]:
        """Return what was built."""
        return sorted(self.images.values())

    def run(self, reference: str, *, port: int) -> LocalRun:
        """Remember the run."""
        if reference not in self.images:
            raise not_built_error(reference)
        self.runs[port] = FakeRun(reference, port)
        return self.runs[port]

    def running(self) -> list[LocalRun]:
        """Return what was started."""
        return list(self.runs.values())

    def stop(self, port: int) -> bool:
        """Forget the run."""
        return self.runs.pop(port, None) is not None

    def stop_all(self) -> list[int]:
        """Forget all runs."""
        return [port for port in list(self.runs) if self.stop(port)]
