"""What follows from what was found?"""

from __future__ import annotations

import pytest

from canarylab.doctor.verdicts import verdicts
from canarylab.machine.finding import Finding, State

ALL: tuple[str, ...] = (
    *("Python", "Node", "kubectl", "loopback", "Docker", "cgroups", "kind", "disk", "memory"),
    *("inotify", "proxy", "Binder", "kubeconfig"),
)


def found(**states: State) -> list[Finding]:
    """All fine, but for what is named; `port_8080` means port 8080."""
    named = {name.replace("_", " "): state for name, state in states.items()}
    return [Finding(what, named.pop(what, "fine"), "", "") for what in ALL] + [
        Finding(what, state, "", "") for what, state in named.items()
    ]


def can_run(findings: list[Finding], *, has_kind: bool = False) -> set[str]:
    said = verdicts(findings, has_kind_cluster=has_kind)
    assert [verdict.cluster for verdict in said] == ["playground", "kind", "kubeconfig"]
    return {verdict.cluster for verdict in said if verdict.can_run}


def test_where_all_is_fine_everything_can_run() -> None:
    assert can_run(found()) == {"playground", "kind", "kubeconfig"}


def test_notes_stand_in_nobodys_way() -> None:
    notes = found(kubectl="note", inotify="note", Binder="note", memory="note")
    assert can_run(notes) == {"playground", "kind", "kubeconfig"}


@pytest.mark.parametrize(
    ("missing", "left"),
    [
        ("Python", set()),
        ("memory", set()),
        ("disk", {"kubeconfig"}),
        ("Node", {"kind", "kubeconfig"}),
        ("loopback", {"kind", "kubeconfig"}),
        ("Docker", {"playground", "kubeconfig"}),
        ("docker", {"playground", "kubeconfig"}),
        ("cgroups", {"playground", "kubeconfig"}),
        ("kind", {"playground", "kubeconfig"}),
        ("disk_for_kind", {"playground", "kubeconfig"}),
        ("port_8080", {"playground", "kubeconfig"}),
        ("port_32089", {"kubeconfig"}),
        ("kubeconfig", {"playground", "kind"}),
    ],
)
def test_what_is_missing_stops_those_who_need_it(missing: str, left: set[str]) -> None:
    states: dict[str, State] = {missing: "missing"}
    assert can_run(found(**states)) == left


def test_the_playground_on_its_port_stops_only_a_new_kind_cluster() -> None:
    running = found(port_32089="note")
    assert can_run(running) == {"playground", "kubeconfig"}
    assert can_run(running, has_kind=True) == {"playground", "kind", "kubeconfig"}


def test_everything_in_the_way_is_named_once() -> None:
    missing = found(Docker="missing", kind="missing", port_8080="missing")
    (_, kind, _) = verdicts(missing, has_kind_cluster=False)
    assert kind.why == "in the way: Docker, kind, port 8080"
