"""How is what was found shown? One screen of words, or JSON."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from canarylab.doctor.verdicts import Verdict
from canarylab.machine.finding import Finding

WIDTH = 79
STATE, WHAT = 9, 12  # columns
UNDER = " " * (STATE + WHAT)
IN_BACKTICKS = re.compile(r"`[^`]+`")
BLANK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was found, and what follows."""

    findings: Sequence[Finding]
    verdicts: Sequence[Verdict]
    chosen: str
    """Which cluster a lesson would take, and why."""

    @property
    def can_run(self) -> bool:
        """Whether any cluster can run here."""
        return any(verdict.can_run for verdict in self.verdicts)

    def to_dict(self) -> dict[str, Any]:
        """For `canarylab doctor --json`."""
        return {
            "findings": [finding._asdict() for finding in self.findings],
            "clusters": [verdict._asdict() for verdict in self.verdicts],
            "chosen": self.chosen,
        }

    def __str__(self) -> str:
        lines = [line for finding in self.findings for line in _finding(finding)]
        lines += ["", "What can run here:"]
        lines += [line for verdict in self.verdicts for line in _verdict(verdict)]
        lines += ["", *_wrapped("", f"{self.chosen}." if self.chosen else "")]
        return "\n".join(lines).rstrip()


def _finding(finding: Finding) -> Iterator[str]:
    yield from _row(finding.state, finding.what, finding.words)
    needed = f"Needed for {finding.needed_for}. " if finding.state == "missing" else ""
    if needed or finding.remedy:
        yield from _wrapped(" " * STATE, f"{needed}{finding.remedy}")


def _verdict(verdict: Verdict) -> Iterator[str]:
    yield from _row("yes" if verdict.can_run else "no", verdict.cluster, verdict.why)


def _row(state: str, what: str, words: str) -> Iterator[str]:
    first, *others = _wrapped(UNDER, words) or [UNDER]
    # A name that is too long for its column pushes the words aside rather than touch them.
    yield f"{state.ljust(STATE)}{f'{what} '.ljust(WHAT)}{first[len(UNDER) :]}"
    yield from others


def _wrapped(margin: str, text: str) -> list[str]:
    """Lines of whole words; a command or a path stays in one piece, to be copied."""
    whole = IN_BACKTICKS.sub(lambda found: found[0].replace(" ", BLANK), text)
    lines = textwrap.wrap(
        whole,
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(BLANK, " ") for line in lines]
