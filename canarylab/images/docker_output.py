"""Which steps does Docker's classic builder report, and which does Podman?

    Step 5/11 : RUN npm ci                 STEP 5/11: RUN npm ci
     ---> Using cache                      --> Using cache 37db7e77db24
     ---> 37db7e77db24                     --> 37db7e77db24

Steps follow one another, so one ends where the next begins.
"""

from __future__ import annotations

import re
from collections import deque

from canarylab.images.base import Step
from canarylab.images.output import LAST_LINES, Begun, cleaned

_STEP = re.compile(r"(?:\[\d+/\d+\] )?(?:Step (\d+)/(\d+) : |STEP (\d+)/(\d+): )(.*)")
_CACHED = re.compile(r"\s*-{2,3}> Using cache\b")
_OVER = re.compile(r"Successfully built \w+|(?:\[\d+/\d+\] )?COMMIT\b")
_MARK = re.compile(r"\s*-{2,3}> |Removing intermediate container |Sending build context ")
_LAYER = re.compile(
    r"(?P<id>\w{12,}): (?P<state>Pulling fs layer|Waiting|Downloading|Verifying Checksum|"
    r"Download complete|Extracting|Pull complete|Already exists)\b"
)
_BLOB = re.compile(r"Copying blob (?:sha256:)?(?P<id>\w{12,})(?P<done> (?:done|skipped).*)?")


class ClassicReader:
    """One step after the other."""

    def __init__(self) -> None:
        self._step: Begun | None = None
        self._beside = "sending the folder to the engine"  # before the first step, and after all
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._layers: dict[str, bool] = {}  # of the base image, and whether each is there

    @property
    def doing(self) -> str:
        """The step, or how much of the base image is there."""
        if self._layers:
            done = sum(self._layers.values())
            return f"fetching the base image, {done} of {len(self._layers)} layers"
        return self._step.words if self._step else self._beside

    @property
    def failing(self) -> Begun | None:
        """Where the output stops: asked only after a build that failed."""
        return self._step

    @property
    def last(self) -> list[str]:
        """The last lines."""
        return list(self._last)

    def hear(self, line: str, at: float) -> list[Step]:
        """The step that ended, where the next one begins."""
        words = cleaned(line)
        if words.strip():
            self._last.append(words)
        begun = _STEP.match(words)
        if begun or _OVER.match(words):
            done = [self._step.ended(at)] if self._step else []
            self._step = _step(begun, at) if begun else None
            self._beside, self._layers = "writing the image", {}
            return done
        self._note(words)
        return []

    def _note(self, words: str) -> None:
        if layer := _LAYER.match(words):
            self._layers[layer["id"]] = layer["state"] in {"Pull complete", "Already exists"}
        elif blob := _BLOB.match(words):
            self._layers[blob["id"][:12]] = blob["done"] is not None
        elif self._step and _CACHED.match(words):
            self._step.cached = True
        elif self._step and words.strip() and not _MARK.match(words):
            self._step.said.append(words)


def _step(begun: re.Match[str], at: float) -> Begun:
    classic_number, classic_total, number, total, instruction = begun.groups()
    instruction = " ".join(instruction.split())
    return Begun(int(classic_number or number), int(classic_total or total), instruction, at)
