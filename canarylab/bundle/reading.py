"""Is this archive a bundle, whole and unchanged?

Everything is looked at before anything is loaded: each name, each size and each checksum.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from canarylab.bundle import manifest
from canarylab.bundle.manifest import Entry, Manifest, not_a_bundle, part_of
from canarylab.errors import SetupError

AT_ONCE = 1 << 20  # bytes
LONGEST_MANIFEST = 10_000_000  # bytes; a hundred wheels take 20,000


@dataclass(frozen=True)
class Bundle:
    """A bundle in which everything is as its manifest says."""

    manifest: Manifest
    _tar: tarfile.TarFile

    def open(self, name: str) -> IO[bytes]:
        """The content of a member."""
        content = self._tar.extractfile(name)
        if content is None:
            raise ValueError(f"{name} is no file of this bundle")
        return content


@contextmanager
def checked(file: Path) -> Iterator[Bundle]:
    """A bundle to load from; raise SetupError where it is not whole."""
    try:
        tar = tarfile.open(file, "r:")  # noqa: SIM115  closed below
    except OSError as exc:
        raise SetupError(
            f"{file} cannot be read: {exc.strerror}. Name a bundle that is on this machine."
        ) from exc
    except tarfile.TarError as exc:
        raise _damaged(file, exc) from exc
    with tar:
        yield _checked(file, tar)


def _checked(file: Path, tar: tarfile.TarFile) -> Bundle:
    try:
        members = {member.name: member for member in tar.getmembers()}
        said = _manifest(file, tar, members)
    except (tarfile.TarError, EOFError) as exc:
        raise _damaged(file, exc) from exc
    listed = {entry.name: entry for entry in said.entries}
    for name in members.keys() - {manifest.NAME}:
        if name not in listed or part_of(name) is None or not members[name].isfile():
            raise SetupError(
                f"{file} holds {name!r}, which no bundle of canarylab has. "
                "Load only a bundle that `canarylab bundle save` made."
            )
    bundle = Bundle(said, tar)
    for name, entry in listed.items():
        if name not in members or not _is_unchanged(bundle, entry):
            raise SetupError(
                f"{name} in {file} is not what was saved: its checksum differs. "
                "Copy the bundle once more, or save a new one."
            )
    return bundle


def _manifest(file: Path, tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo]) -> Manifest:
    member = members.get(manifest.NAME)
    content = tar.extractfile(member) if member and member.size < LONGEST_MANIFEST else None
    if content is None:
        raise not_a_bundle(str(file))
    return manifest.parse(content.read(), str(file))


def _is_unchanged(bundle: Bundle, entry: Entry) -> bool:
    found, size = hashlib.sha256(), 0
    with bundle.open(entry.name) as content:
        while piece := content.read(AT_ONCE):
            found.update(piece)
            size += len(piece)
    return (size, found.hexdigest()) == (entry.size, entry.sha256)


def _damaged(file: Path, exc: Exception) -> SetupError:
    if isinstance(exc, tarfile.ReadError) and "unexpected end" not in str(exc):
        return not_a_bundle(str(file))
    return SetupError(
        f"{file} is cut off or damaged ({exc}). Copy the bundle once more, or save a new one."
    )
