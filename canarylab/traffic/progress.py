"""How far is a sample?"""

from __future__ import annotations

from canarylab.display import StatusLine
from canarylab.traffic.plan import Plan
from canarylab.traffic.words import counted


class ProgressLine:
    """Says how many requests are done."""

    def __init__(self, plan: Plan, line: StatusLine) -> None:
        self._plan, self._line = plan, line

    def __call__(self, done: int, failed: int) -> None:
        self._line.show(self._words(done, failed))

    def _words(self, done: int, failed: int) -> str:
        goal = f" of {self._plan.count:,}" if self._plan.count else ""
        limit = f" in {self._plan.seconds:g} s" if self._plan.seconds else ""
        return f"{done:,}{goal} requests done{limit}, {counted(failed, 'failure')}"
