"""How does the tree that a build left become an image with a name?

Each tag gets a copy of the tree: pods run in it, and what one of them writes there must reach
neither another image nor a later build. The copy is complete before the tag moves to it, and the
copy the tag had before stays for the pods that still run in it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from canarylab.errors import BuildError
from canarylab.images import layers
from canarylab.images.layers import Layer, Layers
from canarylab.images.settings import Settings
from canarylab.playground.images import Image, find, folder_of, save


def _now() -> datetime:
    return datetime.now(UTC)


def image_of(reference: str, settings: Settings) -> Image:
    """What the settings say about the image; its files are still to come."""
    return Image(
        reference=reference,
        id="",
        root=Path(),
        working_dir=settings.working_dir,
        user=settings.user,
        env=dict(settings.env),
        entrypoint=list(settings.entrypoint),
        command=list(settings.command),
        exposed_ports=list(settings.exposed_ports),
        labels=dict(settings.labels),
        stop_signal=settings.stop_signal,
        notes=list(settings.notes),
    )


def tagged(
    image: Image, layer: Layer, images: Path, store: Layers, now: Callable[[], datetime] = _now
) -> Image:
    """The image under its name; the one that has it already, where nothing changed."""
    before = find(images, image.reference)
    identity = _identity(image, layer)
    if before and before.id == identity:
        return before
    folder = folder_of(images, image.reference)
    root = folder / identity.removeprefix("sha256:")[:12]
    try:
        _copy(layer, root, store)
    except OSError as exc:
        raise BuildError(
            f"{image.reference} cannot be written to {images}: {exc.strerror or exc}. "
            "Make room or make the folder writable, and build again."
        ) from exc
    created = now().isoformat(timespec="seconds").replace("+00:00", "Z")
    named = replace(image, id=identity, root=root, size=layer.size, created=created)
    saved = save(images, named)
    _remove_others(folder, {saved.root, before.root if before else saved.root})
    return saved


def _identity(image: Image, layer: Layer) -> str:
    """The same settings and the same files make the same image, whatever it is called."""
    said = json.dumps({**asdict(image), "reference": "", "root": "", "files": layer.digest})
    return f"sha256:{hashlib.sha256(said.encode()).hexdigest()}"


def _copy(layer: Layer, root: Path, store: Layers) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    if root.exists():  # renamed when it was complete, and kept since
        return
    with store.scratch() as scratch:
        layers.copied(layer.tree, scratch / "tree")
        (scratch / "tree").rename(root)


def _remove_others(folder: Path, kept: set[Path]) -> None:
    for old in folder.iterdir():
        if old.is_dir() and old.resolve() not in kept:
            shutil.rmtree(old, ignore_errors=True)
