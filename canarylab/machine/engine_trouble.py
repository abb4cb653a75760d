"""Why does no engine answer, and what is to be done about it?"""

from __future__ import annotations

import os

from canarylab.commands import find
from canarylab.errors import EngineError
from canarylab.machine.engine_address import (
    engine_name,
    own_socket,
    program,
    socket_of,
    uses_podman,
)
from canarylab.machine.system import remedy

MOST_LETTERS = 100  # of somebody else's words


def trouble(where: str, cause: Exception | None = None) -> EngineError:
    """Why nobody answers at this address, as far as the machine itself can tell."""
    name, socket = engine_name(), socket_of(where)
    if socket is None:
        return _far_away(where, cause)
    if os.path.exists(socket):  # noqa: PTH110  a folder that may not be entered counts as no
        if not os.access(socket, os.R_OK | os.W_OK):
            problem = f"You may not use {name}'s socket, {socket}"
            return EngineError("no permission", problem, _how_to_be_let_in())
        problem = f"{name}'s socket {socket} is there, but no engine answers{_why(cause)}"
        return EngineError("not running", problem, _how_to_start())
    if find(program()) is None:
        return EngineError("not installed", f"{name} is not installed", _how_to_install())
    problem = f"{name} is installed, but its engine does not answer at {socket}"
    return EngineError("not running", problem, _how_to_start())


def _far_away(where: str, cause: Exception | None) -> EngineError:
    if where.startswith("ssh:"):
        return EngineError(
            "not running",
            f"An engine behind ssh is out of reach ({where})",
            "Use one of this machine: the lessons look for its containers at 127.0.0.1.",
        )
    return EngineError(
        "not running",
        f"No {engine_name()} engine answers at {where}{_why(cause)}",
        "Correct DOCKER_HOST or the Docker context, or start the engine.",
    )


def _why(cause: BaseException | None) -> str:
    """What the system said, if it did; docker-py, requests and urllib3 wrap it three times."""
    words = str(cause or "")
    while cause is not None:
        if isinstance(cause, TimeoutError):
            words = "no answer in time"
        elif isinstance(cause, OSError) and cause.strerror:
            words = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return f" ({words[:MOST_LETTERS]})" if words else ""


def _how_to_start() -> str:
    if uses_podman():
        return remedy(
            {
                "Linux": f"Start it with `{_systemctl()} start podman.socket`.",
                "macOS": "Start it with `podman machine start`.",
            }
        )
    if (rootless := own_socket("docker.sock")).exists() and "DOCKER_HOST" not in os.environ:
        return f"One of your own listens at {rootless}: `docker context use rootless`."
    return remedy(
        {
            "Linux": "Start it with `sudo systemctl start docker`, or start Docker Desktop.",
            "WSL": "Start Docker Desktop in Windows, or `sudo service docker start` here.",
            "macOS": "Start Docker Desktop, or whatever runs Docker here.",
        }
    )


def _systemctl() -> str:
    return "systemctl --user" if os.geteuid() else "systemctl"


def _how_to_be_let_in() -> str:
    if uses_podman():
        return "Use your own: `systemctl --user start podman.socket`, and unset DOCKER_HOST."
    return remedy(
        {
            "Linux": "Join its group with `sudo usermod -aG docker $USER`, "
            "then log out and in again.",
            "WSL": "Join its group with `sudo usermod -aG docker $USER`, then `wsl --shutdown` "
            "in Windows.",
            "macOS": "Start Docker Desktop as this user.",
        }
    )


def _how_to_install() -> str:
    if uses_podman():
        return "See https://podman.io/docs/installation, or unset KIND_EXPERIMENTAL_PROVIDER."
    return remedy(
        {
            "Linux": "Get it with `sudo apt install docker.io`, or from "
            "https://docs.docker.com/engine/install/.",
            "WSL": "Install Docker Desktop in Windows and turn on its WSL integration for this "
            "distribution: https://docs.docker.com/desktop/features/wsl/.",
            "macOS": "Install Docker Desktop: https://docs.docker.com/desktop/.",
        }
    )
