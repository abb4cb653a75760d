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
from typing import Any, NamedTuple

from canarylab.kube_objects import Key, Object, key_of, parse_integer
from canarylab.playground.images import DEFAULT_PATH, Image
from canarylab.playground.kube.api import Api
from canarylab.playground.node.pod_root import HOME
from canarylab.playground.node.process import Command
from canarylab.playground.node.reaper import RUN_ID
from canarylab.playground.nodejs import POD_IP, node_options, path_with_nodejs

MAX_EXPANDED = 128 * 1024
"""Characters of one argument or variable: the limit of the kernel, MAX_ARG_STRLEN."""
_TOO_LONG = (
    f"an argument or variable has more than {MAX_EXPANDED} characters after $(NAME) is expanded"
)
_FROM_DAEMON = ("LANG", "LC_ALL", "TZ")
_NO_SECRETS = "the playground has no Secrets; use a ConfigMap here, or a cluster on kind"
_SUPPORTED_SOURCES = (
    "the playground supports fieldRef and configMapKeyRef only; write the value itself"
)
_VARIABLE = re.compile(r"\$(?:\$|\((?P<name>[^()]*)\))")

ConfigMaps = Mapping[Key, Object]


class ConfigError(Exception):
    """The manifest refers to something that is missing; the message is in Kubernetes' words."""


class PodSettings(NamedTuple):
    """The values of the variables that the playground sets."""

    ip: str
    host_ip: str
    """The address of the node."""
    run_id: str
    home: Path
    compile_cache: Path
    has_own_root: bool = False
    """Whether the paths are those of the image, as `pod_root` makes them."""


async def build_command(
    api: Api, pod: Object, container: Object, image: Image, settings: PodSettings
) -> Command:
    """Build the command of a container; raise ConfigError if the manifest refers to nothing."""
    config_maps = await _config_maps(api, pod, container)
    for folder in (settings.home, settings.compile_cache):
        folder.mkdir(parents=True, exist_ok=True)
    variables = manifest_variables(
        pod, container, config_maps, ip=settings.ip, host_ip=settings.host_ip
    )
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
        "PATH": path if settings.has_own_root else path_with_nodejs(path),
        "NODE_OPTIONS": node_options(variables.get("NODE_OPTIONS", "")),
        POD_IP: settings.ip,
        RUN_ID: settings.run_id,
    }


def manifest_variables(
    pod: Object, container: Object, config_maps: ConfigMaps, *, ip: str, host_ip: str
) -> dict[str, str]:
    """Return the variables of the manifest; a value may use the variables before it.

    Raise ConfigError for a ConfigMap, a key or a field that does not exist.
    """
    variables: dict[str, str] = {}
    for source in container.get("envFrom", []):
        variables |= _from_source(pod, source, config_maps)
    for entry in container.get("env", []):
        if "valueFrom" not in entry:
            variables[entry["name"]] = expand(entry.get("value", ""), variables)
            continue
        value = _value_from(pod, entry["valueFrom"], config_maps, ip=ip, host_ip=host_ip)
        if value is not None:
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


async def _config_maps(api: Api, pod: Object, container: Object) -> ConfigMaps:
    """List those of the pod's namespace, if the container refers to any."""
    if "envFrom" not in container and not any("valueFrom" in e for e in container.get("env", [])):
        return {}
    return {key_of(each): each for each in await api.list("ConfigMap", key_of(pod).namespace)}


def _from_source(pod: Object, source: Object, config_maps: ConfigMaps) -> dict[str, str]:
    if "configMapRef" not in source:
        raise ConfigError(_NO_SECRETS)
    reference, prefix = source["configMapRef"], source.get("prefix", "")
    config_map = _config_map(pod, reference, config_maps)
    entries = (config_map or {}).get("data") or {}
    return {f"{prefix}{name}": value for name, value in entries.items()}


def _value_from(
    pod: Object, source: Object, config_maps: ConfigMaps, *, ip: str, host_ip: str
) -> str | None:
    if "fieldRef" in source:
        return _field(pod, source["fieldRef"].get("fieldPath", ""), ip=ip, host_ip=host_ip)
    if "configMapKeyRef" not in source:
        raise ConfigError(_NO_SECRETS if "secretKeyRef" in source else _SUPPORTED_SOURCES)
    reference = source["configMapKeyRef"]
    config_map = _config_map(pod, reference, config_maps)
    if config_map is None:
        return None
    key = reference.get("key", "")
    value: str | None = (config_map.get("data") or {}).get(key)
    if value is None and not reference.get("optional"):
        name = f"{pod['metadata']['namespace']}/{reference.get('name', '')}"
        raise ConfigError(f"couldn't find key {key} in ConfigMap {name}")
    return value


def _config_map(pod: Object, reference: Object, config_maps: ConfigMaps) -> Object | None:
    name = reference.get("name", "")
    config_map = config_maps.get(Key(key_of(pod).namespace, name))
    if config_map is None and not reference.get("optional"):
        raise ConfigError(f'configmap "{name}" not found')
    return config_map


def _field(pod: Object, path: str, *, ip: str, host_ip: str) -> str:
    addresses = {"status.podIP": ip, "status.podIPs": ip, "status.hostIP": host_ip}
    if path in addresses:
        return addresses[path]
    value: Any = pod
    fields, _, quoted = path.partition("['")
    for name in fields.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if quoted:
        value = value.get(quoted.removesuffix("']"), "") if isinstance(value, dict) else None
    if not isinstance(value, str):
        raise ConfigError(f"the playground does not support the field {path} in fieldRef")
    return value
