"""How is an archive written, member by member, without knowing their sizes beforehand?

A header is written empty, then the content as it comes, then the header again with the size. So an
image of a gigabyte needs no second gigabyte to wait in. The archive has another name until it is
whole: an interrupted `save` leaves nothing that could be taken for a bundle.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tarfile import BLOCKSIZE, GNU_FORMAT, RECORDSIZE, TarInfo
from typing import TYPE_CHECKING, BinaryIO

from canarylab.bundle.manifest import Entry
from canarylab.errors import SetupError

if TYPE_CHECKING:
    from typing_extensions import Buffer

AT_ONCE = 1 << 20  # bytes


class Archive:
    """A tar that grows."""

    def __init__(self, file: BinaryIO, clock: Callable[[], float] = time.time) -> None:
        self._file, self._clock = file, clock
        self.entries: list[Entry] = []

    def add(self, name: str, fill: Callable[[BinaryIO], None]) -> None:
        """A member; `fill` writes its content."""
        info = TarInfo(name)
        info.mtime = int(self._clock())
        start = self._file.tell()
        header = len(info.tobuf(GNU_FORMAT))
        self._file.write(bytes(header))
        content = _Hashing(self._file)
        with io.BufferedWriter(content, AT_ONCE) as buffered:
            fill(buffered)
        info.size = content.size
        self._pad(BLOCKSIZE)
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(info.tobuf(GNU_FORMAT))
        self._file.seek(end)
        self.entries.append(Entry(name, content.size, content.hexdigest()))

    def finish(self) -> int:
        """End it; how many bytes it is."""
        self._file.write(bytes(2 * BLOCKSIZE))
        self._pad(RECORDSIZE)
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def _pad(self, block: int) -> None:
        self._file.write(bytes(-self._file.tell() % block))


class _Hashing(io.RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self._file, self._found, self.size = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, content: Buffer, /) -> int:
        taken = self._file.write(content)
        self._found.update(content)
        self.size += taken
        return taken

    def hexdigest(self) -> str:
        return self._found.hexdigest()


@contextmanager
def written_whole(file: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when all is well, and is gone when it is not."""
    draft = file.with_name(f"{file.name}.part")
    with in_words(file), draft.open("w+b") as opened:
        _claim(opened, file)
        try:
            opened.truncate()
            yield opened
            draft.replace(file)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


@contextmanager
def in_words(place: Path) -> Iterator[None]:
    """A disk that is full, or that may not be written to, as a SetupError."""
    try:
        yield
    except OSError as exc:
        if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise SetupError(
                f"The disk is full: {place} could not be written. Make room and try again."
            ) from exc
        if exc.errno is None:
            raise
        raise SetupError(
            f"{place} cannot be written: {exc.strerror}. Name another place, or make it writable."
        ) from exc


def _claim(draft: BinaryIO, file: Path) -> None:
    try:
        fcntl.flock(draft, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise SetupError(
            f"{file} is being written by another `canarylab bundle save`. "
            "Wait for it, or name another file."
        ) from exc
