"""What did the learner expect, and what was seen?

Never graded and never in the way: a prediction is one line the learner edits, and the table of all
of them at the end is the learner's own story.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from canarylab.display import Table
from canarylab.traffic.text import percent

Value = float | int | str


@dataclass
class Predictions:
    """Questions, with what was predicted and what was seen.

    >>> told = Predictions()
    >>> told.predict("endpoints", 3)
    Your prediction for endpoints: 3.
    >>> told.compare("endpoints", 4)
    You said 3, we saw 4.
    """

    predicted: dict[str, Value] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)

    def predict(self, question: str, value: Value) -> Table:
        """Note a prediction; said again, it is changed."""
        self.predicted[question] = value
        return Table(f"Your prediction for {question}: {_words(value)}.")

    def compare(self, question: str, seen: Value | str) -> Table:
        """Note what was seen, and say both."""
        self.seen[question] = _words(seen)
        if question not in self.predicted:
            return Table(f"We saw {_words(seen)}. You made no prediction for {question}.")
        return Table(f"You said {_words(self.predicted[question])}, we saw {_words(seen)}.")

    def story(self) -> Table:
        """Every prediction with its outcome, in the order they were made."""
        rows = [
            (question, _words(value), self.seen.get(question, "not seen yet"))
            for question, value in self.predicted.items()
        ]
        return Table(
            "What you predicted, and what happened.", ("question", "you said", "we saw"), rows
        )


def _words(value: Value) -> str:
    """A share, as a number between 0 and 1 with a point in it, becomes a percentage."""
    if isinstance(value, float) and 0 <= value <= 1:
        return percent(value)
    return str(value)
