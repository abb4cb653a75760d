"""`canarylab doctor`, from the questions to the diagnosis."""

from __future__ import annotations

from canarylab.doctor.asking import ask_all
from canarylab.doctor.diagnosis import Diagnosis
from canarylab.doctor.questions import questions
from canarylab.doctor.verdicts import verdicts
from canarylab.playground.home import Home

DEADLINE_S = 1.7


def examine(
    home: Home, *, has_kind_cluster: bool, chosen: str, deadline_s: float = DEADLINE_S
) -> Diagnosis:
    """Look at everything; `chosen` says which cluster a lesson would take, and why."""
    asked = questions(home, has_kind_cluster=has_kind_cluster)
    findings = ask_all(asked, deadline_s=deadline_s)
    return Diagnosis(findings, verdicts(findings, has_kind_cluster=has_kind_cluster), chosen)
