"""How does the app get there for the playground? As the folders that it was built into.

Building needs npm's registry once; the folders and their layers need nothing, and with the layers
a learner may change the source and build again without network.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from canarylab.bundle.reading import Bundle
from canarylab.bundle.writing import Archive, in_words
from canarylab.errors import SetupError
from canarylab.images.builder import VERSIONS, app_reference
from canarylab.images.process_build import build_app, open_layers
from canarylab.playground.home import Home
from canarylab.playground.images import find, folder_of

NAME = "playground.tar.gz"
LAYERS = ".layers"
TAG = "image.json"


def collect(archive: Archive, home: Home) -> None:
    """Build both versions, unless they are built, and add them."""
    home.prepare()
    for version in VERSIONS:
        build_app(version, home.images)
    with open_layers(home.images):
        archive.add(NAME, lambda sink: _pack(home.images, sink))


def unpack(bundle: Bundle, home: Home) -> list[str]:
    """Which images came; one that is here already stays as it is."""
    home.prepare()
    with in_words(home.images), open_layers(home.images) as layers, layers.scratch() as scratch:
        with bundle.open(NAME) as packed:
            _extract(packed, scratch)
        for layer in (scratch / LAYERS).glob("*"):
            _move(layer, home.images / LAYERS / layer.name)
        return [each for each in map(app_reference, VERSIONS) if _take(each, scratch, home.images)]


def _pack(images: Path, sink: BinaryIO) -> None:
    with tarfile.open(fileobj=sink, mode="w|gz") as tar:
        for path in _parts(images):
            tar.add(path, path.relative_to(images))


def _parts(images: Path) -> Iterator[Path]:
    yield images / LAYERS
    for each in map(app_reference, VERSIONS):
        if (image := find(images, each)) is not None:
            folder = folder_of(images, each)
            yield folder / TAG
            yield folder / image.root.name


def _extract(packed: IO[bytes], folder: Path) -> None:
    try:
        with tarfile.open(fileobj=packed, mode="r|gz") as tar:
            tar.extractall(folder, filter="data")
    except tarfile.TarError as exc:
        raise SetupError(
            f"The app in this bundle cannot be unpacked: {exc}. "
            "Load only a bundle that `canarylab bundle save` made."
        ) from exc


def _take(name: str, scratch: Path, images: Path) -> bool:
    if find(images, name) is not None:
        return False
    came, place = folder_of(scratch, name), folder_of(images, name)
    if not (came / TAG).is_file():
        return False
    for tree in came.iterdir():
        if tree.is_dir():
            _move(tree, place / tree.name)
    (came / TAG).replace(place / TAG)  # last: only now the image is there
    return True


def _move(source: Path, target: Path) -> None:
    """Unless it is there: such a folder is named by what is in it."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
