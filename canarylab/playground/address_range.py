"""The loopback addresses of one cluster.

All of 127.0.0.0/8 is this machine. Each cluster takes a range of 4,096 addresses out of
127.64.0.0/10, so that two users of one machine, or two clusters of one user, never meet. The first
address is the node's: NodePorts and the Ingress listen there, and a socket on its kubelet port
reserves the range. The system closes that socket when its process ends, however it ends.
"""

from __future__ import annotations

import socket
import zlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from canarylab.errors import SetupError

RANGES = 1024
KUBELET_PORT = 10250  # nothing answers there
_FIRST = int(IPv4Address("127.64.0.0"))
_SIZE = 4096  # addresses


@dataclass(frozen=True)
class LoopbackRange:
    """One cluster's share of the loopback addresses.

    >>> LoopbackRange(17).pods, LoopbackRange(17).services, LoopbackRange(17).node
    (IPv4Network('127.65.16.0/21'), IPv4Network('127.65.24.0/21'), '127.65.16.1')
    """

    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < RANGES:
            raise ValueError(f"A range is a number from 0 to {RANGES - 1}, not {self.number}.")

    @property
    def node(self) -> str:
        """The address of the node."""
        return str(self.pods[1])

    @property
    def pods(self) -> IPv4Network:
        """Half of the range, for the node and its pods."""
        return IPv4Network((_FIRST + self.number * _SIZE, 21))

    @property
    def services(self) -> IPv4Network:
        """The other half, for cluster IPs."""
        return IPv4Network((_FIRST + self.number * _SIZE + _SIZE // 2, 21))


def reserve_range(seed: str) -> tuple[LoopbackRange, socket.socket]:
    """The first free range from the one that `seed` chooses, and the socket that reserves it.

    The same home thus gets the same addresses again, unless another cluster has taken them.
    """
    first = zlib.crc32(seed.encode()) % RANGES
    for number in range(first, first + RANGES):
        addresses = LoopbackRange(number % RANGES)
        reserving = socket.socket()
        try:
            reserving.bind((addresses.node, KUBELET_PORT))
            reserving.listen(1)
        except OSError:
            reserving.close()
            continue
        return addresses, reserving
    raise SetupError(
        "All addresses from 127.64.0.0 to 127.127.255.255 are taken by other playgrounds. "
        "End some of them with `canarylab down`."
    )
