"""Where does a cluster answer otherwise than real Kubernetes did?"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.conformance.session import Answer

HERE = Path(__file__).parent
CASES, GOLDEN = HERE / "cases", HERE / "golden"


class Difference(NamedTuple):
    """One step that was answered otherwise."""

    run: str
    diff: list[str]

    @property
    def title(self) -> str:
        """The command, cut to a line."""
        return self.run.strip().split("\n")[0][:140]

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"    {line}" for line in self.diff)])


def recorded(case: str, golden: Path = GOLDEN) -> list[Answer]:
    """What real Kubernetes answered."""
    written = json.loads((golden / f"{case}.json").read_text(encoding="utf-8"))
    return [Answer(step["run"], step["exit"], step["out"], step["err"]) for step in written]


def record(case: str, answers: list[Answer], golden: Path = GOLDEN) -> None:
    """Keep these answers as the ones to agree with."""
    steps = [answer._asdict() for answer in answers]
    golden.mkdir(exist_ok=True)
    (golden / f"{case}.json").write_text(json.dumps(steps, indent=1) + "\n", encoding="utf-8")


def differences(wanted: list[Answer], got: list[Answer]) -> list[Difference]:
    """Every step that differs, in order."""
    if [answer.run for answer in wanted] != [answer.run for answer in got]:
        raise ValueError("The case has changed since it was recorded. Record it again.")
    pairs = zip(wanted, got, strict=True)
    return [Difference(want.run, _diff(want, have)) for want, have in pairs if want != have]


def _diff(want: Answer, have: Answer) -> list[str]:
    real, this = _written(want), _written(have)
    return list(difflib.unified_diff(real, this, "real Kubernetes", "this cluster", lineterm=""))


def _written(answer: Answer) -> list[str]:
    return yaml.safe_dump(answer._asdict(), width=200, sort_keys=False).splitlines()
