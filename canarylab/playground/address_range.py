"""The loopback addresses of one cluster.

Every address in 127.0.0.0/8 is local. Each cluster takes a range of 4,096 addresses out of
127.64.0.0/10, so that two playgrounds on one machine never use the same address. The first address
is the node's: NodePorts and the Ingress listen there, and a socket that listens there reserves the
range. The system closes that socket when its process ends, however it ends.
"""

from __future__ import annotations

import socket
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from canarylab.errors import SetupError
from canarylab.ports import is_bindable

RANGES = 1024
RESERVATION_PORT = 10250  # of the kubelet in Kubernetes, so no app expects to get it
_FIRST = int(IPv4Address("127.64.0.0"))
_SIZE = 4096  # addresses
_FIRST_OF_PODS = 2  # .0 is the address of the network, .1 that of the node


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

    @classmethod
    def of_node(cls, node: str) -> LoopbackRange:
        """The range with this address of the node.

        >>> LoopbackRange.of_node("127.65.16.1")
        LoopbackRange(number=17)
        """
        return cls((int(IPv4Address(node)) - _FIRST) // _SIZE)

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


class PodAddresses:
    """The addresses of pods, given out in turn, so that one is used again as late as possible.

    A client that still has the address of a deleted pod must get a refused connection, not a
    connection to another pod.
    """

    def __init__(
        self, network: IPv4Network, *, bindable: Callable[[str], bool] | None = None
    ) -> None:
        self._network, self._bindable = network, bindable or is_bindable
        self._next = _FIRST_OF_PODS
        self._allocated: set[str] = set()

    @property
    def node(self) -> str:
        """The address of the node: the first one."""
        return str(self._network[1])

    def allocate(self, preferred: str | None = None) -> str:
        """Return the preferred address, that of before a restart, if it is free; else the next."""
        if preferred is not None and self._is_free(preferred):
            return self._take(preferred)
        for address in self._from_next():
            if self._is_free(address):
                return self._take(address)
        raise SetupError(
            f"There is no address left in {self._network} for another pod. "
            "Delete pods you no longer need: `kubectl get pods -A` lists them."
        )

    def release(self, address: str) -> None:
        """Free the address of a deleted pod."""
        self._allocated.discard(address)

    def _from_next(self) -> Iterator[str]:
        last = self._network.num_addresses - 1
        numbers: Iterable[int] = (*range(self._next, last), *range(_FIRST_OF_PODS, self._next))
        return (str(self._network[number]) for number in numbers)

    def _is_free(self, address: str) -> bool:
        is_inside = IPv4Address(address) in self._network
        return is_inside and address not in self._allocated and self._bindable(address)

    def _take(self, address: str) -> str:
        self._allocated.add(address)
        number = int(IPv4Address(address)) - int(self._network.network_address)
        self._next = max(_FIRST_OF_PODS, (number + 1) % (self._network.num_addresses - 1))
        return address


def local_address(pod_ip: str) -> str:
    """The address of a pod that is localhost for its Node programs (preload.cjs).

    >>> local_address("127.64.0.5")
    '127.128.0.5'
    """
    return str(IPv4Address(pod_ip) + (64 << 16))


def reserve_range(seed: str, before: str | None = None) -> tuple[LoopbackRange, socket.socket]:
    """The first free range from the one that `seed` chooses, and the socket that reserves it.

    `before` is the node's address of an earlier time: a cluster keeps its addresses, unless another
    one has taken them.
    """
    seeded = zlib.crc32(seed.encode()) % RANGES
    first = seeded if before is None else LoopbackRange.of_node(before).number
    for number in range(first, first + RANGES):
        addresses = LoopbackRange(number % RANGES)
        reserving = socket.socket()
        try:
            reserving.bind((addresses.node, RESERVATION_PORT))
            reserving.listen(1)
        except OSError:
            reserving.close()
            continue
        return addresses, reserving
    raise SetupError(
        "All addresses from 127.64.0.0 to 127.127.255.255 are taken by other playgrounds. "
        "End some of them with `canarylab down`."
    )
