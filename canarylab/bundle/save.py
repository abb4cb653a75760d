"""Make a bundle: collect every part that is wanted, then say what it holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from canarylab import __version__
from canarylab.bundle import app, images, manifest, wheels
from canarylab.bundle.manifest import PARTS, Manifest, Part, part_of, this_machine
from canarylab.bundle.writing import Archive, written_whole
from canarylab.errors import SetupError
from canarylab.machine import format_size as size
from canarylab.playground.home import Home

Report = Callable[[str], None]


class Order(NamedTuple):
    """What goes in."""

    parts: Collection[Part] = PARTS
    projects: Sequence[str] = ()
    """What pip is asked for; nothing means canarylab and all that it needs."""


class Saved(NamedTuple):
    """A bundle that is whole."""

    file: Path
    size: int
    manifest: Manifest

    def __str__(self) -> str:
        return (
            f"{self.file} is saved: {size(self.size)}, for {self.manifest.machine}.\n"
            f"It holds {contents(self.manifest)}."
        )


def save(file: Path, home: Home, report: Report, order: Order) -> Saved:
    """Write the archive; raise SetupError, and leave none, where a part cannot be had."""
    if not file.absolute().parent.is_dir():
        raise SetupError(
            f"There is no folder {file.absolute().parent}. Make it, or name another place."
        )
    if "images" in order.parts:
        images.require_engine()  # before the minutes that pip takes
    with written_whole(file.absolute()) as opened:
        archive = Archive(opened)
        tags = _collect(archive, file.absolute().parent, home, report, order)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        said = Manifest(tuple(archive.entries), this_machine(), tags, now, __version__)
        archive.add(manifest.NAME, lambda sink: _write(said, sink))
        whole = archive.finish()
    return Saved(file, whole, said)


def contents(said: Manifest) -> str:
    """In words: "84 wheels (92 MB) and the app for the playground (5 MB)"."""
    words = [f"{_words(part, said)} ({size(_size(part, said))})" for part in said.parts()]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _collect(archive: Archive, beside: Path, home: Home, report: Report, order: Order) -> list[str]:
    tags = []
    if "images" in order.parts:  # first, because they may be refused
        tags = images.collect(archive, images.wanted(), report)
    if "wheels" in order.parts:
        report("making wheels of canarylab and all that it needs")
        wheels.collect(archive, order.projects or wheels.ourselves(), beside)
    if "playground" in order.parts:
        report("building the app for the playground")
        app.collect(archive, home)
    return tags


def _words(part: Part, said: Manifest) -> str:
    match part:
        case "wheels":
            count = sum(part_of(entry.name) == "wheels" for entry in said.entries)
            return f"{count} {'wheel' if count == 1 else 'wheels'}"
        case "playground":
            return "the app for the playground"
        case "images":
            return f"{len(said.images)} images"


def _size(part: Part, said: Manifest) -> int:
    return sum(entry.size for entry in said.entries if part_of(entry.name) == part)


def _write(said: Manifest, sink: BinaryIO) -> None:
    sink.write(said.to_json().encode())
