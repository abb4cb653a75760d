"""Can each pod of the playground have an address of its own?"""

from __future__ import annotations

import socket

from canarylab.machine.finding import Finding

NEEDED_FOR = "the playground"
A_PODS = "127.64.0.1"


def loopback(address: str = A_PODS) -> Finding:
    """Whether this machine has more of 127.0.0.0/8 than its first address."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            words = f"Nobody can listen at {address}: this system has one loopback address"
            remedy = "Use kind, or open the lessons on Binder; Linux and WSL 2 have all of them."
            return Finding("loopback", "missing", words, NEEDED_FOR, remedy)
    words = "All of 127.0.0.0/8 is this machine"
    return Finding("loopback", "fine", words, NEEDED_FOR)
