"""When is a probe believed?"""

from __future__ import annotations

from itertools import pairwise, product

from canarylab.playground.node.probes import Probe, Streak, pause_between_looks

SEQUENCES = [looks for length in range(1, 9) for looks in product((True, False), repeat=length)]
THRESHOLDS = list(product((1, 2, 3), repeat=2))


def believed(probe: Probe, looks: tuple[bool, ...]) -> list[bool | None]:
    """The verdict after each look."""
    streak, found = Streak(), []
    for good in looks:
        streak = streak.after(probe, good=good)
        found.append(streak.verdict)
    return found


def test_the_verdict_is_that_of_the_last_run_of_looks_that_was_long_enough() -> None:
    for (successes, failures), looks in product(THRESHOLDS, SEQUENCES):
        probe = Probe({}, successes_needed=successes, failures_needed=failures)
        expected, run = None, 0
        for before, good in pairwise((None, *looks)):
            run = run + 1 if good == before else 1
            expected = good if run >= (successes if good else failures) else expected
        assert believed(probe, looks)[-1] is expected


def test_a_probe_without_numbers_has_those_of_kubernetes() -> None:
    assert Probe.of({"tcpSocket": {}}) == Probe(
        {"tcpSocket": {}},
        delay_s=0,
        period_s=10,
        timeout_s=1,
        successes_needed=1,
        failures_needed=3,
    )


def test_looks_at_a_young_container_are_frequent_and_become_rarer() -> None:
    pauses = [pause_between_looks(tenths / 10) for tenths in range(100)]
    assert pauses[0] == 0.05
    assert all(later >= earlier for earlier, later in pairwise(pauses))
