"""The playground's one process: API server, controllers, kubelet, proxy, as tasks of one loop.

`lifecycle.py` starts it. It says why on its standard output when it cannot start, nothing when it
can, and closes it then. It ends on SIGTERM and takes its pods with it; what happens to
them when it is killed is in `node/reaper.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from canarylab import __version__
from canarylab.errors import CanaryLabError
from canarylab.kube_objects import timestamp
from canarylab.playground.address_range import LoopbackRange, reserve_range
from canarylab.playground.apiserver.local_api import LocalApi, bootstrap
from canarylab.playground.apiserver.registry import RegistryOptions
from canarylab.playground.apiserver.server import TokenAuthenticator, build_app, serving
from canarylab.playground.apiserver.store import Store
from canarylab.playground.controllers import CONTROLLERS, loop
from canarylab.playground.credentials import Credentials, make_credentials, write_kubeconfig
from canarylab.playground.home import Home
from canarylab.playground.lifecycle import Running, last_state, take_lock, write_state
from canarylab.playground.network.ingress_server import IngressServer
from canarylab.playground.network.service_proxy import ServiceProxy
from canarylab.playground.node.kubelet import Kubelet
from canarylab.ports import LOOPBACK, ensure_free, is_free

logger = logging.getLogger(__name__)

OPEN_FILES = 65_536
INGRESS_PORTS = range(8080, 8180)
LOOK_FOR_HOME_S = 2.0


class ListeningSockets(NamedTuple):
    """The sockets that listen from the start."""

    api: socket.socket
    ingress: tuple[socket.socket, ...]
    """The first one is the address that is shown: 127.0.0.1, where that is free."""

    @property
    def api_port(self) -> int:
        """Of 127.0.0.1."""
        return int(self.api.getsockname()[1])

    @property
    def ingress_address(self) -> tuple[str, int]:
        """Where Ingresses answer, host and port."""
        host, port = self.ingress[0].getsockname()
        return str(host), int(port)


class Daemon:
    """The parts, put together. Only here do they meet."""

    def __init__(self, home: Home, addresses: LoopbackRange) -> None:
        self.addresses = addresses
        self.api = LocalApi(Store(), RegistryOptions(addresses))
        self.kubelet = Kubelet(self.api, home, addresses)
        self.proxy = ServiceProxy(self.api, addresses.node)

    @contextlib.asynccontextmanager
    async def running(
        self, sockets: ListeningSockets, credentials: Credentials
    ) -> AsyncIterator[None]:
        """Everything runs for as long as the block lasts."""
        port = sockets.api_port
        await bootstrap(self.api, addresses=self.addresses, port=port)
        app = build_app(self.api, self.kubelet, TokenAuthenticator(credentials.token, port))
        ingress = IngressServer(self.api, sockets.ingress)
        tls = credentials.ssl_context()
        async with serving(app, sockets.api, tls), asyncio.TaskGroup() as tasks:
            work = [loop.run_controller(controller, self.api) for controller in CONTROLLERS]
            work += [self.kubelet.run(), self.proxy.run(), ingress.run()]
            running = [tasks.create_task(each) for each in work]
            try:
                yield
            finally:
                for task in running:
                    task.cancel()


def main(arguments: list[str]) -> int:
    """`daemon HOME [API_PORT]`; exit status 3 when it cannot start."""
    home = Home(Path(arguments[0]))
    wanted = int(arguments[1]) if len(arguments) > 1 else None
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    lock = take_lock(home)  # until the very end of the process, so that whoever waits for it can
    if lock is None:
        return 0  # another one was quicker, and whoever asked for a playground has it
    _allow_many_files()
    try:
        asyncio.run(_live(home, wanted))
    except CanaryLabError as exc:
        print(exc, flush=True)  # noqa: T201  the one line for whoever started it
        logger.error("%s", exc)
        return 3
    return 0


def _allow_many_files() -> None:
    """Each connection through the proxy takes two; the usual 1,024 are soon gone in a class."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _live(home: Home, wanted: int | None) -> None:
    addresses, reserving = reserve_range(str(home.root.resolve()))
    with contextlib.ExitStack() as until_end:
        until_end.enter_context(reserving)
        api = until_end.enter_context(_api_socket(home, wanted))
        ingress = _ingress_sockets(addresses.node)
        for listening in ingress:
            until_end.enter_context(listening)
        credentials, sockets = make_credentials(), ListeningSockets(api, ingress)
        asked_to_end = _asked_to_end()
        async with Daemon(home, addresses).running(sockets, credentials):
            write_kubeconfig(home.kubeconfig, credentials, sockets.api_port)
            write_state(home, _running(sockets, addresses))
            _close_standard_output()
            logger.info("Ready: API on %s:%s.", LOOPBACK, sockets.api_port)
            logger.info("The node is %s.", addresses.node)
            logger.info("Ingresses answer on %s:%s.", *sockets.ingress_address)
            await _until_asked_or_homeless(asked_to_end, home)
            logger.info("Ending.")


def _running(sockets: ListeningSockets, addresses: LoopbackRange) -> Running:
    ingress_host, ingress_port = sockets.ingress_address
    return Running(
        pid=os.getpid(),
        api_port=sockets.api_port,
        node=addresses.node,
        ingress_host=ingress_host,
        ingress_port=ingress_port,
        started=timestamp(datetime.now(UTC)),
        version=__version__,
    )


async def _until_asked_or_homeless(asked_to_end: asyncio.Event, home: Home) -> None:
    """Whoever removes the home of a playground has no other way left to end it."""
    while not asked_to_end.is_set() and _is_ours(home):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_FOR_HOME_S):
                await asked_to_end.wait()


def _is_ours(home: Home) -> bool:
    """Does what we wrote there when we were ready still stand there?"""
    said = last_state(home)
    return said is not None and said.pid == os.getpid()


def _api_socket(home: Home, wanted: int | None) -> socket.socket:
    """The port asked for, or the one of last time, or any: discovery caches go by the port."""
    if wanted is not None:
        ensure_free(wanted, remedy="Leave out the API port, and a free one is chosen.")
    before = last_state(home)
    if wanted is None and before is not None and is_free(before.api_port):
        wanted = before.api_port
    return socket.create_server((LOOPBACK, wanted or 0))


def _ingress_sockets(node: str) -> tuple[socket.socket, ...]:
    """127.0.0.1, where the port is free there, and the node's address.

    The port is 8080. A program that has it on all addresses has it on the node's, too; then it is
    the next one that is free.
    """
    for port in INGRESS_PORTS:
        with contextlib.suppress(OSError):
            on_node = socket.create_server((node, port))
            with contextlib.suppress(OSError):
                return socket.create_server((LOOPBACK, port)), on_node
            return (on_node,)
    return (socket.create_server((node, 0)),)


def _asked_to_end() -> asyncio.Event:
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    return asked


def _close_standard_output() -> None:
    """Whoever started us waits for its end; from here on it leads nowhere."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)


def _leave_parent_behind() -> None:
    """Go on as a process that nobody has to wait for."""
    if os.fork():
        os._exit(0)


if __name__ == "__main__":
    _leave_parent_behind()
    sys.exit(main(sys.argv[1:]))
