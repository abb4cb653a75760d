"""Which loopback addresses belong to this cluster?

All of 127.0.0.0/8 is this machine. Each cluster takes a slot of 4,096 addresses out of
127.64.0.0/10, so that two users of one machine, or two clusters of one user, never meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

SLOTS = 1024
_FIRST = int(IPv4Address("127.64.0.0"))
_SIZE = 4096  # addresses


@dataclass(frozen=True)
class Slot:
    """One cluster's share of the loopback addresses.

    >>> Slot(17).pods, Slot(17).services
    (IPv4Network('127.65.16.0/21'), IPv4Network('127.65.24.0/21'))
    """

    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < SLOTS:
            raise ValueError(f"A slot is a number from 0 to {SLOTS - 1}, not {self.number}.")

    @property
    def pods(self) -> IPv4Network:
        """Half of the slot, for pods."""
        return IPv4Network((_FIRST + self.number * _SIZE, 21))

    @property
    def services(self) -> IPv4Network:
        """The other half, for cluster IPs."""
        return IPv4Network((_FIRST + self.number * _SIZE + _SIZE // 2, 21))

    @property
    def claim(self) -> str:
        """Whoever listens on this address holds the slot."""
        return str(self.pods.network_address + 1)
