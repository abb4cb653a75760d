"""The archive of a bundle: a plain tar whose last member, `manifest.json`, names all others.

It is written member by member without knowing sizes beforehand: a header is written empty, then
the content as it comes, then the header again with the size. So an image of a gigabyte needs no
second gigabyte on the disk. When it is read, each name, size and checksum is checked before
anything is used.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tarfile import BLOCKSIZE, GNU_FORMAT, RECORDSIZE, TarFile, TarInfo
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple, get_args

from canarylab.errors import SetupError, error_number, reason
from canarylab.playground.images import architecture

if TYPE_CHECKING:
    from typing_extensions import Buffer

FORMAT = 1
MANIFEST, PLAYGROUND, IMAGES = "manifest.json", "playground.tar.gz", "images.tar.gz"
BUFFER_BYTES = 1 << 20
LARGEST_MANIFEST = 10_000_000  # bytes; a hundred wheels take 20,000
Part = Literal["wheels", "playground", "images"]
PARTS: tuple[Part, ...] = get_args(Part)

_WHEEL = re.compile(r"wheels/[A-Za-z0-9][\w.!+-]*\.whl")


class BundleEntry(NamedTuple):
    """A member of the archive."""

    name: str
    size: int
    sha256: str


class Platform(NamedTuple):
    """What wheels and images depend on."""

    system: str
    """`linux`, `darwin`."""
    processor: str
    """`amd64`, `arm64`."""
    python: str
    """`3.12`."""

    def __str__(self) -> str:
        return f"{self.system} on {self.processor} with Python {self.python}"

    @classmethod
    def here(cls) -> Platform:
        """The platform of this process."""
        return cls(sys.platform, architecture(), ".".join(map(str, sys.version_info[:2])))


@dataclass(frozen=True)
class BundleManifest:
    """All members, and the platform that they were made on."""

    entries: Sequence[BundleEntry]
    platform: Platform
    images: Sequence[str] = ()
    """The names that the images have once they are loaded."""
    created: str = ""
    canarylab: str = ""
    format: int = FORMAT

    def to_json(self) -> bytes:
        """The content of `manifest.json`."""
        document = asdict(self)
        document["entries"] = [entry._asdict() for entry in self.entries]
        del document["platform"]
        document["machine"] = self.platform._asdict()  # the key of format 1
        return json.dumps(document, indent=2).encode()

    @classmethod
    def parse(cls, text: bytes, file: Path) -> BundleManifest:
        """Read `manifest.json`; raise SetupError for what no bundle of this format has."""
        try:
            document: dict[str, Any] = json.loads(text)
            if document["format"] != FORMAT:
                raise SetupError(
                    f"{file} is a bundle of format {document['format']}, and this canarylab reads "
                    f"format {FORMAT}. Save a new one with the canarylab that you have here."
                )
            return cls(
                [
                    BundleEntry(str(each["name"]), int(each["size"]), str(each["sha256"]))
                    for each in document["entries"]
                ],
                Platform(**document["machine"]),
                [str(image) for image in document["images"]],
                str(document["created"]),
                str(document["canarylab"]),
            )
        except (ValueError, TypeError, KeyError) as exc:
            raise _not_a_bundle(file) from exc

    def of(self, part: Part) -> list[BundleEntry]:
        """The members that belong to a part."""
        return [entry for entry in self.entries if part_of(entry.name) == part]

    def parts(self) -> list[Part]:
        """The parts that are in it, in the order of PARTS."""
        return [part for part in PARTS if self.of(part)]


def part_of(name: str) -> Part | None:
    """The part that a member belongs to; None for a name that no bundle has.

    >>> part_of("wheels/canarylab-0.3.0-py3-none-any.whl"), part_of("wheels/../../evil.whl")
    ('wheels', None)
    """
    others: dict[str, Part] = {PLAYGROUND: "playground", IMAGES: "images"}
    return "wheels" if _WHEEL.fullmatch(name) else others.get(name)


def is_usable(part: Part, made_on: Platform, here: Platform) -> bool:
    """Whether a part that was made on one platform can be used on another.

    Images run in Linux containers whatever the system is; wheels belong to one Python.
    """
    match part:
        case "wheels":
            return made_on == here
        case "playground":
            return made_on[:2] == here[:2]
        case "images":
            return made_on.processor == here.processor


class ArchiveWriter:
    """A tar that is written member by member."""

    def __init__(self, file: BinaryIO, clock: Callable[[], float] = time.time) -> None:
        self._file, self._clock = file, clock
        self.entries: list[BundleEntry] = []

    def add(self, name: str, fill: Callable[[BinaryIO], object]) -> None:
        """Add a member; `fill` writes its content."""
        info = TarInfo(name)
        info.mtime = int(self._clock())
        start = self._file.tell()
        self._file.write(bytes(len(info.tobuf(GNU_FORMAT))))
        content = _HashingWriter(self._file)
        with io.BufferedWriter(content, BUFFER_BYTES) as buffered:
            fill(buffered)
        info.size = content.size
        self._pad(BLOCKSIZE)
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(info.tobuf(GNU_FORMAT))
        self._file.seek(end)
        self.entries.append(BundleEntry(name, content.size, content.sha256.hexdigest()))

    def finish(self) -> int:
        """Write the end of the archive; its size in bytes."""
        self._file.write(bytes(2 * BLOCKSIZE))
        self._pad(RECORDSIZE)
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def _pad(self, block: int) -> None:
        self._file.write(bytes(-self._file.tell() % block))


class _HashingWriter(io.RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self._file, self.sha256, self.size = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, content: Buffer, /) -> int:
        written = self._file.write(content)
        self.sha256.update(content)
        self.size += written
        return written


@contextmanager
def atomic_write(file: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when it is complete, and is removed when it is not."""
    draft = file.with_name(f"{file.name}.part")
    with explained_os_errors(file), draft.open("w+b") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise SetupError(
                f"{file} is being written by another `canarylab bundle save`. "
                "Wait for it, or name another file."
            ) from exc
        try:
            opened.truncate()
            yield opened
            draft.replace(file)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


@contextmanager
def explained_os_errors(path: Path) -> Iterator[None]:
    """A full disk, or a place that cannot be written to, as a SetupError."""
    try:
        yield
    except OSError as exc:
        if (number := error_number(exc)) is None:
            raise
        if number in {errno.ENOSPC, errno.EDQUOT}:
            raise SetupError(
                f"The disk is full: {path} could not be written. Make room and try again."
            ) from exc
        raise SetupError(
            f"{path} cannot be written: {reason(exc)}. Name another place, or make it writable."
        ) from exc


@dataclass(frozen=True)
class Bundle:
    """A bundle whose members are what its manifest says."""

    manifest: BundleManifest
    _tar: TarFile

    def open(self, name: str) -> IO[bytes]:
        """The content of a member."""
        content = self._tar.extractfile(name)
        if content is None:
            raise ValueError(f"{name} is no file of this bundle")
        return content


@contextmanager
def open_bundle(file: Path) -> Iterator[Bundle]:
    """A checked bundle; raise SetupError if it is not complete and unchanged."""
    try:
        tar = tarfile.open(file, "r:")  # noqa: SIM115  closed below
    except OSError as exc:
        raise SetupError(
            f"{file} cannot be read: {exc.strerror}. Give the path of a bundle on this machine."
        ) from exc
    except tarfile.TarError as exc:
        raise _damaged(file, exc) from exc
    with tar:
        yield _check(file, tar)


def _check(file: Path, tar: TarFile) -> Bundle:
    try:
        members = {member.name: member for member in tar.getmembers()}
        member = members.get(MANIFEST)
        content = tar.extractfile(member) if member and member.size < LARGEST_MANIFEST else None
        if content is None:
            raise _not_a_bundle(file)
        bundle = Bundle(BundleManifest.parse(content.read(), file), tar)
    except (tarfile.TarError, EOFError) as exc:
        raise _damaged(file, exc) from exc
    listed = {entry.name: entry for entry in bundle.manifest.entries}
    for name in members.keys() - {MANIFEST}:
        if name not in listed or part_of(name) is None or not members[name].isfile():
            raise SetupError(
                f"{file} holds {name!r}, which is never in a bundle of canarylab. "
                "Load only a bundle that `canarylab bundle save` wrote."
            )
    for name, entry in listed.items():
        if name not in members or not _is_unchanged(bundle, entry):
            raise SetupError(
                f"{name} in {file} has changed since it was saved: its checksum differs. "
                "Copy the bundle again, or save a new one."
            )
    return bundle


def _is_unchanged(bundle: Bundle, entry: BundleEntry) -> bool:
    sha256, size = hashlib.sha256(), 0
    with bundle.open(entry.name) as content:
        while chunk := content.read(BUFFER_BYTES):
            sha256.update(chunk)
            size += len(chunk)
    return (size, sha256.hexdigest()) == (entry.size, entry.sha256)


def _not_a_bundle(file: Path) -> SetupError:
    return SetupError(
        f"{file} is not a bundle of canarylab. Choose a file that `canarylab bundle save` wrote."
    )


def _damaged(file: Path, exc: Exception) -> SetupError:
    if isinstance(exc, tarfile.ReadError) and "unexpected end" not in str(exc):
        return _not_a_bundle(file)
    return SetupError(
        f"{file} is incomplete or damaged ({exc}). Copy the bundle again, or save a new one."
    )
