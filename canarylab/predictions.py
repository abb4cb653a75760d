"""Predictions of the learner, each beside what was seen.

A prediction is one line that the learner edits. It is never graded and never blocks a notebook.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from canarylab.display import Table
from canarylab.text import percent

Value = float | int | str


@dataclass
class Predictions:
    """Questions, with what was predicted and what was seen.

    >>> noted = Predictions()
    >>> noted.predict("endpoints", 3)
    Your prediction for endpoints: 3.
    >>> noted.compare("endpoints", 4)
    You said 3, we saw 4.
    """

    predicted: dict[str, Value] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)

    def predict(self, question: str, value: Value) -> Table:
        """Note a prediction; a second one for the same question replaces it."""
        self.predicted[question] = value
        return Table(f"Your prediction for {question}: {_as_text(value)}.")

    def compare(self, question: str, seen: Value | str) -> Table:
        """Note what was seen, and show both."""
        self.seen[question] = _as_text(seen)
        if question not in self.predicted:
            return Table(f"We saw {_as_text(seen)}. You made no prediction for {question}.")
        return Table(f"You said {_as_text(self.predicted[question])}, we saw {_as_text(seen)}.")

    def table(self) -> Table:
        """Every prediction with its outcome, in the order they were made."""
        rows = [
            (question, _as_text(value), self.seen.get(question, "not seen yet"))
            for question, value in self.predicted.items()
        ]
        return Table(
            "What you predicted, and what happened.", ("question", "you said", "we saw"), rows
        )


def _as_text(value: Value) -> str:
    """A float between 0 and 1 is a share, and becomes a percentage."""
    if isinstance(value, float) and 0 <= value <= 1:
        return percent(value)
    return str(value)
