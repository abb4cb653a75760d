"""Runs images on this machine, outside any cluster, as `docker run -p 127.0.0.1:8888:3333` does.

An image of the builder without Docker runs as a process. It ends with the program that started it,
even if that is killed: the reaper of the playground's pods (`playground/node/reaper.py`) kills it.

An image of a Docker engine runs in a container, which outlives the program that started it. It is
named by its port and has a label with its home: so the next run finds and replaces it, and no other
container is ever touched.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from canarylab.docker_engine import engine, engine_errors
from canarylab.errors import ClusterError, PortInUseError, SetupError, TrafficError
from canarylab.images.builder import not_built_error
from canarylab.playground.images import DEFAULT_PATH, parse_reference
from canarylab.playground.node import reaper
from canarylab.playground.nodejs import POD_IP, node_options, path_in_folder
from canarylab.ports import LOOPBACK, ensure_free, holder, is_free
from canarylab.runtime import wait_until
from canarylab.traffic.http import get

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container
    from docker.models.images import Image as DockerImage

    from canarylab.playground.images import Image

LABEL = "canarylab.dev/local"
START_TIMEOUT_S, STOP_TIMEOUT_S = 15.0, 10
REPLACE_TIMEOUT_S = 1  # a replaced container need not finish its open requests
LOG_TAIL_LINES = 5
_POLL_INTERVAL_S = 0.02
_PORT_IN_USE = ("port is already allocated", "address already in use")
_PORT_REMEDY = "Close what listens there, or name another port with `port=`."


@dataclass(frozen=True)
class ProcessRun:
    """An image that runs as a process and listens."""

    reference: str
    port: int
    process: subprocess.Popen[bytes]
    reaper: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """`http://127.0.0.1:8888`."""
        return _url(self.port)

    def __repr__(self) -> str:
        return f"{self.reference} answers at {self.url}"


class ProcessRuns:
    """The processes of this program, by port. Starting on a port again replaces the process."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._runs: dict[int, ProcessRun] = {}

    def start(self, image: Image, *, port: int) -> ProcessRun:
        """Run an image and wait until it listens; raise PortInUseError for a port in use."""
        self.stop(port)
        ensure_free(port, remedy=_PORT_REMEDY)
        self._logs.mkdir(parents=True, exist_ok=True)
        run_id, log = secrets.token_hex(16), self._logs / f"{port}.log"
        reaping = _start_reaper(run_id)
        with log.open("wb") as output:
            process = _start_process(image, port, run_id, output)
        run = ProcessRun(image.reference, port, process, reaping)
        self._runs[port] = run
        try:
            _wait_until_ready(
                run.reference, lambda: _listens(port), lambda: _process_exit(run, log)
            )
        except BaseException:
            self.stop(port)
            raise
        return run

    def running(self) -> list[ProcessRun]:
        """Return what runs, in the order of starting."""
        return list(self._runs.values())

    def stop(self, port: int) -> bool:
        """Stop the process of this port; return False if there is none."""
        run = self._runs.pop(port, None)
        if run is None:
            return False
        run.process.terminate()
        try:
            run.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            run.process.kill()
        run.reaper.communicate()  # closes its input: it kills what is left, and ends
        run.process.wait()
        return True

    def stop_all(self) -> list[int]:
        """Stop every process; return the ports that are free again."""
        return [port for port in list(self._runs) if self.stop(port)]


@dataclass(frozen=True)
class ContainerRun:
    """An image that runs in a container and answers."""

    reference: str
    port: int

    @property
    def url(self) -> str:
        """`http://127.0.0.1:8888`."""
        return _url(self.port)

    def __repr__(self) -> str:
        return f"{self.reference} answers at {self.url}"


class ContainerRuns:
    """The containers of one home, by port."""

    def __init__(self, home: Path) -> None:
        self._home = str(home.resolve())

    def start(self, reference: str, *, port: int) -> ContainerRun:
        """Run an image and wait until it answers; raise PortInUseError for a port in use."""
        run = ContainerRun(reference, port)
        with engine() as client, engine_errors(f"running {reference}"):
            container_port = _exposed_port(_image(client, reference))
            self._remove_previous(client, port)
            if not is_free(port):
                raise _port_in_use(client, port)
            container = client.containers.create(
                reference,
                name=_name(port),
                hostname=f"local-{port}",
                ports={f"{container_port}/tcp": (LOOPBACK, port)},
                labels={LABEL: self._home},
                environment={"DRAIN_S": "0"},  # no Service sends traffic here while it ends
            )
            with _removed_on_failure(client, container):
                _start_container(client, container, port)
                _wait_until_ready(reference, lambda: _answers(run.url), lambda: _exit_of(container))
        return run

    def running(self) -> list[ContainerRun]:
        """Return what runs, in the order of starting."""
        with engine() as client, engine_errors("listing the containers"):
            own = sorted(self._own(client), key=lambda each: str(each.attrs["Created"]))
            return [_run_of(each) for each in own if each.status == "running"]

    def stop(self, port: int) -> bool:
        """Stop and remove the container of this port; return False if there is none."""
        with engine() as client, engine_errors(f"stopping the container of port {port}"):
            found = [each for each in self._own(client) if each.name == _name(port)]
            for container in found:
                _remove(client, container)
            return bool(found)

    def stop_all(self) -> list[int]:
        """Stop and remove every container of this home; return the ports that are free again."""
        with engine() as client, engine_errors("stopping the containers"):
            found = self._own(client)
            for container in found:
                _remove(client, container)
            return [_port_of(container) for container in found]

    def _own(self, client: DockerClient) -> list[Container]:
        return client.containers.list(
            all=True, filters={"label": f"{LABEL}={self._home}"}, ignore_removed=True
        )

    def _remove_previous(self, client: DockerClient, port: int) -> None:
        """Remove an earlier container of this name; raise SetupError if it is not ours."""
        for container in client.containers.list(
            all=True, filters={"name": f"^/?{_name(port)}$"}, ignore_removed=True
        ):
            if container.labels.get(LABEL) != self._home:
                raise SetupError(
                    f"There is a container {container.name} that this canarylab did not start. "
                    f"Remove it with `docker rm --force {container.name}`, or choose another port "
                    "with `port=`."
                )
            _remove(client, container, grace_s=REPLACE_TIMEOUT_S)


class _Exit(NamedTuple):
    status: int
    lines: list[str]


def _wait_until_ready(
    reference: str, is_ready: Callable[[], bool], ended: Callable[[], _Exit | None]
) -> None:
    """Wait for the app; raise ClusterError if it ends first or takes too long."""
    outcome = wait_until(
        lambda: is_ready() or ended(), timeout_s=START_TIMEOUT_S, pause_s=_POLL_INTERVAL_S
    )
    if isinstance(outcome, _Exit):
        raise ClusterError(
            f"{reference} ended with exit status {outcome.status} before it answered. "
            f"Its last lines: {' | '.join(outcome.lines[-LOG_TAIL_LINES:]) or 'none'}"
        )
    if not outcome:
        raise ClusterError(
            f"{reference} runs but does not answer after {START_TIMEOUT_S:.0f} s. "
            "Check that the app listens on the port of the PORT variable, or of EXPOSE."
        )


def _url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def _start_process(
    image: Image, port: int, run_id: str, output: IO[bytes]
) -> subprocess.Popen[bytes]:
    environment = {
        **image.env,
        "PATH": path_in_folder(image.env.get("PATH", DEFAULT_PATH), image.root),
        "PORT": str(port),
        "DRAIN_S": "0",  # no Service sends traffic here while it ends
        "HOSTNAME": f"local-{port}",
        "NODE_OPTIONS": node_options(image.env.get("NODE_OPTIONS", "")),
        POD_IP: LOOPBACK,
        reaper.RUN_ID: run_id,
    }
    try:
        process = subprocess.Popen(
            [*image.entrypoint, *image.command],
            cwd=image.working_folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as exc:
        raise SetupError(
            f"{image.reference} cannot be started: {exc}. Check the CMD of its Dockerfile."
        ) from exc
    reaper.set_mark(run_id, process.pid)
    return process


def _start_reaper(run_id: str) -> subprocess.Popen[bytes]:
    started = subprocess.Popen(
        [sys.executable, "-I", "-S", "-E", reaper.__file__],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        bufsize=0,
    )
    if started.stdin is not None:
        started.stdin.write(f"{run_id}\n".encode())
    return started


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def _process_exit(run: ProcessRun, log: Path) -> _Exit | None:
    status = run.process.poll()
    if status is None:
        return None
    return _Exit(status, log.read_text(errors="replace").strip().splitlines())


def _name(port: int) -> str:
    return f"canarylab-{port}"


def _port_of(container: Container) -> int:
    return int(str(container.name).rpartition("-")[2])


def _run_of(container: Container) -> ContainerRun:
    reference = parse_reference(str(container.attrs["Config"]["Image"]))
    return ContainerRun(str(reference), _port_of(container))


def _image(client: DockerClient, reference: str) -> DockerImage:
    from docker.errors import ImageNotFound  # noqa: PLC0415  docker-py is slow to import

    try:
        return client.images.get(reference)
    except ImageNotFound:
        raise not_built_error(reference) from None


def _exposed_port(image: DockerImage) -> int:
    exposed: dict[str, Any] = image.attrs["Config"].get("ExposedPorts") or {}
    if not exposed:
        raise SetupError(
            f"{image.tags[0]} does not say on which port it listens. "
            "Write EXPOSE and the port into its Dockerfile, and build it again."
        )
    return min(int(port.partition("/")[0]) for port in exposed)


def _port_in_use(client: DockerClient, port: int) -> PortInUseError:
    by = client.containers.list(filters={"publish": str(port)}, ignore_removed=True)
    found = f"the container {by[0].name}" if by else holder(port)
    name = str(found) if found else None
    return PortInUseError(LOOPBACK, port, holder=name, remedy=_PORT_REMEDY)


def _start_container(client: DockerClient, container: Container, port: int) -> None:
    from docker.errors import APIError  # noqa: PLC0415

    try:
        container.start()
    except APIError as exc:
        if any(words in str(exc.explanation) for words in _PORT_IN_USE):
            raise _port_in_use(client, port) from exc
        raise


def _answers(url: str) -> bool:
    """Send a request: the engine itself accepts connections long before the app does."""
    try:
        get(url)
    except TrafficError:
        return False
    return True


def _exit_of(container: Container) -> _Exit | None:
    container.reload()
    if container.status in {"created", "running"}:
        return None
    output = container.logs(tail=LOG_TAIL_LINES).decode(errors="replace")
    return _Exit(container.attrs["State"]["ExitCode"], output.strip().splitlines())


@contextmanager
def _removed_on_failure(client: DockerClient, container: Container) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _remove(client, container, grace_s=0)
        raise


def _remove(client: DockerClient, container: Container, *, grace_s: int = STOP_TIMEOUT_S) -> None:
    """Stop and remove it in any state, also while another program removes it."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415

    try:
        if grace_s:
            container.stop(timeout=grace_s)
        container.remove(force=True)
    except NotFound:
        return
    except APIError as exc:
        if exc.status_code != 409:  # removal is already in progress
            raise
        _wait_until_removed(client, container)


def _wait_until_removed(client: DockerClient, container: Container) -> None:
    from docker.errors import NotFound  # noqa: PLC0415

    try:
        client.api.wait(str(container.id), timeout=STOP_TIMEOUT_S, condition="removed")
    except NotFound:
        return
