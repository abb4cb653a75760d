"""Judges of a canary: promote, roll back, or not enough to tell.

`Judge` compares the failures of both versions and is right however often it is consulted;
`ThresholdJudge` is what the usual tools do. Both decide on a sample or on counts, and `simulate`
shows how often each is wrong.
"""

from canarylab.judge.counts import Counts, StepCounts, count, slow_limit
from canarylab.judge.decision import Decision, Judge, ThresholdJudge, Verdict
from canarylab.judge.simulation import Scenario, Simulation, simulate

__all__ = [
    "Counts",
    "Decision",
    "Judge",
    "Scenario",
    "Simulation",
    "StepCounts",
    "ThresholdJudge",
    "Verdict",
    "count",
    "simulate",
    "slow_limit",
]
