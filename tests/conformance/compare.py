"""Compares the answers of a cluster with those recorded from real Kubernetes."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.conformance.session import Answer

HERE = Path(__file__).parent
CASES, GOLDEN = HERE / "cases", HERE / "golden"
KNOWN_DIFFERENCES = HERE / "known_differences.yaml"


class Difference(NamedTuple):
    """One step that was answered differently."""

    step: int
    """Counted from 1."""
    run: str
    diff: list[str]

    @property
    def title(self) -> str:
        """The command, cut to a line."""
        return title(self.run)

    def __str__(self) -> str:
        return "\n".join([f"{self.step}: {self.title}", *(f"    {line}" for line in self.diff)])


def recorded(case: str, golden: Path = GOLDEN) -> list[Answer]:
    """What real Kubernetes answered."""
    written = json.loads((golden / f"{case}.json").read_text(encoding="utf-8"))
    return [Answer(step["run"], step["exit"], step["out"], step["err"]) for step in written]


def known_differences() -> dict[str, list[dict[str, Any]]]:
    """The steps that are known to differ, by case: number, command, and why."""
    listed: dict[str, list[dict[str, Any]]] = yaml.safe_load(KNOWN_DIFFERENCES.read_text()) or {}
    return listed


def record(case: str, answers: list[Answer], golden: Path = GOLDEN) -> None:
    """Keep these answers as the ones to agree with."""
    steps = [answer._asdict() for answer in answers]
    golden.mkdir(exist_ok=True)
    (golden / f"{case}.json").write_text(json.dumps(steps, indent=1) + "\n", encoding="utf-8")


def differences(wanted: list[Answer], got: list[Answer]) -> list[Difference]:
    """Every step that differs, in order."""
    if [answer.run for answer in wanted] != [answer.run for answer in got]:
        raise ValueError("The case has changed since it was recorded. Record it again.")
    pairs = enumerate(zip(wanted, got, strict=True), start=1)
    return [
        Difference(step, want.run, _diff(want, have))
        for step, (want, have) in pairs
        if want != have
    ]


def title(run: str) -> str:
    """The first line of a command, cut to 140 characters."""
    return run.strip().split("\n")[0][:140]


def _diff(want: Answer, have: Answer) -> list[str]:
    real, this = _written(want), _written(have)
    return list(difflib.unified_diff(real, this, "real Kubernetes", "this cluster", lineterm=""))


def _written(answer: Answer) -> list[str]:
    return yaml.safe_dump(answer._asdict(), width=200, sort_keys=False).splitlines()
