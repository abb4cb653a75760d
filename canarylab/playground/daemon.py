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
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import NamedTuple

from canarylab import __version__
from canarylab.errors import explain
from canarylab.kube_objects import Key, key_of, timestamp
from canarylab.playground.address_range import LoopbackRange, reserve_range
from canarylab.playground.apiserver.local_api import (
    LocalApi,
    bootstrap,
    kubernetes_service,
    move_services,
)
from canarylab.playground.apiserver.persistence import GroupCommit, ObjectFile
from canarylab.playground.apiserver.registry import RegistryOptions
from canarylab.playground.apiserver.server import TokenAuthenticator, make_web_app, serving
from canarylab.playground.apiserver.store import Store
from canarylab.playground.controllers import (
    CONTROLLERS,
    default_objects,
    loop,
    pod_garbage_collector,
)
from canarylab.playground.credentials import Credentials, kept_credentials, write_kubeconfig
from canarylab.playground.daemon_control import DaemonState, read_state, take_lock, write_state
from canarylab.playground.home import Home
from canarylab.playground.kube.kinds import KINDS
from canarylab.playground.network.ingress_server import IngressServer
from canarylab.playground.network.service_proxy import ServiceProxy
from canarylab.playground.node.kubelet import Kubelet
from canarylab.ports import LOOPBACK, ensure_free, is_free

logger = logging.getLogger(__name__)

OPEN_FILES = 65_536
LOG_LIMIT = 2_000_000  # bytes; one older file is kept
SHOWN_KINDS = ("Deployment", "Service", "Ingress", "HTTPRoute", "Pod")
SWITCH_INTERVAL_S = 0.0005
"""The thread that writes objects needs little time, and often; 5 ms is usual."""
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
        self._persistence = GroupCommit(ObjectFile(home.objects))
        self.api = LocalApi(Store(self._persistence), RegistryOptions(addresses))
        self.kubelet = Kubelet(self.api.for_manager("kubelet"), home, addresses)
        self.proxy = ServiceProxy(self.api, addresses.node)

    @contextlib.asynccontextmanager
    async def running(
        self, sockets: ListeningSockets, credentials: Credentials
    ) -> AsyncIterator[None]:
        """Run everything for the length of a `with`."""
        async with self._persistence.running():
            move_services(self.api.store, self.addresses)
            server = self.api.for_manager("kube-apiserver")
            await bootstrap(server, addresses=self.addresses, port=sockets.api_port)
            await self.kubelet.restore_statuses()
            async with self._serving(sockets, credentials):
                yield

    @contextlib.asynccontextmanager
    async def _serving(
        self, sockets: ListeningSockets, credentials: Credentials
    ) -> AsyncIterator[None]:
        port = sockets.api_port
        app = make_web_app(self.api, self.kubelet, TokenAuthenticator(credentials.token, port))
        ingress = IngressServer(self.api.for_manager("nginx-ingress-controller"), sockets.ingress)
        tls = credentials.ssl_context()
        async with serving(app, sockets.api, tls), asyncio.TaskGroup() as tasks:
            service = kubernetes_service(self.addresses, port=port)
            objects = default_objects.make_controller(credentials.authority, service)
            controllers = (*CONTROLLERS, objects, pod_garbage_collector.make_controller())
            work = [
                loop.run_controller(each, self.api.for_manager(each.manager))
                for each in controllers
            ]
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
    log = RotatingLog(home.log, maxBytes=LOG_LIMIT, backupCount=1)
    form = "%(asctime)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, handlers=[log])
    # asyncio warns of each write to a connection that its client has closed.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    lock = take_lock(home)  # held until the process ends: `daemon_control.down` waits for that
    if lock is None:
        return 0  # another daemon runs, and the caller finds it
    _allow_many_files()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        asyncio.run(_run(home, wanted))
    except Exception as exc:
        if (message := explain(exc)) is None:
            raise
        return _cannot_start(message)
    return 0


class RotatingLog(RotatingFileHandler):
    """The log of the daemon, to which Python itself writes as well (standard error)."""

    def doRollover(self) -> None:  # noqa: N802  the name that the library calls
        """Rename the file, and begin a new one."""
        super().doRollover()
        if self.stream is not None:
            os.dup2(self.stream.fileno(), 2)


def _cannot_start(problem: str) -> int:
    print(problem, flush=True)  # noqa: T201  `daemon_control.up` reads it
    logger.error("%s", problem)
    return 3


def _allow_many_files() -> None:
    """Raise the limit of 1,024 open files: each connection through the proxy takes two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _run(home: Home, wanted: int | None) -> None:
    before = read_state(home)
    addresses, reserving = reserve_range(str(home.root.resolve()), before.node if before else None)
    with contextlib.ExitStack() as sockets_open:
        sockets_open.enter_context(reserving)
        api = sockets_open.enter_context(_api_socket(before, wanted))
        ingress = _ingress_sockets(addresses.node, before)
        for listening in ingress:
            sockets_open.enter_context(listening)
        credentials, sockets = kept_credentials(home.credentials), ListeningSockets(api, ingress)
        stop, daemon = _stop_on_signals(), Daemon(home, addresses)
        restored = _restored(daemon.api.store)
        async with daemon.running(sockets, credentials):
            write_kubeconfig(home.kubeconfig, credentials, sockets.api_port)
            write_state(home, _state(sockets, addresses, before, restored))
            _close_standard_output()
            logger.info("Ready: API on %s:%s.", LOOPBACK, sockets.api_port)
            logger.info("The node is %s.", addresses.node)
            logger.info("Ingresses answer on %s:%s.", *sockets.ingress_address)
            await _wait_until_stopped(stop, home)
            logger.info("Ending.")


def _restored(store: Store) -> dict[str, int]:
    """How many objects of a user are there from before, by the plural of their kind."""
    found = Counter(
        KINDS[kind].plural
        for kind in SHOWN_KINDS
        for obj in store.all(kind)
        if key_of(obj) != Key("default", "kubernetes")
    )
    return dict(found)


def _state(
    sockets: ListeningSockets,
    addresses: LoopbackRange,
    before: DaemonState | None,
    restored: dict[str, int],
) -> DaemonState:
    ingress_host, ingress_port = sockets.ingress_address
    return DaemonState(
        pid=os.getpid(),
        api_port=sockets.api_port,
        node=addresses.node,
        ingress_host=ingress_host,
        ingress_port=ingress_port,
        started=timestamp(datetime.now(UTC)),
        version=__version__,
        api_port_before=before.api_port if before else None,
        restored=restored,
    )


async def _wait_until_stopped(stop: asyncio.Event, home: Home) -> None:
    """Wait for a signal, or until the home folder is removed: then no command can stop us."""
    while not stop.is_set() and _has_our_state(home):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HOME_CHECK_INTERVAL_S):
                await stop.wait()


def _has_our_state(home: Home) -> bool:
    """Whether the state that this process has written is still there, or cannot be read now."""
    try:
        state = read_state(home)
    except OSError:
        return True  # too many files are open, for example
    return state is not None and state.pid == os.getpid()


def _api_socket(before: DaemonState | None, wanted: int | None) -> socket.socket:
    """Listen on the wanted port, or the last one, which clients know, or any."""
    if wanted is not None:
        ensure_free(wanted, remedy="Leave out the API port, and a free one is chosen.")
    if wanted is None and before is not None and is_free(before.api_port):
        wanted = before.api_port
    return socket.create_server((LOOPBACK, wanted or 0))


def _ingress_sockets(node: str, before: DaemonState | None) -> tuple[socket.socket, ...]:
    """Listen on the node's address, and on 127.0.0.1 if the port is free there.

    The port is the last one, or 8080, or the next one that is free on the node's address. It is not
    free there if another program listens on all addresses.
    """
    for port in (*([before.ingress_port] if before else []), *INGRESS_PORTS):
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
