"""What the pods of a node share: the API, folders, addresses, events, and the reaper."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from canarylab.errors import ApiError, SetupError
from canarylab.kube_objects import Clock, Object, uid_of, utc_now
from canarylab.playground.home import Home
from canarylab.playground.kube.api import Api
from canarylab.playground.kube.events import EventDetails, record_event
from canarylab.playground.node.process import Reaper

logger = logging.getLogger(__name__)

SOURCE = "kubelet"
_FIRST_ADDRESS = 2  # .0 is the network's, .1 marks the range as taken


@dataclass(frozen=True)
class RestartBackoff:
    """Delays of restarts: none the first time, then 10 s, doubling up to five minutes.

    A container that ran for ten minutes starts over. The delay counts from its end.
    """

    first_s: float = 10.0
    last_s: float = 300.0
    reset_after_s: float = 600.0

    def next(self, before_s: float | None, *, ran_s: float) -> float:
        """Return the next delay, given the delay before this run, None if there was none.

        >>> backoff = RestartBackoff()
        >>> backoff.next(None, ran_s=1), backoff.next(0, ran_s=1), backoff.next(10, ran_s=1)
        (0.0, 10.0, 20)
        >>> backoff.next(300, ran_s=601)
        0.0
        """
        if before_s is None or ran_s > self.reset_after_s:
            return 0.0
        return min(before_s * 2, self.last_s) if before_s else self.first_s


@dataclass(frozen=True)
class NodeContext:
    """Shared by all pods of a node."""

    api: Api
    home: Home
    addresses: PodAddresses
    recorder: EventRecorder
    reaper: Reaper
    backoff: RestartBackoff = field(default_factory=RestartBackoff)
    now: Clock = utc_now

    def folder_of(self, pod: Object) -> Path:
        """Return the folder of a pod's logs and of the HOME of its processes."""
        return pods_folder(self.home) / uid_of(pod)


def pods_folder(home: Home) -> Path:
    """Return the folder that has a folder for each pod, named by its uid."""
    return home.playground / "pods"


@dataclass(frozen=True)
class PodContext:
    """Shared by the containers of a pod."""

    pod: Object
    ip: str
    status_changed: Callable[[], None]


class EventRecorder:
    """Records the kubelet's events in order, without making it wait."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._queue: asyncio.Queue[tuple[Object, EventDetails]] = asyncio.Queue()

    def event(
        self, pod: Object, reason: str, message: str, *, type: str = "Normal", container: str = ""
    ) -> None:
        """Queue an event about a pod, or about a container of it."""
        path = f"spec.containers{{{container}}}" if container else None
        self._queue.put_nowait((pod, EventDetails(reason, message, SOURCE, type, path)))

    async def run(self) -> None:
        """Write events until cancelled. A namespace that is being deleted takes none."""
        while True:
            pod, details = await self._queue.get()
            try:
                await record_event(self._api, pod, details)
            except ApiError as error:
                name = pod["metadata"]["name"]
                logger.info("no event %s for %s: %s", details.reason, name, error)


class PodAddresses:
    """The addresses of pods, given out in turn, so that one is used again as late as possible.

    A client that still has the address of a deleted pod must reach nobody, not another pod.
    """

    def __init__(
        self, network: IPv4Network, *, bindable: Callable[[str], bool] | None = None
    ) -> None:
        self._network, self._bindable = network, bindable or is_bindable
        self._next = _FIRST_ADDRESS
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
        """Free the address of a pod that is gone."""
        self._allocated.discard(address)

    def _from_next(self) -> Iterator[str]:
        last = self._network.num_addresses - 1
        numbers: Iterable[int] = (*range(self._next, last), *range(_FIRST_ADDRESS, self._next))
        return (str(self._network[number]) for number in numbers)

    def _is_free(self, address: str) -> bool:
        is_inside = IPv4Address(address) in self._network
        return is_inside and address not in self._allocated and self._bindable(address)

    def _take(self, address: str) -> str:
        self._allocated.add(address)
        number = int(IPv4Address(address)) - int(self._network.network_address)
        self._next = max(_FIRST_ADDRESS, (number + 1) % (self._network.num_addresses - 1))
        return address


def is_bindable(address: str) -> bool:
    """Whether this machine can listen on the address."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
