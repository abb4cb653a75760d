"""Where does the builder keep what earlier builds made?

A layer is the whole file tree after one instruction, in a folder named by everything that went
into it. It is made beside the others under another name and renamed when it is complete, so a
build that was killed leaves nothing that a later one would trust. One build works at a time.

Layers share files by hard links where nothing can write through them: a COPY replaces files and
never writes into one. A RUN line may, and so may a pod; both get a tree of real copies.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from canarylab.errors import SetupError

KEPT = 64  # layers; the ones that no build used for longest go first
FORMAT = "1"  # a change of what layers hold makes every older one a stranger


Fill = Callable[[Path], None]
"""Puts a tree into an empty folder."""


class Layer(NamedTuple):
    """A complete file tree, never changed again."""

    tree: Path
    digest: str
    size: int


def key_of(*parts: str) -> str:
    """The name of the layer that is made of these.

    >>> key_of("a", "b") == key_of("ab", ""), len(key_of("a"))
    (False, 64)
    """
    return hashlib.sha256(json.dumps([FORMAT, *parts]).encode()).hexdigest()


class Layers:
    """The layers of one images folder. Only `opened` makes one: it holds the lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.empty = self.find(key_of()) or self.make(key_of(), lambda tree: None)

    def find(self, key: str) -> Layer | None:
        """The layer of that name, if an earlier build made it."""
        file = self._folder / key / "layer.json"
        try:
            written = json.loads(file.read_text())
            os.utime(file.parent)  # used today
        except (OSError, ValueError):
            return None
        return Layer(file.parent / "tree", written["digest"], written["size"])

    def make(self, key: str, fill: Fill) -> Layer:
        """A new layer: `fill` is given an empty place to put the tree, at once or not at all."""
        with self.scratch() as scratch:
            tree = scratch / "tree"
            tree.mkdir()
            fill(tree)
            digest, size = measured(tree)
            (scratch / "layer.json").write_text(json.dumps({"digest": digest, "size": size}))
            scratch.rename(self._folder / key)
        return Layer(self._folder / key / "tree", digest, size)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder to work in; gone afterwards, unless it was renamed."""
        scratch = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what a killed build left, and the layers that nobody used for longest."""
        for left in self._folder.glob("new-*"):
            shutil.rmtree(left, ignore_errors=True)
        layers = sorted(self._folder.glob("[!n]*"), key=lambda layer: layer.stat().st_mtime)
        for unused in layers[:-KEPT]:
            doomed = unused.rename(unused.with_name(f"new-{unused.name}"))
            shutil.rmtree(doomed, ignore_errors=True)


@contextmanager
def opened(images: Path) -> Iterator[Layers]:
    """The layers, for one build at a time: a second one waits here until the first has ended.

    The lock is the kernel's and ends with the process that holds it, however it ends.
    """
    folder = images / ".layers"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (images / ".lock").open("w")
    except OSError as exc:
        raise SetupError(
            f"Images cannot be written to {images}: {exc.strerror}. "
            "Make the folder writable, or name another with CANARYLAB_HOME."
        ) from exc
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        layers = Layers(folder)
        layers.tidy()
        yield layers


def copied(source: Path, target: Path) -> None:
    """Fill `target` with copies of everything in `source`: free to be changed."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


def shared(source: Path, target: Path) -> None:
    """Fill `target` with the same files as `source`: none of them may be written into."""
    shutil.copytree(
        source, target, symlinks=True, dirs_exist_ok=True, copy_function=_linked_or_copied
    )


def measured(tree: Path) -> tuple[str, int]:
    """The digest of all names, modes and bytes in a tree, and how many bytes they are."""
    found, size = hashlib.sha256(), 0
    for path in sorted(tree.rglob("*")):
        found.update(os.fsencode(f"{path.relative_to(tree)}\0{path.lstat().st_mode:o}\0"))
        if path.is_symlink():
            found.update(os.fsencode(path.readlink()))
        elif path.is_file():
            content = path.read_bytes()
            found.update(hashlib.sha256(content).digest())
            size += len(content)
    return found.hexdigest(), size


def _linked_or_copied(source: str | os.DirEntry[str], target: str | os.DirEntry[str]) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # a file system without links, or one file with too many
        shutil.copy2(source, target)
