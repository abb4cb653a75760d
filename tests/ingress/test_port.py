"""On which port does the playground's ingress answer?"""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from canarylab.playground import lifecycle
from canarylab.playground.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    lifecycle.down(home)


def test_where_8080_is_taken_it_is_the_next_free_one_and_it_is_known(home: Home) -> None:
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # then somebody else has it already
            stack.enter_context(socket.create_server(("127.0.0.1", 8080)))
        running = lifecycle.up(home)
    assert running.ingress_port != 8080
    connection = http.client.HTTPConnection("127.0.0.1", running.ingress_port)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"default backend - 404"
    connection.close()
    assert lifecycle.status(home) == running
