"""Store of the playground's images.

An image is a folder that stands for `/`, and how to start what is in it. A tag is a file,
`NAME/TAG/image.json`, that names its folder relative to itself, so that the store may be moved. The
folder is written first and never changed afterwards: replacing that one file moves the tag.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import stat
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from canarylab.errors import ImageNameError, SetupError
from canarylab.playground.home import write_atomically

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH of a container whose image sets none, as in Docker."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_ABSOLUTE_PATH = re.compile(r"(?<![\w./~$}-])/[\w.@+/-]*[\w@+-]")
_HOST = r"(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?/)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG = r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}"
_REFERENCE = re.compile(rf"(?P<name>{_HOST}{_PART}(?:/{_PART})*)(?::(?P<tag>{_TAG}))?")


class Reference(NamedTuple):
    """An image's name and tag; printed as `name:tag`."""

    name: str
    tag: str

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}"


@dataclass(frozen=True)
class Image:
    """A folder that stands for `/`, and how to start what is in it."""

    reference: str
    id: str
    root: Path
    working_dir: str = "/"
    user: str = ""
    env: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    exposed_ports: list[int] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    stop_signal: str = "SIGTERM"
    size: int = 0
    created: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def working_folder(self) -> Path:
        """The folder of this machine in which the image's process starts."""
        return self.root / self.working_dir.lstrip("/")


def copy_file(source: str | Path, target: str | Path) -> None:
    """Copy whatever is no folder, with its attributes; leave out a socket, as tar does."""
    status = os.lstat(source)
    if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
        shutil.copy2(source, target, follow_symlinks=False)
    elif not stat.S_ISSOCK(status.st_mode):  # to read a pipe would wait for a writer
        os.mknod(target, status.st_mode, status.st_rdev)
        shutil.copystat(source, target)


def map_paths(text: str, root: Path) -> str:
    """Replace absolute paths of an image by those of its folder, for a process without a root.

    Only what the image has is replaced: a file, and a folder, or what is to be made in one, that
    this machine has not.

    >>> map_paths("node /srv/shop/server.js", Path("/nowhere"))
    'node /srv/shop/server.js'
    """

    def mapped(match: re.Match[str]) -> str:
        path, own = match[0], root / match[0].lstrip("/")
        is_known = own.is_dir() or (own.parent.is_dir() and own.parent != root)
        is_own = own.is_file() or (is_known and not Path(path).exists())
        return str(own) if is_own else path

    return _ABSOLUTE_PATH.sub(mapped, text)


def parse_reference(reference: str) -> Reference:
    """Return name and tag; raise ImageNameError if no image can have that name.

    >>> parse_reference("node_app"), str(parse_reference("docker.io/library/node:24-slim"))
    (Reference(name='node_app', tag='latest'), 'node:24-slim')
    """
    match = _REFERENCE.fullmatch(reference) if len(reference) <= 255 else None
    if match is None:
        raise ImageNameError(reference)
    name = re.sub(r"^(?:index\.)?docker\.io/(?:library/)?|^library/", "", match["name"])
    return Reference(name, match["tag"] or "latest")


def folder_of(images: Path, reference: str) -> Path:
    """Return the folder of a tag, which need not exist."""
    name, tag = parse_reference(reference)
    return images / quote(name, safe="") / tag


def find(images: Path, reference: str) -> Image | None:
    """Return the image of this name; None if it is not built."""
    return _read(folder_of(images, reference) / "image.json")


def list_images(images: Path) -> list[Image]:
    """Return every image, by name and tag."""
    found = [_read(file) for file in images.glob("[!.]*/*/image.json")]
    return sorted((image for image in found if image), key=lambda image: image.reference)


def save(images: Path, image: Image) -> Image:
    """Give the image its tag atomically; an image that had the tag loses it."""
    tag_folder = folder_of(images, image.reference)
    image = replace(
        image, reference=str(parse_reference(image.reference)), root=image.root.resolve()
    )
    try:
        tag_folder.mkdir(parents=True, exist_ok=True)
        root = os.path.relpath(image.root, tag_folder.resolve())
        text = json.dumps({**asdict(image), "root": root}, indent=2)
        write_atomically(tag_folder / "image.json", text)
    except OSError as exc:
        raise SetupError(
            f"The image {image.reference} cannot be written to {tag_folder}: {exc.strerror}. "
            "Make the folder writable, or name another with CANARYLAB_HOME."
        ) from exc
    return image


def architecture(machine: str | None = None) -> str:
    """Return a machine's architecture as images and downloads name it; by default of this machine.

    >>> architecture("x86_64"), architecture("AMD64"), architecture("riscv64")
    ('amd64', 'amd64', 'riscv64')
    """
    name = (machine or platform.machine()).lower()
    return _ARCHITECTURES.get(name, name)


def _read(file: Path) -> Image | None:
    """Read a tag; None if the file is missing or incomplete, or its folder is missing."""
    try:
        written: dict[str, Any] = json.loads(file.read_text())
        image = Image(**{**written, "root": (file.parent / written["root"]).resolve()})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return image if image.root.is_dir() else None
