"""Volumes of a pod, as the kubelet makes them, and where its containers see them.

Files of ConfigMaps, Secrets and the pod's own fields are in a folder of their own, to which the
link `..data` points; a change makes another folder and moves the link. So a container sees all old
files or all new ones, and one that keeps a file open, or has it by `subPath`, keeps the old file.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import permutations
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from canarylab.errors import reason
from canarylab.kube_objects import Object, parse_timestamp
from canarylab.playground.node.environment import expand
from canarylab.playground.node.references import ConfigError, References

_DATA, _NEW_DATA = "..data", "..data_tmp"
_DEFAULT_MODE = 0o644
_VARIABLE = re.compile(r"\$\(([^()]*)\)")
_YEAR_S = 365 * 24 * 3600
_OWN_FOLDER = "emptyDir"
_INSTEAD = "use an emptyDir, whose files last as long as the pod, or a cluster on kind"


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine that a container sees at a path.

    >>> Mount(Path("/machine/pods/a/volumes/config"), "/etc/app/config", read_only=True).path
    '/etc/app/config'
    """

    source: Path
    path: str
    """Absolute, as the container sees it."""
    read_only: bool


class File(NamedTuple):
    """A file of a volume."""

    data: bytes
    mode: int


class VolumeError(Exception):
    """A volume cannot be made; the message is the kubelet's."""

    def __init__(self, volume: str, problem: str) -> None:
        super().__init__(f'MountVolume.SetUp failed for volume "{volume}" : {problem}')


def make_volumes(folder: Path, references: References, now: datetime) -> None:
    """Make the volumes of a pod in a folder, or bring their files up to date; raise VolumeError."""
    for volume in references.pod["spec"].get("volumes", []):
        name = volume["name"]
        try:
            if _OWN_FOLDER in volume:
                _make_own_folder(folder / name)
            else:
                write_files(folder / name, volume_files(volume, references), now)
        except OSError as error:
            raise VolumeError(name, reason(error).lower()) from error
        except (ConfigError, ValueError) as error:
            raise VolumeError(name, str(error)) from error


def volume_files(volume: Object, references: References) -> dict[str, File]:
    """The files of a volume, by their paths in it; raise ConfigError if something is missing."""
    kind = next((each for each in volume if each != "name"), "")
    spec: Object = volume.get(kind, {})
    if kind != "projected" and kind not in _MAKERS:
        raise ConfigError(f"the playground has no volumes of type {kind}; {_INSTEAD}")
    sources = spec.get("sources", []) if kind == "projected" else [{kind: spec}]
    files: dict[str, File] = {}
    for source in sources:
        for name, part in source.items():
            if name not in _MAKERS:
                raise ConfigError(f"the playground has no projected {name}; {_INSTEAD}")
            for path, data, mode in _MAKERS[name](part, references):
                files[path] = File(data, mode or spec.get("defaultMode", _DEFAULT_MODE))
    return files


_MadeFile = tuple[str, bytes, int | None]
"""A path, its content, and a mode if it has one of its own."""


def _config_map_files(part: Object, references: References) -> Iterator[_MadeFile]:
    missing = "configmap references non-existent config key"
    return _chosen(part, references.entries("ConfigMap", part), missing)


def _secret_files(part: Object, references: References) -> Iterator[_MadeFile]:
    named = {"name": part.get("secretName", ""), **part}
    return _chosen(part, references.entries("Secret", named), "references non-existent secret key")


def _chosen(part: Object, entries: Mapping[str, bytes] | None, missing: str) -> Iterator[_MadeFile]:
    """All entries, or those that `items` names."""
    if entries is None:
        return
    if not part.get("items"):
        yield from ((key, data, None) for key, data in entries.items())
    for item in part.get("items", []):
        if item["key"] in entries:
            yield item["path"], entries[item["key"]], item.get("mode")
        elif not part.get("optional"):
            raise ConfigError(f"{missing}: {item['key']}")


def _downward_files(part: Object, references: References) -> Iterator[_MadeFile]:
    for item in part.get("items", []):
        text = (
            references.field(item["fieldRef"].get("fieldPath", ""))
            if "fieldRef" in item
            else references.resource(item["resourceFieldRef"])
        )
        yield item["path"], text.encode(errors="surrogateescape"), item.get("mode")


def _token_files(part: Object, references: References) -> Iterator[_MadeFile]:
    """A token that says whose it is; no API server accepts it."""
    meta, spec = references.pod["metadata"], references.pod["spec"]
    account = spec.get("serviceAccountName", "default")
    issuer = "https://kubernetes.default.svc.cluster.local"
    since = parse_timestamp(meta["creationTimestamp"]).timestamp()
    claims = {
        "aud": [part.get("audience", issuer)],
        "exp": int(since) + _YEAR_S,
        "iat": int(since),
        "iss": issuer,
        "kubernetes.io": {
            "namespace": meta["namespace"],
            "pod": {"name": meta["name"], "uid": meta["uid"]},
            "serviceaccount": {"name": account},
        },
        "sub": f"system:serviceaccount:{meta['namespace']}:{account}",
    }
    parts = [_token_part(each) for each in ({"alg": "none"}, claims)]
    yield part["path"], f"{parts[0]}.{parts[1]}.".encode(), None


def _token_part(claims: Object) -> str:
    text = json.dumps(claims, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


_MAKERS: Mapping[str, Callable[[Object, References], Iterator[_MadeFile]]] = MappingProxyType(
    {
        "configMap": _config_map_files,
        "secret": _secret_files,
        "downwardAPI": _downward_files,
        "serviceAccountToken": _token_files,
    }
)


def write_files(folder: Path, files: Mapping[str, File], now: datetime) -> None:
    """Replace the files of a volume at once, unless they are these already; raise ConfigError."""
    data = folder / _DATA
    folder.mkdir(parents=True, exist_ok=True)
    if not data.is_symlink() or _read_files(data.resolve()) != files:
        _replace_data(folder, files, now)
    current = data.readlink().name
    # The links as well: the disk may have been full when the files had been replaced.
    tops = {name.split("/")[0] for name in files}
    for top in tops:
        if not (folder / top).is_symlink():
            _point(folder / top, f"{_DATA}/{top}")
    for entry in folder.iterdir():
        if entry.is_symlink() and entry.name not in {_DATA, *tops}:
            entry.unlink()
        elif entry.name.startswith("..") and not entry.is_symlink() and entry.name != current:
            shutil.rmtree(entry, ignore_errors=True)


def _replace_data(folder: Path, files: Mapping[str, File], now: datetime) -> None:
    new = Path(tempfile.mkdtemp(prefix=now.strftime("..%Y_%m_%d_%H_%M_%S."), dir=folder))
    new.chmod(0o755)
    try:
        for name, file in files.items():
            _write(new, name, file)
        _point(folder / _NEW_DATA, new.name).replace(folder / _DATA)
    except (ConfigError, OSError, ValueError):
        shutil.rmtree(new, ignore_errors=True)
        raise


def _write(folder: Path, name: str, file: File) -> None:
    if ".." in name.split("/") or name.startswith("/"):
        raise ConfigError(f"invalid path: {name}")
    path = folder / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        path.chmod(file.mode)
    except OSError as error:  # of a full disk it does not have the file's name
        raise ConfigError(f"{name}: {reason(error).lower()}") from error


def _point(link: Path, target: str) -> Path:
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    return link


def _read_files(folder: Path) -> dict[str, File]:
    """The files that are there; one that cannot be read is none."""
    return {
        str(path.relative_to(folder)): File(path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in folder.rglob("*")
        if path.is_file() and os.access(path, os.R_OK)
    }


def _make_own_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o777)


def container_mounts(
    folder: Path, volumes: Sequence[Object], container: Object, variables: Mapping[str, str]
) -> tuple[Mount, ...]:
    """What a container sees of the volumes in a folder, and where; raise ConfigError.

    `variables` are those that a `subPathExpr` may use.
    """
    own = {volume["name"] for volume in volumes if _OWN_FOLDER in volume}
    mounts = []
    for mount in container.get("volumeMounts", []):
        name, path = mount["name"], os.path.normpath(f"/{mount['mountPath'].lstrip('/')}")
        if path == "/":
            raise ConfigError(f'volume "{name}" cannot be mounted at "/": choose a folder below it')
        sub_path = mount.get("subPath") or _expanded(mount.get("subPathExpr", ""), variables)
        source = _sub_path(folder / name, sub_path, f'"{name}" of container "{container["name"]}"')
        mounts.append(Mount(source, path, read_only=bool(mount.get("readOnly") or name not in own)))
    for outer, inner in permutations(mounts, 2):
        if outer.read_only and inner.path.startswith(f"{outer.path}/"):
            _make_mount_point(outer, inner)
    return tuple(mounts)


def _make_mount_point(outer: Mount, inner: Mount) -> None:
    """Make the file or folder of a read-only mount at which another one is mounted."""
    place = outer.source / inner.path.removeprefix(f"{outer.path}/")
    if place.exists() or not place.resolve().is_relative_to(outer.source.resolve()):
        return
    with suppress(OSError):  # the mount will say why
        (place.parent if inner.source.is_file() else place).mkdir(parents=True, exist_ok=True)
        place.touch()


def _expanded(expression: str, variables: Mapping[str, str]) -> str:
    for name in _VARIABLE.findall(expression.replace("$$", "")):
        if name not in variables:
            raise ConfigError(f'missing value for "{name}"')
    return expand(expression, variables)


def _sub_path(volume: Path, sub_path: str, words: str) -> Path:
    """A file or folder of a volume, made if it is missing; not what a link outside leads to."""
    if not sub_path:
        return volume
    if sub_path.startswith("/"):
        raise ConfigError(f"error SubPath `{sub_path}` must not be an absolute path")
    if ".." in sub_path.split("/"):
        raise ConfigError(f"unable to provision SubPath `{sub_path}`: must not contain '..'")
    try:
        found = (volume / sub_path).resolve()
        if not found.is_relative_to(volume.resolve()):
            raise ConfigError(f"failed to prepare subPath for volumeMount {words}")
        if not found.exists():
            found.mkdir(mode=0o777, parents=True)
    except (OSError, ValueError) as error:
        raise ConfigError(f"failed to create subPath directory for volumeMount {words}") from error
    return found
