"""How do we reach the Docker engine, and if not, what stands in the way?

The engine is asked through docker-py wherever that can do it: no text to parse, and it works where
only the engine's socket is there and not the docker program. Where it listens is told by
machine/engine_address.py, why it does not answer by machine/engine_trouble.py.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from canarylab.errors import EngineError
from canarylab.machine.engine_address import (
    address,
    engine_name,
    program,
    socket_of,
    uses_podman,
)
from canarylab.machine.engine_trouble import trouble

if TYPE_CHECKING:
    from docker import DockerClient

__all__ = ["address", "answers", "engine", "engine_name", "program", "trouble", "uses_podman"]

PING_TIMEOUT_S = 5.0
CALL_TIMEOUT_S = 60


@contextmanager
def engine(*, timeout_s: float = PING_TIMEOUT_S) -> Iterator[DockerClient]:
    """The engine, which has answered just now; raise EngineError in words where it does not.

    An engine that goes away while it is used is an EngineError too.
    """
    import requests  # noqa: PLC0415  slow to import, as docker-py is

    where = address()
    client = _connected(where, timeout_s)
    try:
        client.api.timeout = CALL_TIMEOUT_S
        yield client
    except (requests.ConnectionError, requests.Timeout) as exc:
        raise trouble(where, exc) from exc
    finally:
        client.close()


def answers() -> bool:
    """Does an engine answer?"""
    try:
        with engine():
            return True
    except EngineError:
        return False


def _connected(where: str, timeout_s: float) -> DockerClient:
    import docker  # noqa: PLC0415
    from docker.errors import DockerException  # noqa: PLC0415
    from docker.utils import kwargs_from_env  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    _knock(where, timeout_s)
    try:
        # DOCKER_TLS_VERIFY and DOCKER_CERT_PATH count where DOCKER_HOST names the engine
        named: dict[str, Any] = {"base_url": where, **kwargs_from_env()}
        version = _api_version(named, timeout_s)
        return docker.DockerClient(**named, version=version)
    except (DockerException, RequestException, ValueError, KeyError) as exc:
        raise trouble(where, exc) from exc


def _knock(where: str, timeout_s: float) -> None:
    """Raise EngineError where nobody is behind a socket; docker-py would leave its end open."""
    path = socket_of(where)
    if path is None:
        return
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(timeout_s)
        try:
            door.connect(str(path))
        except OSError as exc:
            raise trouble(where, exc) from exc


def _api_version(named: dict[str, Any], timeout_s: float) -> str:
    """What the engine speaks. docker-py could ask itself, but leaves sockets open if that fails."""
    import docker  # noqa: PLC0415
    from docker.constants import MINIMUM_DOCKER_API_VERSION  # noqa: PLC0415

    # docker-py takes fractions of a second; its types do not know
    asking = docker.APIClient(**named, version=MINIMUM_DOCKER_API_VERSION, timeout=timeout_s)  # type: ignore[arg-type]
    with closing(asking):
        return str(asking.version(api_version=False)["ApiVersion"])
