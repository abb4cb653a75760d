"""Build and run the app without Docker: images are folders, and what runs is a plain process."""

from __future__ import annotations

from canarylab.images.app import build_app, reference
from canarylab.images.base import Built, LocalRun, Report, Say, Step, not_built, silent
from canarylab.images.local import LocalRuns
from canarylab.playground import images
from canarylab.playground.home import Home
from canarylab.playground.images import Image


class ProcessBuilder:
    """Images and processes of one home."""

    name = "process"

    def __init__(self, home: Home) -> None:
        self._images, self._runs = home.images, LocalRuns(home.root / "local")

    def build(self, version: str, report: Report, say: Say = silent) -> Built:
        """Build one version; the one source becomes it by a build argument."""
        named = reference(version)
        say(f"{named}: reading the Dockerfile")

        def heard(step: Step) -> None:
            report(step)
            say(f"{named}: step {step.number} of {step.total} is done")

        return _built(build_app(version, self._images, heard))

    def listed(self) -> list[Built]:
        """Every image in the home."""
        return [_built(image) for image in images.listed(self._images)]

    def run(self, reference: str, *, port: int) -> LocalRun:
        """As a process that listens on 127.0.0.1 alone."""
        image = images.find(self._images, reference)
        if image is None:
            raise not_built(reference)
        return self._runs.start(image, port=port)

    def running(self) -> list[LocalRun]:
        """What this program runs; a process ends with whoever started it."""
        return list(self._runs.running())

    def stop(self, port: int) -> bool:
        """End the process on this port."""
        return self._runs.stop(port)

    def stop_all(self) -> list[int]:
        """End them all."""
        return self._runs.stop_all()


def _built(image: Image) -> Built:
    return Built(image.reference, image.size, image.id)
