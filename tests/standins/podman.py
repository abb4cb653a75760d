"""A stand-in for podman: what it builds is called `localhost/...`, and it saves no platform."""

from __future__ import annotations

from pathlib import Path

from tests.standins.docker import write
from tests.standins.program import Refused, answer, parsed
from tests.standins.world import World, normalized


def main(world: World, arguments: list[str]) -> None:
    """As `podman` itself."""
    match arguments:
        case ["image", "inspect", *rest]:
            flags, (name,) = parsed(rest, {"--format": True, "-f": True}, _unknown)
            found = _found(world, name)[1]
            answer(found.removeprefix("sha256:") if flags["--format"] == "{{.Id}}" else "")
        case ["tag", name, other]:
            world.tag(_found(world, name)[1], normalized(other))
        case ["save", *rest]:
            known = {"--format": True, "--output": True, "-o": True, "--quiet": False}
            flags, (name,) = parsed(rest, known, _unknown)
            if flags.get("--format", "docker-archive") != "docker-archive":
                raise Refused(f"Error: unknown format {flags['--format']}", 125)
            archive = Path(flags.get("-o") or flags["--output"])
            if archive.exists():
                raise Refused(
                    "Error: docker-archive doesn't support modifying existing images", 125
                )
            write(world, archive, *_found(world, name))
        case _:
            word = arguments[0] if arguments else ""
            raise Refused(f'Error: unrecognized command "podman {word}"', 125)


def _found(world: World, name: str) -> tuple[str, str]:
    """Its own builds come first, then what Docker Hub might have given."""
    for full in (f"localhost/{name}", normalized(name)):
        image = world.image(full)
        if image is not None:
            return full, image
    raise Refused(f"Error: inspecting object: {name}: image not known", 125)


def _unknown(flag: str) -> Refused:
    return Refused(f"Error: unknown flag: {flag}\nSee 'podman --help'", 125)
