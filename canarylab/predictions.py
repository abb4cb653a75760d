"""Predictions of the learner, each beside what was seen.

A prediction is one line that the learner edits. It is never graded and never stops a notebook.
Predictions are kept in a file for each notebook, so that they survive a restart of the kernel.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import numbers
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import EllipsisType
from typing import NamedTuple, TypeGuard

from canarylab import stats
from canarylab.display import Table
from canarylab.playground.home import Home, write_atomically
from canarylab.text import count_noun, percent
from canarylab.traffic.sample import Sample

Value = float | int | str | EllipsisType
"""A number or a word; `...` stands for no prediction."""

Choices = Sequence[str] | range

CANARY_VERSION = "2.0"
_SHARE = re.compile(r"\s*(\d*\.?\d+)\s*(%?)\s*")
_SAME_SHARE = 0.005  # a prediction rounded to whole percent is right
_ABOUT_THE_SAME = 0.1  # 0.3 is right for 0.32; whole numbers are compared exactly


@dataclass(frozen=True)
class Prediction:
    """What was predicted; what was expected and seen, as it is shown."""

    value: float | str
    expected: str = ""
    seen: str = ""


class Observation(NamedTuple):
    """What was seen and what was to be expected."""

    seen: float | str
    seen_text: str
    expected: float | str | None
    why: str
    interval: stats.Interval | None = None


class Predictions:
    """The predictions of one notebook; without a file they are kept in memory.

    >>> predictions = Predictions()
    >>> predictions.predict("endpoints", 4)
    Your prediction for endpoints: 4.
    >>> predictions.compare("endpoints", 4, expected=4, why="three of production and one canary")
    You said 4, and that is right.
    Expected: 4 (three of production and one canary).
    Seen: 4.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._notes: list[str] = []
        self._predictions = self._load()

    @classmethod
    def of_this_notebook(cls, home: Home) -> Predictions:
        """Those of the notebook that runs this code; in memory if it is none."""
        notebook = notebook_path(os.environ, vars(sys.modules["__main__"]))
        if notebook is None:
            return cls()
        digest = hashlib.sha256(str(notebook).encode()).hexdigest()[:8]
        return cls(home.root / "predictions" / f"{notebook.stem}-{digest}.json")

    def predict(self, question: str, value: Value, choices: Choices = ()) -> Table:
        """Note a prediction; a second one for the same question replaces it.

        The choices are words, or a range of whole numbers.
        """
        if value is ...:
            self._predictions.pop(question, None)
            self._save(question)
            what = _what_to_write(question, choices)
            return self._table(
                f'No prediction for "{question}" yet. Write {what} in place of the three dots.'
            )
        try:
            predicted = _checked(question, value, choices)
        except ValueError as exc:
            return self._table(f"This is not noted: {exc}")
        self._predictions[question] = Prediction(predicted)
        self._save(question)
        return self._table(f"Your prediction for {question}: {_text_of(question, predicted)}.")

    def compare(
        self,
        question: str,
        seen: float | str | Sample,
        *,
        expected: float | str | None = None,
        why: str = "",
    ) -> Table:
        """Show what was predicted, what was to be expected and why, and what was seen."""
        observation = _observe(question, seen, expected, why)
        expected_text = _expected_text(question, observation)
        lines = [f"Expected: {expected_text}."] if expected_text else []
        lines.append(f"Seen: {observation.seen_text}.")
        if why and observation.expected is None:
            lines.append(f"Why: {why}.")
        noted = self._predictions.get(question)
        if noted is None:
            return self._table("\n".join([f"You made no prediction for {question}.", *lines]))
        self._predictions[question] = Prediction(noted.value, expected_text, observation.seen_text)
        self._save(question)
        return self._table("\n".join([_verdict(question, noted.value, observation), *lines]))

    def table(self) -> Table:
        """Every prediction with its outcome, in the order they were made."""
        if not self._predictions:
            since = "in this notebook" if self._file else "since the kernel started"
            return self._table(f"You made no predictions {since}.")
        rows = [
            (question, _text_of(question, each.value), each.expected or "-", each.seen or "not yet")
            for question, each in self._predictions.items()
        ]
        columns = ("question", "you said", "expected", "seen")
        return self._table("What you predicted, and what happened.", columns, rows)

    def _table(
        self, sentence: str, columns: Sequence[str] = (), rows: Sequence[Sequence[object]] = ()
    ) -> Table:
        notes, self._notes = self._notes, []
        return Table(sentence, columns, rows, notes=notes)

    def _load(self) -> dict[str, Prediction]:
        if self._file is None:
            return {}
        try:
            stored = json.loads(self._file.read_text())
            return {question: _stored(each) for question, each in stored.items()}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as exc:
            kept = self._set_aside(self._file)
            self._notes.append(f"Your earlier predictions cannot be read ({exc}). {kept}")
            return {}

    def _set_aside(self, file: Path) -> str:
        """Keep an unreadable file under a free name, and say where it is."""
        names = (file.with_suffix(f".unreadable{number or ''}") for number in itertools.count())
        try:
            kept = next(name for name in names if not name.exists())
            file.replace(kept)
        except OSError:
            self._file = None  # writing there would lose what it holds
            return f"They stay in {file}; new ones are kept until the kernel restarts."
        return f"They are kept in {kept}."

    def _save(self, changed: str) -> None:
        """Write all, with what a second kernel of the same notebook has noted meanwhile."""
        for question, each in self._load().items():
            if question != changed:
                self._predictions.setdefault(question, each)
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            stored = {question: asdict(each) for question, each in self._predictions.items()}
            write_atomically(self._file, json.dumps(stored, indent=2))
        except OSError as exc:
            self._notes.append(
                f"{self._file} cannot be written: {exc.strerror}. Your predictions are kept until "
                "the kernel restarts."
            )


def notebook_path(
    environment: Mapping[str, str], main_variables: Mapping[str, object]
) -> Path | None:
    """The notebook that runs this code, as Jupyter Server or VS Code names it to its kernel."""
    name = environment.get("JPY_SESSION_NAME") or main_variables.get("__vsc_ipynb_file__")
    return Path.cwd() / str(name) if name else None


def _stored(fields: Mapping[str, str]) -> Prediction:
    prediction = Prediction(**fields)
    if not isinstance(prediction.value, int | float | str):
        raise TypeError(f"{prediction.value!r} is neither a number nor a word")
    return prediction


def _is_share(question: str) -> bool:
    return re.search(r"\bshare\b", question, re.IGNORECASE) is not None


def _what_to_write(question: str, choices: Choices) -> str:
    if isinstance(choices, range):
        return f"a whole number from {choices[0]} to {choices[-1]}"
    if choices:
        return f"one of: {', '.join(choices)},"
    return "a number from 0 to 1" if _is_share(question) else "a number or a word"


def _checked(question: str, value: object, choices: Choices) -> float | str:
    """The prediction as it is noted; raise ValueError with a question to the learner."""
    if isinstance(value, numbers.Real) and not isinstance(value, int | float):  # as of NumPy
        value = int(value) if isinstance(value, numbers.Integral) else float(value)
    if isinstance(choices, range):
        return _checked_whole_number(value, choices)
    if choices:
        return _checked_choice(value, choices)
    if _is_share(question):
        return _checked_share(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is neither a number nor a word. Write one of them.")
    if (isinstance(value, float) and not math.isfinite(value)) or value == "":
        raise ValueError(f"{value!r} is no prediction. Write a number or a word.")
    return value


def _checked_choice(value: object, choices: Sequence[str]) -> str:
    for choice in choices:
        if str(value).strip().casefold() == choice.casefold():
            return choice
    raise ValueError(f"{value!r} is not one of the choices. Write one of: {', '.join(choices)}.")


def _checked_whole_number(value: object, choices: range) -> int:
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if not isinstance(number, int | float) or isinstance(number, bool) or number not in choices:
        wanted = _what_to_write("", choices)
        raise ValueError(f"{value!r} is not {wanted}. Write such a number, without quotes.")
    return int(number)


def _checked_share(value: object) -> float:
    found = _SHARE.fullmatch(value) if isinstance(value, str) else None
    number = float(found[1]) / (100 if found[2] else 1) if found else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 100:
        raise ValueError(f'{value!r} is not a share. Write a number from 0 to 1, or "25 %".')
    if number > 1:
        raise ValueError(f"{value:g} is more than 1. Do you mean {value:g} %, so {number / 100:g}?")
    return float(number)


def _observe(
    question: str, seen: float | str | Sample, expected: float | str | None, why: str
) -> Observation:
    if not isinstance(seen, Sample):
        return Observation(seen, _text_of(question, seen), expected, why)
    share = stats.share_of(seen, CANARY_VERSION)
    if not share.total:
        return Observation("no answer", "no request was answered", share.expected, "")
    if not _is_share(question):
        text = f"{share.hits:,} of {count_noun(share.total, 'request')}"
        if expected is None and share.expected is not None:
            expected = round(share.total * share.expected)
        return Observation(share.hits, text, expected, why or _why(seen, share))
    expected = share.expected if expected is None else expected
    why = why or _why(seen, share)
    return Observation(share.observed, _share_text(share), expected, why, share.interval)


def _share_text(share: stats.Share) -> str:
    observed = f"{percent(share.observed)}, interval {share.interval}"
    text = f"{share.hits:,} of {count_noun(share.total, 'request')}, {observed}"
    if share.agreement is None or share.agreement.fit == "as expected":
        return text
    return f"{text}: {share.agreement}"


def _why(sample: Sample, share: stats.Share) -> str:
    if sample.expected_from == "rules":
        return "by the routing rules"
    if sample.expected_pods is None or share.expected is None:
        return ""
    pods = len(sample.expected_pods)
    canaries = round(share.expected * pods)
    verb = "runs" if canaries == 1 else "run"
    return f"{canaries} of {count_noun(pods, 'ready pod')} {verb} version {share.name}"


def _expected_text(question: str, observation: Observation) -> str:
    if observation.expected is None:
        return ""
    text = _text_of(question, observation.expected)
    return f"{text} ({observation.why})" if observation.why else text


def _verdict(question: str, predicted: float | str, observation: Observation) -> str:
    text = _text_of(question, predicted)
    right = observation.seen if observation.expected is None else observation.expected
    if _is_same(question, predicted, right):
        return f"You said {text}, and that is right."
    if observation.interval is not None and predicted in observation.interval:
        return f"You said {text}. It is inside the interval: this sample alone does not exclude it."
    return f"You said {text}."


def _is_same(question: str, predicted: float | str, right: float | str) -> bool:
    if isinstance(predicted, str) or not _is_finite(right):
        return _text_of(question, predicted).casefold() == _text_of(question, right).casefold()
    if _is_share(question):
        return abs(predicted - right) <= _SAME_SHARE + 1e-9
    return math.isclose(predicted, right, rel_tol=0 if right == round(right) else _ABOUT_THE_SAME)


def _is_finite(value: object) -> TypeGuard[float]:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def _text_of(question: str, value: object) -> str:
    """The text of a value: a share in percent, any other number as it is usually written."""
    if isinstance(value, float) and _is_share(question):
        return f"{round(100 * value, 1):g} %"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
