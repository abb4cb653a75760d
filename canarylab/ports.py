"""Ports of this machine: whether one is free, and which program has it."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from canarylab.errors import PortInUseError

LOOPBACK = "127.0.0.1"
LAST_PORT = 65535
_EVERY_ADDRESS = ("0.0.0.0", "::")
NODE_PORTS = range(30000, 32768)  # the default of Kubernetes
_SOCK_DIAG, _BY_FAMILY, _DUMP = 4, 20, 0x301  # NETLINK_*, SOCK_*, NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3  # NLMSG_*
_TCP, _LISTEN = 6, 10  # IPPROTO_TCP, TCP_LISTEN


def checked_port(port: object) -> int:
    """The same port; raise ValueError for what is none.

    >>> checked_port(8888)
    8888
    """
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port <= LAST_PORT:
        raise ValueError(
            f"{port!r} is not a port. Give a whole number from 1 to {LAST_PORT}, without quotes."
        )
    return port


def is_free(port: int, address: str = LOOPBACK) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def needs_privilege(port: int, address: str = LOOPBACK) -> bool:
    """Whether the system refuses to let this user's programs listen on the port."""
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except PermissionError:
            return True
        except OSError:
            pass  # another program has it
    return False


def is_bindable(address: str) -> bool:
    """Whether a server on this machine can listen on the address: it is a local one."""
    return is_free(0, address)


def ensure_free(port: int, *, remedy: str, address: str = LOOPBACK) -> None:
    """Raise PortInUseError, with the holder's name if the system tells it."""
    if not is_free(port, address):
        found = holder(port, address)
        raise PortInUseError(address, port, holder=str(found) if found else None, remedy=remedy)


class PortHolder(NamedTuple):
    """A program that listens on a port."""

    name: str
    pid: int

    def __str__(self) -> str:
        if self.pid == os.getpid():
            return f"this very program, {self.name} (pid {self.pid})"
        return f"{self.name} (pid {self.pid})"


def holder(port: int, address: str = LOOPBACK) -> PortHolder | None:
    """The program that listens on this port; None if the system does not name it."""
    import psutil  # noqa: PLC0415  heavy, and needed only when something is wrong

    try:
        for pid in _listeners(port, address):
            process = psutil.Process(pid)
            return PortHolder(program_name(process.name(), process.cmdline()), pid)
    except psutil.Error:
        pass  # another user's program: the system does not say
    return None


def program_name(name: str, command: Sequence[str]) -> str:
    """The name of a process, if a word of its command says it, otherwise that of its program.

    The system's name for a process is that of its first thread, which Node calls `MainThread`.

    >>> program_name("MainThread", ["/usr/bin/node", "dist/main.js"])
    'node'
    >>> program_name("jupyter-lab", ["/usr/bin/python3", "/usr/bin/jupyter-lab"])
    'jupyter-lab'
    """
    words = [Path(word).name for word in command]
    return name if not words or any(word.startswith(name) for word in words) else words[0]


def is_held_by(pid: int, port: int, address: str = LOOPBACK) -> bool:
    """Whether this process of the same user listens at the address."""
    import psutil  # noqa: PLC0415

    try:
        held = psutil.Process(pid).net_connections(kind="tcp4")
    except psutil.Error:
        return False
    return any(
        entry.status == psutil.CONN_LISTEN and entry.laddr == (address, port) for entry in held
    )


def is_held_by_parent(port: int) -> bool:
    """Whether an ancestor process, such as Jupyter, listens on the port."""
    import psutil  # noqa: PLC0415

    try:
        parents = {parent.pid for parent in psutil.Process().parents()}
        return not parents.isdisjoint(_listeners(port, LOOPBACK))
    except psutil.Error:
        return False


def _listeners(port: int, address: str) -> set[int]:
    """The processes that listen there; at another address the same port is another one."""
    import psutil  # noqa: PLC0415

    return {
        entry.pid
        for entry in psutil.net_connections(kind="tcp")
        if entry.status == psutil.CONN_LISTEN
        and entry.pid
        and entry.laddr in [(each, port) for each in (address, *_EVERY_ADDRESS)]
    }


def listening_sockets(port: int, address: str = LOOPBACK) -> set[int] | None:
    """The inodes of the sockets that take connections there; None where the kernel does not say.

    Its socket diagnostics look at listening sockets alone. /proc/net/tcp has all connections, and
    takes some hundred times as long to read.
    https://man7.org/linux/man-pages/man7/sock_diag.7.html
    """
    ip = socket.inet_aton(address)
    found = set()
    try:
        for place, inode in _listening(socket.AF_INET, port):
            if place[:4] in (ip, bytes(4)):
                found.add(inode)
        with suppress(FileNotFoundError):  # a kernel without IPv6
            for place, inode in _listening(socket.AF_INET6, port):
                if place in (b"\xff\xff".rjust(12, b"\0") + ip, bytes(16)):
                    found.add(inode)
    except OSError:
        return None
    return found


def _listening(family: int, port: int) -> Iterator[tuple[bytes, int]]:
    """The address, of 16 bytes, and the inode of each socket that listens on the port."""
    wanted = struct.pack("=BBHI", family, _TCP, 0, 1 << _LISTEN)
    wanted += struct.pack("!H", port).ljust(40, b"\0") + b"\xff" * 8  # with any cookie
    header = struct.pack("=IHHII", 16 + len(wanted), _BY_FAMILY, _DUMP, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.setblocking(False)  # it has answered when `send` returns
        kernel.send(header + wanted)
        while True:
            answer = kernel.recv(65_536)
            while answer:
                length, kind = struct.unpack_from("=IH", answer)
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    number = -struct.unpack_from("=i", answer, 16)[0]
                    raise OSError(number, os.strerror(number))
                yield answer[24:40], struct.unpack_from("=I", answer, 84)[0]
                answer = answer[(length + 3) & ~3 :]


def unused() -> int:
    """Some port that is free now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
