"""What was found out about one thing of this machine?"""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["fine", "missing", "note"]


class Finding(NamedTuple):
    """One thing, whether it is fine, and what to do where it is not.

    >>> str(Finding("kind", "missing", "kind is not on PATH", "the kind cluster", "Install it."))
    'kind is not on PATH. Install it.'
    """

    what: str
    """`Docker`, `port 8080`, ..."""
    state: State
    """`missing` stands in the way of what needs it; a `note` stands in nobody's way."""
    words: str
    """What was found, without a full stop: "Docker 29.1 answers"."""
    needed_for: str
    """What cannot be done without it: "the kind cluster"."""
    remedy: str = ""
    """How to get it, a sentence; empty where all is fine."""

    def __str__(self) -> str:
        return f"{self.words}. {self.remedy}" if self.remedy else f"{self.words}."

    @property
    def is_fine(self) -> bool:
        """Whether nothing has to be done."""
        return self.state != "missing"
