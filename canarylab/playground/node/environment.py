"""The command and the environment of a container.

The environment has four layers, of which later ones win: what every process needs, the image's,
the pod's (`envFrom`, then `env`), and what the playground requires. Nothing of the daemon's own
environment is passed on, except language and time zone.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from canarylab.kube_objects import Object, parse_integer
from canarylab.playground.images import DEFAULT_PATH, Image
from canarylab.playground.kube.api import Api
from canarylab.playground.node.pod_root import HOME
from canarylab.playground.node.process import Command
from canarylab.playground.node.reaper import RUN_ID
from canarylab.playground.node.references import (
    ConfigError,
    PodAddress,
    References,
    read_references,
)
from canarylab.playground.nodejs import POD_IP, node_options, path_in_folder

MAX_EXPANDED = 128 * 1024
"""Characters of one argument or variable: the limit of the kernel, MAX_ARG_STRLEN."""
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
    variables = manifest_variables(container, references)
    argv = command_line(container, image, variables)
    if not argv:
        raise ConfigError("no command specified: neither the pod nor its image says what to run")
    return Command(
        argv=argv,
        environment=environment(pod, variables, image, settings),
        folder=_working_folder(container, image, settings),
        stop_signal=stop_signal(image.stop_signal),
    )


def environment(
    pod: Object, manifest: Mapping[str, str], image: Image, settings: PodSettings
) -> dict[str, str]:
    """Return the whole environment; `manifest` has the variables of the manifest."""
    variables = {name: os.environ[name] for name in _FROM_DAEMON if name in os.environ}
    variables |= {"PATH": DEFAULT_PATH, "NODE_COMPILE_CACHE": str(settings.compile_cache)}
    home = HOME if settings.has_own_root else str(settings.home)
    variables |= {"HOME": home, "HOSTNAME": pod["metadata"]["name"]}
    variables |= image.env
    variables |= manifest
    path = variables["PATH"]
    return variables | {
        "PATH": path if settings.has_own_root else path_in_folder(path, image.root),
        "NODE_OPTIONS": node_options(variables.get("NODE_OPTIONS", "")),
        POD_IP: settings.address.ip,
        RUN_ID: settings.run_id,
    }


def manifest_variables(container: Object, references: References) -> dict[str, str]:
    """Return the variables of the manifest; a value may use the variables before it.

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
            variables[entry["name"]] = expand(entry.get("value", ""), variables)
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
