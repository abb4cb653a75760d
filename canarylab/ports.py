"""Is this port free, and if not, who has it?"""

from __future__ import annotations

import socket

from canarylab.errors import PortInUseError

LOOPBACK = "127.0.0.1"


def is_free(port: int, address: str = LOOPBACK) -> bool:
    """Could a server listen there now?"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def ensure_free(port: int, *, remedy: str, address: str = LOOPBACK) -> None:
    """Raise PortInUseError, with the holder's name where this user may know it."""
    if not is_free(port, address):
        raise PortInUseError(address, port, holder=holder(port), remedy=remedy)


def holder(port: int) -> str | None:
    """The program that listens on this port: "node (pid 4711)"."""
    import psutil  # noqa: PLC0415  heavy, and needed only when something is wrong

    try:
        for entry in psutil.net_connections(kind="tcp"):
            address = entry.laddr
            if entry.status == psutil.CONN_LISTEN and address and port in address and entry.pid:
                return f"{psutil.Process(entry.pid).name()} (pid {entry.pid})"
    except psutil.Error:
        return None  # another user's program: the system does not say
    return None


def unused() -> int:
    """Some port that is free now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
