"""The Docker engine of this machine: reaching it with docker-py, and findings about it.

The engine's address is the one that the docker program would use, because kind runs that program:
DOCKER_HOST, else the context that DOCKER_CONTEXT names, else the current one. Any engine with
Docker's API will do; Podman's socket, named by DOCKER_HOST, is one.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from canarylab import external_tools, machine
from canarylab.errors import ClusterError, EngineError
from canarylab.machine import Finding

if TYPE_CHECKING:
    from docker import DockerClient

PING_TIMEOUT_S = 5.0
CALL_TIMEOUT_S = 60
MAX_QUOTED_CHARACTERS = 100  # of an error message

DOCKER_FOR = "containers in lesson 01, and the kind cluster"
CGROUPS_FOR = "the kind cluster: Kubernetes 1.35 and later run only on cgroup v2"


@contextmanager
def engine(*, timeout_s: float = PING_TIMEOUT_S) -> Iterator[DockerClient]:
    """A client of the engine, which has just answered; raise EngineError if it does not.

    An engine that goes away while it is used is an EngineError too.
    """
    import requests  # noqa: PLC0415  slow to import, as docker-py is

    where = address()
    client = _connect(where, timeout_s)
    try:
        client.api.timeout = CALL_TIMEOUT_S
        yield client
    except (requests.ConnectionError, requests.Timeout) as exc:
        raise unreachable_error(where, exc) from exc
    finally:
        client.close()


def engine_answers() -> bool:
    """Whether an engine answers."""
    try:
        with engine():
            return True
    except EngineError:
        return False


def address() -> str:
    """The engine's address: `unix:///var/run/docker.sock`."""
    if named := os.environ.get("DOCKER_HOST"):
        return named
    from docker.context import ContextAPI  # noqa: PLC0415  docker-py is slow to import

    named = os.environ.get("DOCKER_CONTEXT")  # docker-py reads only the one in Docker's settings
    try:
        context = ContextAPI.get_context(named)
    except Exception as exc:  # docker-py raises just this for a broken file
        raise _no_context(named, f"cannot be read ({exc})") from exc
    if context is None:
        raise _no_context(named, "does not exist")
    return str(context.Host)


def unreachable_error(where: str, cause: Exception | None = None) -> EngineError:
    """Return the error for an address where no engine answers, with the likely reason."""
    socket_path = _socket_path(where)
    if socket_path is None:
        return _remote_error(where, cause)
    if os.path.exists(socket_path):  # noqa: PTH110  False for a folder that may not be entered
        if not os.access(socket_path, os.R_OK | os.W_OK):
            problem = f"You may not use Docker's socket, {socket_path}"
            return EngineError("no permission", problem, _how_to_get_permission())
        problem = f"Docker's socket {socket_path} is there, but no engine answers{_quote(cause)}"
        return EngineError("not running", problem, _how_to_start())
    if external_tools.find("docker") is None:
        return EngineError("not installed", "Docker is not installed", _how_to_install())
    problem = f"Docker is installed, but its engine does not answer at {socket_path}"
    return EngineError("not running", problem, _how_to_start())


@contextmanager
def engine_errors(action: str) -> Iterator[None]:
    """Turn docker-py's errors into a ClusterError that says which action the engine refused."""
    from docker.errors import DockerException  # noqa: PLC0415  docker-py is slow to import
    from requests.exceptions import ConnectionError as LostError  # noqa: PLC0415
    from requests.exceptions import RequestException, Timeout  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        yield
    except (LostError, Timeout):
        raise  # `engine` turns it into an EngineError
    except (DockerException, RequestException, HTTPError) as exc:
        reason = str(getattr(exc, "explanation", None) or exc).strip().rstrip(".")
        raise ClusterError(
            f"The engine failed at {action}: {reason}. Correct the problem, and try again."
        ) from exc


def docker_and_cgroups(timeout_s: float = PING_TIMEOUT_S) -> tuple[Finding, Finding]:
    """Whether an engine answers, and whether its containers run under cgroup v2; one request."""
    try:
        with engine(timeout_s=timeout_s) as client:
            info: dict[str, Any] = client.info()
    except EngineError as exc:
        return (
            Finding("Docker", "missing", exc.problem, DOCKER_FOR, exc.remedy),
            Finding(
                "cgroups",
                "missing",
                "Unknown until Docker answers",
                CGROUPS_FOR,
                "First start Docker.",
            ),
        )
    system = str(info.get("OperatingSystem") or "an unnamed system")
    words = f"Docker {info.get('ServerVersion', 'of unknown version')} answers ({system})"
    return Finding("Docker", "fine", words, DOCKER_FOR), _cgroups(info)


def docker_program() -> Finding:
    """Whether the docker program is installed too: kind runs it, and does not use the socket."""
    needed_for = "the kind cluster"
    if external_tools.find("docker") is not None:
        return Finding("docker", "fine", "The program docker is installed", needed_for)
    words = "Docker answers, but its program docker is not on PATH"
    remedy = "Install Docker's command line, because kind works through it."
    return Finding("docker", "missing", words, needed_for, remedy)


def port_of_container(found: Finding) -> Finding:
    """The finding about a port, with the container in place of the program that forwards to it."""
    if found.is_available or not found.what.startswith("port "):
        return found
    try:
        with engine() as client:
            containers: list[dict[str, Any]] = client.api.containers()
    except EngineError:
        return found
    number = int(found.what.removeprefix("port "))
    for each in containers:
        if number in {port.get("PublicPort") for port in each.get("Ports") or []}:
            name = each["Names"][0].removeprefix("/")
            words = f"Port {number} is in use by the container {name}"
            return found._replace(words=words, remedy=f"Stop it with `docker stop {name}`.")
    return found


def _connect(where: str, timeout_s: float) -> DockerClient:
    import docker  # noqa: PLC0415
    from docker.errors import DockerException  # noqa: PLC0415
    from docker.utils import kwargs_from_env  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    _require_listener(where, timeout_s)
    try:
        # DOCKER_TLS_VERIFY and DOCKER_CERT_PATH count if DOCKER_HOST names the engine
        named: dict[str, Any] = {"base_url": where, **kwargs_from_env()}
        version = _api_version(named, timeout_s)
        return docker.DockerClient(**named, version=version)
    except (DockerException, RequestException, ValueError, KeyError) as exc:
        raise unreachable_error(where, exc) from exc


def _require_listener(where: str, timeout_s: float) -> None:
    """Raise EngineError if no process listens at a socket; docker-py would leak the socket."""
    path = _socket_path(where)
    if path is None:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(timeout_s)
        try:
            probe.connect(str(path))
        except OSError as exc:
            raise unreachable_error(where, exc) from exc


def _api_version(named: dict[str, Any], timeout_s: float) -> str:
    """The engine's API version; docker-py's own negotiation leaves sockets open when it fails."""
    import docker  # noqa: PLC0415
    from docker.constants import MINIMUM_DOCKER_API_VERSION  # noqa: PLC0415

    # docker-py takes fractions of a second; its types do not know
    client = docker.APIClient(**named, version=MINIMUM_DOCKER_API_VERSION, timeout=timeout_s)  # type: ignore[arg-type]
    with closing(client):
        return str(client.version(api_version=False)["ApiVersion"])


def _socket_path(where: str) -> Path | None:
    parts = urlsplit(where)
    return Path(parts.path) if parts.scheme in {"unix", "http+unix"} else None


def _no_context(named: str | None, problem: str) -> EngineError:
    from docker.context.config import get_current_context_name  # noqa: PLC0415

    name = named or get_current_context_name()
    return EngineError(
        "not running",
        f'The Docker context "{name}" {problem}',
        "Choose one that `docker context ls` lists, with `docker context use NAME`"
        f"{' or DOCKER_CONTEXT' if named else ''}.",
    )


def _remote_error(where: str, cause: Exception | None) -> EngineError:
    if where.startswith("ssh:"):
        return EngineError(
            "not running",
            f"An engine behind ssh is out of reach ({where})",
            "Use one of this machine: the lessons reach its containers at 127.0.0.1.",
        )
    return EngineError(
        "not running",
        f"No Docker engine answers at {where}{_quote(cause)}",
        "Correct DOCKER_HOST or the Docker context, or start the engine.",
    )


def _quote(cause: BaseException | None) -> str:
    """The operating system's reason; docker-py, requests and urllib3 wrap it three times."""
    words = str(cause or "")
    while cause is not None:
        if isinstance(cause, TimeoutError):
            words = "no answer in time"
        elif isinstance(cause, OSError) and cause.strerror:
            words = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return f" ({words[:MAX_QUOTED_CHARACTERS]})" if words else ""


def _how_to_start() -> str:
    folder = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    rootless = Path(folder) / "docker.sock"
    if rootless.exists() and "DOCKER_HOST" not in os.environ:
        return f"One of your own listens at {rootless}: `docker context use rootless`."
    return machine.remedy(
        {
            "Linux": "Start it with `sudo systemctl start docker`, or start Docker Desktop.",
            "WSL": "Start Docker Desktop in Windows, or `sudo service docker start` here.",
            "macOS": "Start Docker Desktop, or whatever runs Docker here.",
        }
    )


def _how_to_get_permission() -> str:
    return machine.remedy(
        {
            "Linux": "Join its group with `sudo usermod -aG docker $USER`, "
            "then log out and in again.",
            "WSL": "Join its group with `sudo usermod -aG docker $USER`, then `wsl --shutdown` "
            "in Windows.",
            "macOS": "Start Docker Desktop as this user.",
        }
    )


def _how_to_install() -> str:
    return machine.remedy(
        {
            "Linux": "Get it with `sudo apt install docker.io`, or from "
            "https://docs.docker.com/engine/install/.",
            "WSL": "Install Docker Desktop in Windows and turn on its WSL integration for this "
            "distribution: https://docs.docker.com/desktop/features/wsl/.",
            "macOS": "Install Docker Desktop: https://docs.docker.com/desktop/.",
        }
    )


def _cgroups(info: dict[str, Any]) -> Finding:
    version = str(info.get("CgroupVersion") or "1")  # engines before 20.10 had only that one
    words = f"Containers run under cgroup v{version}"
    if version == "2":
        return Finding("cgroups", "fine", words, CGROUPS_FOR)
    if "Docker Desktop" in str(info.get("OperatingSystem")):
        return Finding("cgroups", "missing", words, CGROUPS_FOR, "Update Docker Desktop.")
    remedy = machine.remedy(
        {
            "Linux": "Add systemd.unified_cgroup_hierarchy=1 to the kernel's command line and "
            "start it again, or use a newer distribution.",
            "WSL": "Run `wsl --update` in Windows, put `[wsl2]` and "
            "`kernelCommandLine=cgroup_no_v1=all` into .wslconfig, then `wsl --shutdown`.",
            "macOS": "Update Docker Desktop, or whatever runs the engine.",
        }
    )
    return Finding("cgroups", "missing", words, CGROUPS_FOR, remedy)
