"""Run images in containers on this machine, as `docker run -p 127.0.0.1:8888:3333` does.

The engine owns a container, so it outlives whoever started it, a killed kernel included. Each is
named by its port and carries a label with the home it belongs to: that is how the next run finds
and replaces it, and how nothing that is not ours is ever touched.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canarylab.errors import ClusterError, PortInUseError, SetupError, TrafficError
from canarylab.images.base import not_built
from canarylab.images.docker_words import in_words
from canarylab.machine.engine import engine
from canarylab.ports import LOOPBACK, holder, is_free
from canarylab.traffic.http import get

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container
    from docker.models.images import Image

LABEL = "canarylab.dev/local"
START_TIMEOUT_S, STOP_TIMEOUT_S = 15.0, 10
REPLACE_TIMEOUT_S = 1  # nobody is waiting for what the one before still has to say
_LOOK_EVERY_S = 0.02
LAST_LINES = 5
_TAKEN = ("port is already allocated", "address already in use")
_REMEDY = "End that program, or name another port with `port=`."


@dataclass(frozen=True)
class ContainerRun:
    """An image that runs in a container, and answers."""

    reference: str
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def __repr__(self) -> str:
        return f"{self.reference} answers at {self.url}"


class Containers:
    """The containers of one home, by port."""

    def __init__(self, home: Path) -> None:
        self._home = str(home.resolve())

    def start(self, reference: str, *, port: int) -> ContainerRun:
        """Run it and wait until it answers; raise PortInUseError where somebody else listens."""
        run = ContainerRun(reference, port)
        with engine() as client, in_words(f"running {reference}"):
            inside = _exposed_port(_image(client, reference))
            self._remove_left_over(client, port)
            if not is_free(port):
                raise _taken(client, port)
            container = client.containers.create(
                reference,
                name=_name(port),
                hostname=f"local-{port}",
                ports={f"{inside}/tcp": (LOOPBACK, port)},
                labels={LABEL: self._home},
                environment={"DRAIN_S": "0"},  # nobody sends traffic here while it ends
            )
            with _gone_if_it_fails(client, container):
                _start(client, container, port)
                _wait_until_it_answers(run, container)
        return run

    def running(self) -> list[ContainerRun]:
        """What runs, the first started first."""
        with engine() as client, in_words("listing the containers"):
            ours = sorted(self._ours(client), key=lambda each: str(each.attrs["Created"]))
            return [_run_of(each) for each in ours if each.status == "running"]

    def stop(self, port: int) -> bool:
        """Stop and remove; False when nothing of ours was there."""
        with engine() as client, in_words(f"stopping what runs on port {port}"):
            found = [each for each in self._ours(client) if each.name == _name(port)]
            for container in found:
                _remove(client, container)
            return bool(found)

    def stop_all(self) -> list[int]:
        """Stop and remove everything of this home; which ports are free again."""
        with engine() as client, in_words("stopping the containers"):
            found = self._ours(client)
            for container in found:
                _remove(client, container)
            return [_port_of(container) for container in found]

    def _ours(self, client: DockerClient) -> list[Container]:
        return client.containers.list(
            all=True, filters={"label": f"{LABEL}={self._home}"}, ignore_removed=True
        )

    def _remove_left_over(self, client: DockerClient, port: int) -> None:
        """What an earlier run left under this name; raise SetupError where it is not ours."""
        for container in client.containers.list(
            all=True, filters={"name": f"^/?{_name(port)}$"}, ignore_removed=True
        ):
            if container.labels.get(LABEL) != self._home:
                raise SetupError(
                    f"There is a container {container.name} that this canarylab did not start. "
                    f"Remove it with `docker rm --force {container.name}`, or name another port "
                    "with `port=`."
                )
            _remove(client, container, grace_s=REPLACE_TIMEOUT_S)


def _name(port: int) -> str:
    return f"canarylab-{port}"


def _port_of(container: Container) -> int:
    return int(str(container.name).rpartition("-")[2])


def _run_of(container: Container) -> ContainerRun:
    reference = str(container.attrs["Config"]["Image"]).removeprefix("localhost/")  # Podman's way
    return ContainerRun(reference, _port_of(container))


def _image(client: DockerClient, reference: str) -> Image:
    from docker.errors import ImageNotFound  # noqa: PLC0415  docker-py is slow to import

    try:
        return client.images.get(reference)
    except ImageNotFound:
        raise not_built(reference) from None


def _exposed_port(image: Image) -> int:
    exposed: dict[str, Any] = image.attrs["Config"].get("ExposedPorts") or {}
    if not exposed:
        raise SetupError(
            f"{image.tags[0]} does not say on which port it listens. "
            "Write EXPOSE and the port into its Dockerfile, and build it again."
        )
    return min(int(port.partition("/")[0]) for port in exposed)


def _taken(client: DockerClient, port: int) -> PortInUseError:
    by = client.containers.list(filters={"publish": str(port)}, ignore_removed=True)
    name = f"the container {by[0].name}" if by else holder(port)
    return PortInUseError(LOOPBACK, port, holder=name, remedy=_REMEDY)


def _start(client: DockerClient, container: Container, port: int) -> None:
    from docker.errors import APIError  # noqa: PLC0415

    try:
        container.start()
    except APIError as exc:
        if any(words in str(exc.explanation) for words in _TAKEN):
            raise _taken(client, port) from exc
        raise


def _wait_until_it_answers(run: ContainerRun, container: Container) -> None:
    """Ask, until there is an answer: the engine itself accepts connections long before the app."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _answers(run.url):
        container.reload()
        if container.status not in {"created", "running"}:
            said = container.logs(tail=LAST_LINES).decode(errors="replace").strip().splitlines()
            raise ClusterError(
                f"{run.reference} ended with exit status {container.attrs['State']['ExitCode']} "
                f"before it answered. It said: {' | '.join(said) or 'nothing'}"
            )
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{run.reference} runs but does not answer after {START_TIMEOUT_S:.0f} s. "
                "Does the app listen on the port that EXPOSE names?"
            )
        time.sleep(_LOOK_EVERY_S)


def _answers(url: str) -> bool:
    try:
        get(url)
    except TrafficError:
        return False
    return True


@contextmanager
def _gone_if_it_fails(client: DockerClient, container: Container) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _remove(client, container, grace_s=0)
        raise


def _remove(client: DockerClient, container: Container, *, grace_s: int = STOP_TIMEOUT_S) -> None:
    """Stop it and take it away, whatever state it is in, and whoever removes it too."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415

    try:
        if grace_s:
            container.stop(timeout=grace_s)
        container.remove(force=True)
    except NotFound:
        return
    except APIError as exc:
        if exc.status_code != 409:  # somebody removes it just now
            raise
        _wait_until_gone(client, container)


def _wait_until_gone(client: DockerClient, container: Container) -> None:
    from docker.errors import NotFound  # noqa: PLC0415

    try:
        client.api.wait(str(container.id), timeout=STOP_TIMEOUT_S, condition="removed")
    except NotFound:
        return
