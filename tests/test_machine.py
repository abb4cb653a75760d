"""Findings about ports, the disk and loopback addresses."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from canarylab import machine, ports
from tests.needs import needs


def test_room_enough_is_fine(tmp_path: Path) -> None:
    found = machine.disk(tmp_path, 1)
    assert found.state == "fine"
    assert found.words.endswith(f"free at {tmp_path}")


def test_a_folder_that_is_yet_to_be_made_lies_where_its_parents_lie(tmp_path: Path) -> None:
    assert machine.disk(tmp_path / "not" / "yet", 1) == machine.disk(tmp_path, 1)


def test_too_little_says_how_much_is_needed(tmp_path: Path) -> None:
    found = machine.disk(tmp_path, 10**18, "the bundle")
    assert (found.state, found.needed_for) == ("missing", "the bundle")
    assert found.words.startswith("Only ")
    assert found.remedy.startswith("1000000000 GB are needed")


def test_a_port_that_nobody_has_is_free() -> None:
    number = ports.unused()
    found = machine.port(number, "the Service of the lessons")
    assert (found.state, str(found)) == ("fine", f"Port {number} is free.")


def test_a_port_in_use_names_who_has_it() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as busy:
        found = machine.port(busy.getsockname()[1], "the Service of the lessons")
    assert found.state == "missing"
    assert f"(pid {os.getpid()})" in found.words
    assert found.needed_for == "the Service of the lessons"


def test_a_holder_who_is_not_told_can_be_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "holder", lambda number: None)
    with socket.create_server((ports.LOOPBACK, 0)) as busy:
        found = machine.port(busy.getsockname()[1], "the Service of the lessons")
    assert found.words.endswith("is in use by another program")
    assert "sudo" in found.remedy


@needs("linux")
def test_linux_has_all_loopback_addresses() -> None:
    assert machine.loopback().state == "fine"


def test_an_address_that_is_not_of_this_machine_is_missing() -> None:
    found = machine.loopback("192.0.2.1")  # for examples only: nobody has it
    assert (found.state, "Binder" in found.remedy) == ("missing", True)
