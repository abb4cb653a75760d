"""Where does the engine listen?

Where the docker program would look, because kind asks that program: DOCKER_HOST, else the context
that DOCKER_CONTEXT names, else the current one. Podman's socket where kind is told to use Podman.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from canarylab.commands import Tool
from canarylab.errors import EngineError


def uses_podman() -> bool:
    """Whether kind, and so everything of ours, is told to use Podman in Docker's place."""
    return os.environ.get("KIND_EXPERIMENTAL_PROVIDER") == "podman"


def program() -> Tool:
    """The program that asks this engine."""
    return "podman" if uses_podman() else "docker"


def engine_name() -> str:
    """What messages call it."""
    return "Podman" if uses_podman() else "Docker"


def address() -> str:
    """Where the engine listens: `unix:///var/run/docker.sock`."""
    if named := os.environ.get("DOCKER_HOST"):
        return named
    if uses_podman():
        return os.environ.get("CONTAINER_HOST") or f"unix://{_podman_socket()}"
    return _of_context()


def socket_of(where: str) -> Path | None:
    """The socket in an address, or None where it is no socket of this machine.

    >>> socket_of("tcp://127.0.0.1:2375") is None
    True
    """
    parts = urlsplit(where)
    return Path(parts.path) if parts.scheme in {"unix", "http+unix"} else None


def own_socket(name: str) -> Path:
    """Where an engine that runs as this user, without root, has its socket."""
    folder = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return Path(folder) / name


def _of_context() -> str:
    from docker.context import ContextAPI  # noqa: PLC0415  docker-py is slow to import

    named = os.environ.get("DOCKER_CONTEXT")  # docker-py knows only the one in Docker's settings
    try:
        context = ContextAPI.get_context(named)
    except Exception as exc:  # docker-py raises just this for a broken file
        raise _no_context(named, f"cannot be read ({exc})") from exc
    if context is None:
        raise _no_context(named, "does not exist")
    return str(context.Host)


def _no_context(named: str | None, problem: str) -> EngineError:
    from docker.context.config import get_current_context_name  # noqa: PLC0415

    name = named or get_current_context_name()
    return EngineError(
        "not running",
        f'The Docker context "{name}" {problem}',
        "Choose one that `docker context ls` lists, with `docker context use NAME`"
        f"{' or DOCKER_CONTEXT' if named else ''}.",
    )


def _podman_socket() -> Path:
    return own_socket("podman/podman.sock") if os.geteuid() else Path("/run/podman/podman.sock")
