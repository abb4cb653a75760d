"""Which environment does a container see?

Four layers, later ones winning: what every process needs, the image's, the pod's (`envFrom`,
then `env`), and what the playground must be sure of. Nothing of the daemon's own environment
gets in, except language and time zone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from canarylab.playground.home import path_with_node
from canarylab.playground.images import Image
from canarylab.playground.kube.api import Key, Object
from canarylab.playground.kube.objects import key_of
from canarylab.playground.node.expansion import expand
from canarylab.playground.node.sweep import MARK

PRELOAD = Path(__file__).with_name("preload.cjs")
POD_IP = "CANARYLAB_POD_IP"
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SMALL_HEAP = "--max-old-space-size=64 --max-semi-space-size=1"  # MB: 59 instead of 87 under load
_FROM_THE_DAEMON = ("LANG", "LC_ALL", "TZ")

ConfigMaps = Mapping[Key, Object]


class Surroundings(NamedTuple):
    """What a container is told of where it runs."""

    ip: str
    mark: str
    home: Path
    """A folder of the pod's own."""
    compile_cache: Path


class ConfigError(Exception):
    """The environment names something that is not there; in Kubernetes' words."""


def environment(
    pod: Object, own: Mapping[str, str], image: Image, surroundings: Surroundings
) -> dict[str, str]:
    """All of it; `own` is what the manifest sets."""
    variables = {name: os.environ[name] for name in _FROM_THE_DAEMON if name in os.environ}
    variables |= {"PATH": _USUAL_PATH, "NODE_COMPILE_CACHE": str(surroundings.compile_cache)}
    variables |= {"HOME": str(surroundings.home), "HOSTNAME": pod["metadata"]["name"]}
    variables |= image.env
    variables |= own
    return variables | {
        "PATH": path_with_node(variables["PATH"]),
        "NODE_OPTIONS": node_options(variables.get("NODE_OPTIONS", "")),
        POD_IP: surroundings.ip,
        MARK: surroundings.mark,
    }


def from_pod(
    pod: Object, container: Object, config_maps: ConfigMaps, *, ip: str, host_ip: str
) -> dict[str, str]:
    """What the manifest sets; a value may use the variables before it.

    Raise ConfigError for a ConfigMap, a key or a field that is not there.
    """
    variables: dict[str, str] = {}
    for source in container.get("envFrom", []):
        variables |= _from_source(pod, source, config_maps)
    for entry in container.get("env", []):
        if "valueFrom" not in entry:
            variables[entry["name"]] = expand(entry.get("value", ""), variables)
            continue
        found = _value_from(pod, entry["valueFrom"], config_maps, ip=ip, host_ip=host_ip)
        if found is not None:
            variables[entry["name"]] = found
    return variables


def words(container: Object, image: Image, variables: Mapping[str, str]) -> list[str]:
    """The command line: `command` replaces the image's ENTRYPOINT and CMD, `args` only the CMD."""
    own_command = [expand(word, variables) for word in container.get("command") or []]
    own_arguments = [expand(word, variables) for word in container.get("args") or []]
    if own_command:
        return own_command + own_arguments
    return [*image.entrypoint, *(own_arguments or image.command)]


def node_options(own: str) -> str:
    """For NODE_OPTIONS: the preload and a small heap, then `own`, which so wins."""
    preload = str(PRELOAD).replace("\\", "\\\\").replace('"', '\\"')
    return f'--require "{preload}" {_SMALL_HEAP} {own}'.strip()


def _from_source(pod: Object, source: Object, config_maps: ConfigMaps) -> dict[str, str]:
    if "configMapRef" not in source:
        raise ConfigError(_NO_SECRETS)
    reference, prefix = source["configMapRef"], source.get("prefix", "")
    config_map = _config_map(pod, reference, config_maps)
    entries = (config_map or {}).get("data") or {}
    return {f"{prefix}{name}": value for name, value in entries.items()}


_NO_SECRETS = "the playground has no Secrets; use a ConfigMap here, or a cluster on kind"


def _value_from(
    pod: Object, source: Object, config_maps: ConfigMaps, *, ip: str, host_ip: str
) -> str | None:
    if "fieldRef" in source:
        return _field(pod, source["fieldRef"]["fieldPath"], ip=ip, host_ip=host_ip)
    if "configMapKeyRef" not in source:
        raise ConfigError(_NO_SECRETS if "secretKeyRef" in source else _ONLY_THESE)
    reference = source["configMapKeyRef"]
    config_map = _config_map(pod, reference, config_maps)
    if config_map is None:
        return None
    value: str | None = (config_map.get("data") or {}).get(reference["key"])
    if value is None and not reference.get("optional"):
        where = f"{pod['metadata']['namespace']}/{reference['name']}"
        raise ConfigError(f"couldn't find key {reference['key']} in ConfigMap {where}")
    return value


_ONLY_THESE = "the playground knows fieldRef and configMapKeyRef only; write the value itself"


def _config_map(pod: Object, reference: Object, config_maps: ConfigMaps) -> Object | None:
    """None if it is not there and need not be."""
    found = config_maps.get(Key(key_of(pod).namespace, reference["name"]))
    if found is None and not reference.get("optional"):
        raise ConfigError(f'configmap "{reference["name"]}" not found')
    return found


def _field(pod: Object, path: str, *, ip: str, host_ip: str) -> str:
    known = {"status.podIP": ip, "status.podIPs": ip, "status.hostIP": host_ip}
    if path in known:
        return known[path]
    here: Any = pod
    root, _, quoted = path.partition("['")
    for step in root.split("."):
        here = (here or {}).get(step)
    if quoted:
        here = (here or {}).get(quoted.removesuffix("']"), "")
    if not isinstance(here, str):
        raise ConfigError(f"field {path} is not one the playground knows")
    return here
