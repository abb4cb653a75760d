from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from canarylab import ports
from canarylab.errors import PortInUseError
from tests.needs import needs


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


def test_the_program_that_started_this_one_is_known_by_its_port() -> None:
    code = (
        "import sys; from canarylab.ports import is_held_by_parent as p; print(p(int(sys.argv[1])))"
    )
    with socket.create_server((ports.LOOPBACK, 0)) as busy:
        port = busy.getsockname()[1]
        asked = [
            subprocess.run(
                [sys.executable, "-c", code, str(each)], capture_output=True, text=True, check=True
            ).stdout.strip()
            for each in (port, ports.unused())
        ]
        assert asked == ["True", "False"]
        assert not ports.is_held_by_parent(port)  # this very program is not its own parent


def test_nobody_holds_an_unused_port() -> None:
    assert ports.holder(ports.unused()) is None


@needs("linux")
def test_loopback_is_bindable_and_another_machine_s_address_is_not() -> None:
    assert (ports.is_bindable("127.64.0.2"), ports.is_bindable("192.0.2.1")) == (True, False)


@needs("linux")
def test_an_address_on_which_a_pod_listens_is_still_bindable() -> None:
    with socket.create_server(("127.64.0.2", 0)):
        assert ports.is_bindable("127.64.0.2")


@needs("linux")
def test_the_same_port_of_another_address_is_not_the_one_that_is_asked_for() -> None:
    with socket.create_server(("127.64.0.2", 0)) as pod:
        port = pod.getsockname()[1]
        assert ports.holder(port) is None
        assert ports.holder(port, "127.64.0.2") is not None


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_a_server_on_every_address_has_the_port_of_each(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as busy:
        found = ports.holder(busy.getsockname()[1])
    assert found is not None
    assert found.pid == os.getpid()


@needs("linux")
@pytest.mark.parametrize(
    ("address", "takes"),
    [("127.64.0.2", True), ("0.0.0.0", True), ("::", True), ("127.64.0.3", False), ("::1", False)],
)
def test_the_sockets_that_take_connections_to_an_address(address: str, takes: bool) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as busy:
        port, inode = busy.getsockname()[1], os.fstat(busy.fileno()).st_ino
        with socket.create_connection(busy.getsockname()[:2]):
            assert ports.listening_sockets(port, "127.64.0.2") == ({inode} if takes else set())
    assert ports.listening_sockets(port, "127.64.0.2") == set()


@needs("linux")
def test_where_the_kernel_does_not_tell_sockets_are_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ports, "_SOCK_DIAG", 31)  # a protocol of netlink that there is not
    assert ports.listening_sockets(80) is None
