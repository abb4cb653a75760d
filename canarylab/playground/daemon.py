"""The daemon: API server, controllers, kubelet, service proxy and ingress as tasks of one loop.

`daemon_control.py` starts it. If it cannot start, it prints the reason on its standard output; when
it is ready, it closes its standard output. SIGTERM ends the daemon and its pods. If the daemon is
killed, `node/reaper.py` ends its pods.
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
from canarylab.errors import explain
from canarylab.kube_objects import timestamp
from canarylab.playground.address_range import LoopbackRange, reserve_range
from canarylab.playground.apiserver.local_api import LocalApi, bootstrap
from canarylab.playground.apiserver.registry import RegistryOptions
from canarylab.playground.apiserver.server import TokenAuthenticator, make_web_app, serving
from canarylab.playground.apiserver.store import Store
from canarylab.playground.controllers import CONTROLLERS, loop
from canarylab.playground.credentials import Credentials, make_credentials, write_kubeconfig
from canarylab.playground.daemon_control import DaemonState, read_state, take_lock, write_state
from canarylab.playground.home import Home
from canarylab.playground.network.ingress_server import IngressServer
from canarylab.playground.network.service_proxy import ServiceProxy
from canarylab.playground.node.kubelet import Kubelet
from canarylab.ports import LOOPBACK, ensure_free, is_free

logger = logging.getLogger(__name__)

OPEN_FILES = 65_536
INGRESS_PORTS = range(8080, 8180)
HOME_CHECK_INTERVAL_S = 2.0


class ListeningSockets(NamedTuple):
    """The sockets that listen from the start."""

    api: socket.socket
    ingress: tuple[socket.socket, ...]
    """The first one is the address that is shown: 127.0.0.1, if that is free."""

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
    """Creates and connects all parts."""

    def __init__(self, home: Home, addresses: LoopbackRange) -> None:
        self.addresses = addresses
        self.api = LocalApi(Store(), RegistryOptions(addresses))
        self.kubelet = Kubelet(self.api, home, addresses)
        self.proxy = ServiceProxy(self.api, addresses.node)

    @contextlib.asynccontextmanager
    async def running(
        self, sockets: ListeningSockets, credentials: Credentials
    ) -> AsyncIterator[None]:
        """Run everything for the length of a `with`."""
        port = sockets.api_port
        await bootstrap(self.api, addresses=self.addresses, port=port)
        app = make_web_app(self.api, self.kubelet, TokenAuthenticator(credentials.token, port))
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
    lock = take_lock(home)  # held until the process ends: `daemon_control.down` waits for that
    if lock is None:
        return 0  # another daemon runs, and the caller finds it
    _allow_many_files()
    try:
        asyncio.run(_run(home, wanted))
    except Exception as exc:
        if (message := explain(exc)) is None:
            raise
        print(message, flush=True)  # noqa: T201  `daemon_control.up` reads it
        logger.error("%s", message)
        return 3
    return 0


def _allow_many_files() -> None:
    """Raise the limit of 1,024 open files: each connection through the proxy takes two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _run(home: Home, wanted: int | None) -> None:
    addresses, reserving = reserve_range(str(home.root.resolve()))
    with contextlib.ExitStack() as sockets_open:
        sockets_open.enter_context(reserving)
        api = sockets_open.enter_context(_api_socket(home, wanted))
        ingress = _ingress_sockets(addresses.node)
        for listening in ingress:
            sockets_open.enter_context(listening)
        credentials, sockets = make_credentials(), ListeningSockets(api, ingress)
        stop = _stop_on_signals()
        async with Daemon(home, addresses).running(sockets, credentials):
            write_kubeconfig(home.kubeconfig, credentials, sockets.api_port)
            write_state(home, _state(sockets, addresses))
            _close_standard_output()
            logger.info("Ready: API on %s:%s.", LOOPBACK, sockets.api_port)
            logger.info("The node is %s.", addresses.node)
            logger.info("Ingresses answer on %s:%s.", *sockets.ingress_address)
            await _wait_until_stopped(stop, home)
            logger.info("Ending.")


def _state(sockets: ListeningSockets, addresses: LoopbackRange) -> DaemonState:
    ingress_host, ingress_port = sockets.ingress_address
    return DaemonState(
        pid=os.getpid(),
        api_port=sockets.api_port,
        node=addresses.node,
        ingress_host=ingress_host,
        ingress_port=ingress_port,
        started=timestamp(datetime.now(UTC)),
        version=__version__,
    )


async def _wait_until_stopped(stop: asyncio.Event, home: Home) -> None:
    """Wait for a signal, or until the home folder is removed: then no command can stop us."""
    while not stop.is_set() and _has_our_state(home):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HOME_CHECK_INTERVAL_S):
                await stop.wait()


def _has_our_state(home: Home) -> bool:
    """Whether the state that this process has written is still there."""
    state = read_state(home)
    return state is not None and state.pid == os.getpid()


def _api_socket(home: Home, wanted: int | None) -> socket.socket:
    """Listen on the wanted port, or the last one, or any: kubectl caches discovery by port."""
    if wanted is not None:
        ensure_free(wanted, remedy="Leave out the API port, and a free one is chosen.")
    before = read_state(home)
    if wanted is None and before is not None and is_free(before.api_port):
        wanted = before.api_port
    return socket.create_server((LOOPBACK, wanted or 0))


def _ingress_sockets(node: str) -> tuple[socket.socket, ...]:
    """Listen on the node's address, and on 127.0.0.1 if the port is free there.

    The port is 8080, or the next one that is free on the node's address. It is not free there if
    another program listens on all addresses.
    """
    for port in INGRESS_PORTS:
        with contextlib.suppress(OSError):
            on_node = socket.create_server((node, port))
            with contextlib.suppress(OSError):
                return socket.create_server((LOOPBACK, port)), on_node
            return (on_node,)
    return (socket.create_server((node, 0)),)


def _stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _close_standard_output() -> None:
    """Tell `daemon_control.up`, which reads it, that the daemon is ready."""
    with Path(os.devnull).open("w") as null:
        os.dup2(null.fileno(), 1)


def _detach() -> None:
    """Fork for the second time, so that the daemon is adopted by init (double fork)."""
    if os.fork():
        os._exit(0)


if __name__ == "__main__":
    _detach()
    sys.exit(main(sys.argv[1:]))
