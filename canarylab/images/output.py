"""What has a builder said so far, and which step is it at?

A reader is given each line and the time at which it came, and gives back the steps that ended with
it. It never looks at a clock or a process itself. docker_output.py and buildkit_output.py know the
two ways in which builders write.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from canarylab.images.base import Step

LAST_LINES = 15
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LONGEST_IN_A_LINE = 50  # characters of an instruction, so that no terminal breaks the line


@dataclass
class Begun:
    """A step that has begun."""

    number: int
    total: int
    instruction: str
    at: float
    cached: bool = False
    said: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    """The last lines of its own output."""

    def ended(self, at: float) -> Step:
        """The step, done."""
        seconds = max(0.0, at - self.at)
        return Step(self.number, self.total, self.instruction, self.cached, seconds)

    @property
    def words(self) -> str:
        """`step 4 of 5, RUN npm ci`."""
        shown = self.instruction[:_LONGEST_IN_A_LINE]
        dots = " ..." if shown != self.instruction else ""
        return f"step {self.number} of {self.total}, {shown}{dots}"


class Reader(Protocol):
    """Reads the output of one build."""

    @property
    def doing(self) -> str:
        """What the build is at, in a few words."""
        ...

    @property
    def failing(self) -> Begun | None:
        """The step that failed, if the build failed in one."""
        ...

    @property
    def last(self) -> list[str]:
        """The last lines, of whatever step."""
        ...

    def hear(self, line: str, at: float) -> list[Step]:
        """The steps that are done with this line."""
        ...


def cleaned(line: str) -> str:
    r"""The line without colours and without what was overwritten.

    >>> cleaned("\x1b[91mno luck\x1b[0m")
    'no luck'
    """
    return _COLOURS.sub("", line).rstrip().rpartition("\r")[2]


def steps_of(reader: Reader, text: str, clock: Callable[[], float] = lambda: 0.0) -> list[Step]:
    """Every step of an output that is there as a whole."""
    return [step for line in text.splitlines() for step in reader.hear(line, clock())]
