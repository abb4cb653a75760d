"""Take a bundle in: everything is checked first, then each part is loaded.

Loading twice, or once more after an interruption, ends the same as loading once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from canarylab.bundle import app, images, wheels
from canarylab.bundle.manifest import PARTS, Machine, Manifest, Part, is_for, part_of, this_machine
from canarylab.bundle.reading import Bundle, checked
from canarylab.errors import SetupError
from canarylab.machine import disk
from canarylab.playground.home import Home

Report = Callable[[str], None]


@dataclass(frozen=True)
class Loaded:
    """What is here now, a sentence each."""

    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.sentences)


def load(
    file: Path,
    home: Home,
    report: Report,
    *,
    parts: Collection[Part] = PARTS,
    here: Machine | None = None,
) -> Loaded:
    """Load what is wanted, and of use here; raise SetupError where nothing can be loaded."""
    here = here or this_machine()
    report(f"checking {file}")
    with checked(file) as bundle:
        wanted = _asked_for(bundle.manifest, parts, file)
        usable = [part for part in wanted if is_for(part, bundle.manifest.machine, here)]
        if not usable:
            raise _of_no_use(file, bundle.manifest, here)
        _require(usable, bundle.manifest, file, home)
        said = [line for part in usable for line in _load(part, bundle, home, report)]
        said += [_left_out(part, bundle.manifest, here) for part in wanted if part not in usable]
    return Loaded(tuple(said))


def _asked_for(said: Manifest, parts: Collection[Part], file: Path) -> list[Part]:
    there = said.parts()
    if wanted := [part for part in there if part in parts]:
        return wanted
    raise SetupError(
        f"{file} holds {' and '.join(there) or 'nothing'}, and you asked for "
        f"{' and '.join(parts)}. Save a bundle that has it, or leave `--parts` out."
    )


def _of_no_use(file: Path, said: Manifest, here: Machine) -> SetupError:
    return SetupError(
        f"{file} is for {said.machine}, and nothing of it can be used on {here}. "
        "Save a bundle on a machine like this one."
    )


def _require(usable: Collection[Part], said: Manifest, file: Path, home: Home) -> None:
    if "images" in usable:
        images.require_engine()
    needed = sum(
        entry.size for entry in said.entries if part_of(entry.name) in {*usable} - {"images"}
    )
    room = disk(home.root, 3 * needed, "the bundle")  # as packed, unpacked, and what was before
    if not room.is_fine:
        raise SetupError(f"{room.words}, which is too little for {file}. {room.remedy}")


def _load(part: Part, bundle: Bundle, home: Home, report: Report) -> list[str]:
    match part:
        case "wheels":
            report("putting the wheels into the wheelhouse")
            place = wheels.unpack(bundle, home)
            return ["The wheels are here. To install canarylab:", f"  {wheels.pip_line(place)}"]
        case "playground":
            report("putting the app into the playground")
            came = app.unpack(bundle, home)
            return [f"The playground has {' and '.join(came)}." if came else _HAS_ALREADY]
        case "images":
            images.unpack(bundle, report)
            return [f"Docker has {', '.join(bundle.manifest.images)}."]


_HAS_ALREADY = "The playground has its images already, and keeps them."


def _left_out(part: Part, said: Manifest, here: Machine) -> str:
    return f"Left out: the {part}, which are for {said.machine}; here is {here}."
