"""Which steps does BuildKit report, as `--progress=plain` writes them?

    #8 [4/5] RUN npm ci
    #8 1.527 added 68 packages in 1s
    #8 DONE 1.6s

Steps run side by side, so each line carries the number of what it belongs to. Instructions that
make no files are no steps here: BuildKit never mentions them.
"""

from __future__ import annotations

import re
from collections import deque

from canarylab.images.base import Step
from canarylab.images.output import LAST_LINES, Begun, cleaned

_LINE = re.compile(r"#(\d+) (.*)")
_STEP = re.compile(r"\[(?:\S+ )?\s*(\d+)/(\d+)\] (.*)")
_DONE = re.compile(r"DONE (\d+(?:\.\d+)?)s")
_PART = re.compile(r"(sha256:\w+) ([\d.]+)([kMGT]?B) / ([\d.]+)([kMGT]?B)\b")
_SEEN_AT = re.compile(r"\d+\.\d+ ?")
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


class BuildKitReader:
    """Steps side by side."""

    def __init__(self) -> None:
        self._steps: dict[str, Begun] = {}
        self._told: set[str] = set()
        self._parts: dict[str, tuple[float, float]] = {}  # of the base image: bytes here, in all
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._doing, self._failing = "sending the folder to the engine", ""

    @property
    def doing(self) -> str:
        """What spoke last."""
        return self._doing

    @property
    def failing(self) -> Begun | None:
        """The step whose line says ERROR."""
        return self._steps.get(self._failing)

    @property
    def last(self) -> list[str]:
        """The last lines."""
        return list(self._last)

    def hear(self, line: str, at: float) -> list[Step]:
        """The step that this line ends, if it ends one."""
        words = cleaned(line)
        if words.strip():
            self._last.append(words)
        spoken = _LINE.match(words)
        if spoken is None:
            return []
        key, rest = spoken.groups()
        if begun := _STEP.match(rest):
            number, total, instruction = begun.groups()
            instruction = " ".join(instruction.split())
            self._steps.setdefault(key, Begun(int(number), int(total), instruction, at))
        elif key in self._steps:
            return self._within(key, rest, at)
        elif rest.startswith("exporting"):
            self._doing = "writing the image"
        self._say(key)
        return []

    def _within(self, key: str, rest: str, at: float) -> list[Step]:
        step = self._steps[key]
        self._say(key)
        done = _DONE.fullmatch(rest)
        if rest == "CACHED" or done:
            step.cached = rest == "CACHED"
            step.at = at - float(done[1]) if done else at  # its own figure is the better one
            return self._tell(key, at)
        if part := _PART.match(rest):
            self._fetched(*part.groups())
        elif rest.startswith("ERROR: "):
            self._failing = key
        elif not rest.startswith(("sha256:", "extracting ", "resolve ")):
            step.said.append(_SEEN_AT.sub("", rest, count=1))
        return []

    def _tell(self, key: str, at: float) -> list[Step]:
        if key in self._told:  # a base image is found first and fetched later: done twice
            return []
        self._told.add(key)
        return [self._steps[key].ended(at)]

    def _say(self, key: str) -> None:
        if key in self._steps:
            self._doing = self._steps[key].words

    def _fetched(self, name: str, here: str, unit: str, whole: str, whole_unit: str) -> None:
        self._parts[name] = float(here) * _BYTES[unit], float(whole) * _BYTES[whole_unit]
        fetched, size = (sum(column) / 1e6 for column in zip(*self._parts.values(), strict=True))
        self._doing = f"fetching the base image, {fetched:.0f} of {size:.0f} MB"
