"""Which loopback address does the next pod get?"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from canarylab.errors import SetupError

_FIRST = 2  # .0 is the network's, .1 the node's


def is_bindable(address: str) -> bool:
    """Can this machine listen there?"""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


class PodAddresses:
    """One for each pod, around and around, so that an address returns as late as it can.

    Whoever still knows the address of a pod that is gone must meet nobody there, not another pod.
    """

    def __init__(
        self, network: IPv4Network, *, bindable: Callable[[str], bool] = is_bindable
    ) -> None:
        self._network, self._bindable = network, bindable
        self._next = _FIRST
        self._taken: set[str] = set()

    @property
    def node(self) -> str:
        """The address of the node: the first one."""
        return str(self._network[1])

    def take(self, wanted: str | None = None) -> str:
        """The address `wanted`, from before a restart, if it is free; else the next one."""
        if wanted is not None and self._is_free(wanted):
            return self._keep(wanted)
        for address in self._from_the_next():
            if self._is_free(address):
                return self._keep(address)
        raise SetupError(
            f"There is no address left in {self._network} for another pod. "
            "Delete pods you no longer need: `kubectl get pods -A` lists them."
        )

    def give_back(self, address: str) -> None:
        """The pod is gone."""
        self._taken.discard(address)

    def _from_the_next(self) -> Iterator[str]:
        last = self._network.num_addresses - 1
        numbers: Iterable[int] = (*range(self._next, last), *range(_FIRST, self._next))
        return (str(self._network[number]) for number in numbers)

    def _is_free(self, address: str) -> bool:
        inside = IPv4Address(address) in self._network
        return inside and address not in self._taken and self._bindable(address)

    def _keep(self, address: str) -> str:
        self._taken.add(address)
        number = int(IPv4Address(address)) - int(self._network.network_address)
        self._next = max(_FIRST, (number + 1) % (self._network.num_addresses - 1))
        return address
