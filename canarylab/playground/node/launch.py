"""What exactly is started for a container of a pod?"""

from __future__ import annotations

import signal
from pathlib import Path

from canarylab.playground.images import Image
from canarylab.playground.kube.api import Api, Object
from canarylab.playground.kube.objects import key_of
from canarylab.playground.node.environment import (
    ConfigError,
    ConfigMaps,
    Surroundings,
    environment,
    from_pod,
    words,
)
from canarylab.playground.node.process import Command
from canarylab.playground.node.tools import Place, Tools


async def command_for(
    tools: Tools, place: Place, container: Object, image: Image, container_id: str
) -> Command:
    """The command, its environment and its folder; raise ConfigError if the manifest cannot be."""
    config_maps = await _config_maps(tools.api, place.pod, container)
    surroundings = Surroundings(
        ip=place.ip,
        mark=tools.guard.mark_of(container_id),
        home=tools.folder_of(place.pod) / "home",
        compile_cache=tools.home.playground / "compile-cache",
    )
    surroundings.home.mkdir(parents=True, exist_ok=True)
    own = from_pod(place.pod, container, config_maps, ip=place.ip, host_ip=tools.addresses.node)
    command_line = words(container, image, own)
    if not command_line:
        raise ConfigError("no command specified: neither the pod nor its image says what to run")
    return Command(
        words=command_line,
        environment=environment(place.pod, own, image, surroundings),
        folder=_folder(container, image),
        stop_signal=stop_signal(image.stop_signal),
    )


def stop_signal(written: str) -> int:
    """A Dockerfile may say it by name or by number.

    >>> stop_signal("SIGINT"), stop_signal("INT"), stop_signal("2")
    (2, 2, 2)
    """
    if written.isdecimal():
        return int(written)
    name = f"SIG{written.upper().removeprefix('SIG')}"
    return int(getattr(signal, name, signal.SIGTERM))


def _folder(container: Object, image: Image) -> Path:
    """Made if it is not there, as container runtimes do."""
    wanted = container.get("workingDir")
    folder = image.root / wanted.lstrip("/") if wanted else image.working_folder
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def _config_maps(api: Api, pod: Object, container: Object) -> ConfigMaps:
    """Those of the pod's namespace, if the container mentions any."""
    if "envFrom" not in container and not any("valueFrom" in e for e in container.get("env", [])):
        return {}
    return {key_of(found): found for found in await api.list("ConfigMap", key_of(pod).namespace)}
