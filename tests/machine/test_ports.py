"""Who has a port?"""

from __future__ import annotations

import os
import socket

import pytest

from canarylab import ports
from canarylab.machine.ports import port


def test_a_port_that_nobody_has_is_free() -> None:
    number = ports.unused()
    found = port(number, "the Service of the lessons")
    assert (found.state, str(found)) == ("fine", f"Port {number} is free.")


def test_a_port_in_use_names_who_has_it() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as busy:
        found = port(busy.getsockname()[1], "the Service of the lessons")
    assert found.state == "missing"
    assert f"(pid {os.getpid()})" in found.words
    assert found.needed_for == "the Service of the lessons"


def test_a_holder_who_is_not_told_can_be_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "holder", lambda number: None)
    with socket.create_server((ports.LOOPBACK, 0)) as busy:
        found = port(busy.getsockname()[1], "the Service of the lessons")
    assert found.words.endswith("is in use by another program")
    assert "sudo" in found.remedy
