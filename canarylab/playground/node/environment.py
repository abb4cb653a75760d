"""The command and the environment of a container.

The environment has five layers, of which later ones win: what every process needs, the image's,
that of Services, the pod's (`envFrom`, then `env`), and what the playground requires. Nothing of
the daemon's own environment is passed on, except language and time zone.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from canarylab.kube_objects import Object, parse_integer
from canarylab.playground.images import DEFAULT_PATH, Image, map_paths
from canarylab.playground.kube.api import Api
from canarylab.playground.kube.quantities import parse_quantity
from canarylab.playground.node.pod_root import HOME
from canarylab.playground.node.process import Command
from canarylab.playground.node.reaper import RUN_ID
from canarylab.playground.node.references import (
    ConfigError,
    PodAddress,
    References,
    read_references,
)
from canarylab.playground.node.service_variables import read_service_variables
from canarylab.playground.nodejs import POD_IP, debug_on, node_options, path_in_folder

MAX_EXPANDED = 128 * 1024
"""Characters of one argument or variable: the limit of the kernel, MAX_ARG_STRLEN."""
MAX_HOST_NAME = 63
_TOO_LONG = (
    f"an argument or variable has more than {MAX_EXPANDED} characters after $(NAME) is expanded"
)
_FROM_DAEMON = ("LANG", "LC_ALL", "TZ")
_VARIABLE = re.compile(r"\$(?:\$|\((?P<name>[^()]*)\))")


class PodSettings(NamedTuple):
    """The values of the variables that the playground sets."""

    address: PodAddress
    run_id: str
    home: Path
    compile_cache: Path
    has_own_root: bool = False
    """Whether the paths are those of the image, as `pod_root` makes them."""


async def build_command(
    api: Api, pod: Object, container: Object, image: Image, settings: PodSettings
) -> Command:
    """Build the command of a container; raise ConfigError if the manifest refers to nothing."""
    references = await read_references(api, pod, settings.address)
    for folder in (settings.home, settings.compile_cache):
        folder.mkdir(parents=True, exist_ok=True)
    services = await read_service_variables(api, pod)
    variables = services | manifest_variables(container, references, services)
    argv = command_line(container, image, variables)
    if not argv:
        raise ConfigError("no command specified: neither the pod nor its image says what to run")
    if not settings.has_own_root:
        argv = [map_paths(word, image.root) for word in argv]
    return Command(
        argv=[debug_on(word, settings.address.ip) for word in argv],
        environment=environment(pod, variables, image, settings, memory=memory_limit(container)),
        folder=_working_folder(container, image, settings),
        stop_signal=stop_signal(image.stop_signal),
    )


def memory_limit(container: Object) -> int | None:
    """Return the limit for the container's memory, in bytes.

    >>> memory_limit({"resources": {"limits": {"memory": "1Gi"}}}), memory_limit({})
    (1073741824, None)
    """
    limit = (container.get("resources") or {}).get("limits", {}).get("memory")
    return int(parse_quantity(limit)) if limit is not None else None


def environment(
    pod: Object,
    manifest: Mapping[str, str],
    image: Image,
    settings: PodSettings,
    *,
    memory: int | None = None,
) -> dict[str, str]:
    """Return the whole environment; `manifest` has the variables of the manifest and of Services.

    `memory` is the container's limit in bytes.
    """
    ip, own = settings.address.ip, {**image.env, **manifest}.get("NODE_OPTIONS", "")
    variables = {name: os.environ[name] for name in _FROM_DAEMON if name in os.environ}
    variables |= {"PATH": DEFAULT_PATH, "NODE_COMPILE_CACHE": str(settings.compile_cache)}
    home = HOME if settings.has_own_root else str(settings.home)
    variables |= {"HOME": home, "HOSTNAME": host_name(pod)}
    variables |= image.env
    variables |= manifest
    path = variables["PATH"]
    return variables | {
        "PATH": path if settings.has_own_root else path_in_folder(path, image.root),
        "NODE_OPTIONS": node_options(debug_on(own, ip), memory=memory, debug_host=ip),
        POD_IP: ip,
        RUN_ID: settings.run_id,
    }


def host_name(pod: Object) -> str:
    """Return the host name of a pod: what it asks for, or its own name up to 63 characters.

    >>> host_name({"metadata": {"name": "web-1"}, "spec": {"hostname": "busybox-1"}})
    'busybox-1'
    """
    name: str = pod["metadata"]["name"]
    return str(pod["spec"].get("hostname") or name[:MAX_HOST_NAME].rstrip("-."))


def manifest_variables(
    container: Object, references: References, services: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the variables of the manifest; a value may use those before it and of Services.

    Raise ConfigError for a ConfigMap, a Secret or a key that does not exist.
    """
    variables: dict[str, str] = {}
    for source in container.get("envFrom", []):
        kind = "ConfigMap" if "configMapRef" in source else "Secret"
        texts = references.texts(kind, source.get("configMapRef") or source.get("secretRef", {}))
        prefix = source.get("prefix", "")
        variables |= {f"{prefix}{name}": value for name, value in texts.items()}
    for entry in container.get("env", []):
        if "valueFrom" not in entry:
            variables[entry["name"]] = expand(
                entry.get("value", ""), {**(services or {}), **variables}
            )
        elif (value := references.value(entry["valueFrom"], container)) is not None:
            variables[entry["name"]] = value
    return variables


def command_line(container: Object, image: Image, variables: Mapping[str, str]) -> list[str]:
    """Return the argv: `command` replaces the image's ENTRYPOINT and CMD, `args` only the CMD."""
    command = [expand(word, variables) for word in container.get("command") or []]
    args = [expand(word, variables) for word in container.get("args") or []]
    if command:
        return command + args
    return [*image.entrypoint, *(args or image.command)]


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace every `$(NAME)` by the variable; an unknown one stays as it is.

    Two dollar signs stand for one, so that `$$(NAME)` is not replaced. Raise ConfigError if the
    text becomes longer than a program may be given.

    >>> expand("--port=$(PORT) $(NOBODY) $$(PORT)", {"PORT": "3333"})
    '--port=3333 $(NOBODY) $(PORT)'
    """
    size = len(text)

    def replacement(match: re.Match[str]) -> str:
        nonlocal size
        value = "$" if match["name"] is None else variables.get(match["name"], match[0])
        size += len(value) - len(match[0])
        if size > MAX_EXPANDED:
            raise ConfigError(_TOO_LONG)
        return value

    return _VARIABLE.sub(replacement, text)


def stop_signal(text: str) -> int:
    """Return the number of a signal that a Dockerfile gives by name or by number.

    >>> stop_signal("SIGINT"), stop_signal("INT"), stop_signal("2")
    (2, 2, 2)
    """
    if (number := parse_integer(text)) is not None:
        return number
    name = f"SIG{text.upper().removeprefix('SIG')}"
    return int(getattr(signal, name, signal.SIGTERM))


def _working_folder(container: Object, image: Image, settings: PodSettings) -> Path:
    """Create the working folder if it is missing, as container runtimes do."""
    working_dir = container.get("workingDir")
    if settings.has_own_root and "\0" not in (working_dir or ""):  # created with the root
        return Path("/", working_dir or image.working_dir)
    folder = image.root / working_dir.lstrip("/") if working_dir else image.working_folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise ConfigError(f"failed to create the working directory: {error}") from error
    return folder
