from __future__ import annotations

import os
import socket

import pytest

from canarylab import ports
from canarylab.errors import PortInUseError


def test_a_port_in_use_names_the_program_that_holds_it() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"Port {port} .*pid {os.getpid()}.* Try another"):
            ports.ensure_free(port, remedy="Try another.")


def test_a_port_is_free_again_after_its_listener_has_gone() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as busy:
        port = busy.getsockname()[1]
        assert not ports.is_free(port)
    ports.ensure_free(port, remedy="")
    assert ports.is_free(port)


def test_nobody_holds_an_unused_port() -> None:
    assert ports.holder(ports.unused()) is None
