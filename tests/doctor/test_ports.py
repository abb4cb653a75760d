"""What does the doctor say of ports?"""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab import ports
from canarylab.doctor.ports import port_findings
from canarylab.machine.finding import Finding
from canarylab.playground import lifecycle
from canarylab.playground.home import Home


@pytest.fixture
def holders(monkeypatch: pytest.MonkeyPatch) -> dict[int, str | None]:
    """Who holds which port, in place of this machine's programs."""
    held: dict[int, str | None] = {}
    monkeypatch.setattr(ports, "is_free", lambda number: number not in held)
    monkeypatch.setattr(ports, "holder", held.get)
    monkeypatch.setattr(ports, "is_held_by_parent", lambda number: held.get(number) == "parent")
    monkeypatch.setattr(lifecycle, "holder_of_lock", lambda home: 7)
    return held


def found(*, has_kind: bool = False) -> list[Finding]:
    return port_findings(Home(Path("home")), has_kind=has_kind)


def test_free_ports_share_a_line(holders: dict[int, str | None]) -> None:
    assert [str(each) for each in found()] == ["8888, 9999, 32089 and 8080 are free."]


def test_a_port_that_is_taken_has_a_line_of_its_own(holders: dict[int, str | None]) -> None:
    holders |= {8080: "nginx (pid 12)"}
    taken, free = found()
    assert (taken.what, taken.state) == ("port 8080", "missing")
    assert taken.words == "Port 8080 is in use by nginx (pid 12)"
    assert str(free) == "8888, 9999 and 32089 are free."


@pytest.mark.parametrize("holder", ["parent", "jupyter-lab (pid 12)"])
def test_jupyter_may_keep_its_port(holder: str, holders: dict[int, str | None]) -> None:
    holders |= {8888: holder}
    assert (found()[0].state, found()[0].remedy) == ("note", "The lesson then takes another.")


def test_lesson_one_may_still_run(holders: dict[int, str | None]) -> None:
    holders |= {8888: "node (pid 12)", 9999: "node (pid 13)"}
    assert [each.state for each in found()] == ["note", "note", "fine"]


def test_the_playground_may_have_its_port(holders: dict[int, str | None]) -> None:
    holders |= {32089: "python3 (pid 7)"}
    assert str(found()[0]) == "Port 32089 is in use by the playground, as it should be."


@pytest.mark.parametrize("holder", ["docker-proxy (pid 12)", None])
def test_the_kind_cluster_may_have_its_ports(
    holder: str | None, holders: dict[int, str | None]
) -> None:
    holders |= {32089: holder, 8080: holder}
    assert [each.state for each in found(has_kind=True)] == ["note", "note", "fine"]
    assert [each.state for each in found()] == ["missing", "missing", "fine"]


def test_a_stranger_on_the_port_of_kind_is_named_even_so(holders: dict[int, str | None]) -> None:
    holders |= {8080: "nginx (pid 12)"}
    assert found(has_kind=True)[0].state == "missing"


def test_one_free_port_is_one(holders: dict[int, str | None]) -> None:
    holders |= dict.fromkeys((8888, 9999, 32089), "node (pid 12)")
    assert str(found()[-1]) == "Port 8080 is free."
