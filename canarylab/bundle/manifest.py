"""What is in a bundle, and for which machines is it?

`manifest.json` is the last member of the archive, because only then every size and every checksum
is known; a bundle without it was never finished.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, get_args

from canarylab.errors import SetupError
from canarylab.machine import processor

FORMAT = 1
NAME = "manifest.json"
Part = Literal["wheels", "playground", "images"]
PARTS: tuple[Part, ...] = get_args(Part)

_WHEEL = re.compile(r"wheels/[A-Za-z0-9][\w.!+-]*\.whl")
_OTHERS: dict[str, Part] = {"playground.tar.gz": "playground", "images.tar.gz": "images"}


class Entry(NamedTuple):
    """A member of the archive."""

    name: str
    size: int
    sha256: str


class Machine(NamedTuple):
    """What wheels and images depend on."""

    system: str
    """`linux`, `darwin`."""
    processor: str
    """`amd64`, `arm64`."""
    python: str
    """`3.12`."""

    def __str__(self) -> str:
        return f"{self.system} on {self.processor} with Python {self.python}"


@dataclass(frozen=True)
class Manifest:
    """All members, and where they were made."""

    entries: Sequence[Entry]
    machine: Machine
    images: Sequence[str] = ()
    """The names that the images have once they are loaded."""
    created: str = ""
    canarylab: str = ""
    format: int = FORMAT

    def to_json(self) -> str:
        """For the archive."""
        written = asdict(self)
        written["entries"] = [entry._asdict() for entry in self.entries]
        written["machine"] = self.machine._asdict()
        return json.dumps(written, indent=2)

    def parts(self) -> list[Part]:
        """What is in it, in the order of PARTS."""
        there = {part_of(entry.name) for entry in self.entries}
        return [part for part in PARTS if part in there]


def this_machine() -> Machine:
    """The one we run on."""
    return Machine(sys.platform, processor(), ".".join(map(str, sys.version_info[:2])))


def part_of(name: str) -> Part | None:
    """Which part a member belongs to; None for a name that no bundle has.

    >>> part_of("wheels/canarylab-0.3.0-py3-none-any.whl"), part_of("wheels/../../evil.whl")
    ('wheels', None)
    """
    return "wheels" if _WHEEL.fullmatch(name) else _OTHERS.get(name)


def is_for(part: Part, made_on: Machine, here: Machine) -> bool:
    """Whether a part that was made on one machine is of use on another.

    Images run in Linux containers whatever the system is; wheels belong to one Python.
    """
    match part:
        case "wheels":
            return made_on == here
        case "playground":
            return made_on[:2] == here[:2]
        case "images":
            return made_on.processor == here.processor


def parse(text: bytes, file: str) -> Manifest:
    """Read it; raise SetupError in words for one that we do not understand."""
    try:
        written: dict[str, Any] = json.loads(text)
        number = written["format"]
    except (ValueError, TypeError, KeyError) as exc:
        raise not_a_bundle(file) from exc
    if number != FORMAT:
        raise SetupError(
            f"{file} is a bundle of format {number}, and this canarylab reads format {FORMAT}. "
            "Save a new one with the canarylab that you have here."
        )
    try:
        return _manifest(written)
    except (ValueError, TypeError, KeyError) as exc:
        raise not_a_bundle(file) from exc


def not_a_bundle(file: str) -> SetupError:
    """What to raise for a file that somebody else made."""
    return SetupError(
        f"{file} is no bundle of canarylab. Name one that `canarylab bundle save` made."
    )


def _manifest(written: dict[str, Any]) -> Manifest:
    entries = [
        Entry(str(entry["name"]), int(entry["size"]), str(entry["sha256"]))
        for entry in written["entries"]
    ]
    machine = Machine(**written["machine"])
    images = [str(image) for image in written["images"]]
    return Manifest(entries, machine, images, str(written["created"]), str(written["canarylab"]))
