"""Build an image without Docker, from the same Dockerfile that Docker builds.

Three instructions make files: WORKDIR, COPY, RUN. Each is looked up by what goes into it (the tree
before it, its own text, what it copies, the variables it sees) and only carried out when no earlier
build did just that. All others settle something about the image and take no time.

dockerfile.py reads, settings.py settles, copying.py copies, running.py runs, layers.py remembers,
and tagging.py makes an image of what they leave.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from canarylab.errors import BuildError
from canarylab.images import copying, dockerfile, layers, running
from canarylab.images.base import Step
from canarylab.images.copying import Context
from canarylab.images.dockerfile import Instruction
from canarylab.images.layers import Layer, Layers
from canarylab.images.settings import Settings, applied
from canarylab.images.tagging import image_of, tagged
from canarylab.playground.home import node_version
from canarylab.playground.images import Image, parsed

# Docker lets these be given without an ARG line.
_ALWAYS_DECLARED = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}


def build(
    context: Path,
    reference: str,
    *,
    images: Path,
    build_args: Mapping[str, str] | None = None,
    report: Callable[[Step], None] = lambda step: None,
) -> Image:
    """The image of this folder, tagged; `report` hears of each instruction when it is done.

    Raises DockerfileError, before anything is built, for a line the builder does not know, and
    BuildError for a step that failed. A failed build leaves every image as it was.
    """
    parsed(reference)
    instructions = _read(context)
    settings = Settings(given=build_args or {})
    _check_arguments(instructions, settings)
    with layers.opened(images) as store:
        layer = store.empty
        files = _Files(Context.of(context), store)
        for number, line in enumerate(instructions, start=1):
            started = time.monotonic()
            settings = applied(settings, line)
            layer, cached = files.after(line, settings, layer)
            seconds = time.monotonic() - started
            report(Step(number, len(instructions), str(line), cached, seconds))
        return tagged(image_of(reference, settings), layer, images, store)


@dataclass(frozen=True)
class _Files:
    """What instructions do to the tree."""

    context: Context
    store: Layers

    def after(self, line: Instruction, settings: Settings, before: Layer) -> tuple[Layer, bool]:
        """The tree after this instruction, and whether an earlier build made it."""
        recipes = {"WORKDIR": self._workdir, "COPY": self._copy, "RUN": self._run}
        if line.keyword not in recipes:
            return before, False
        with _in_words(line):
            key, fill = recipes[line.keyword](line, settings, before)
            found = self.store.find(key)
            return (found, True) if found else (self.store.make(key, fill), False)

    def _workdir(self, line: Instruction, settings: Settings, before: Layer) -> _Recipe:
        def fill(tree: Path) -> None:
            layers.shared(before.tree, tree)
            (tree / settings.working_dir.lstrip("/")).mkdir(parents=True, exist_ok=True)

        return _Recipe(layers.key_of("WORKDIR", before.digest, settings.working_dir), fill)

    def _copy(self, line: Instruction, settings: Settings, before: Layer) -> _Recipe:
        files = copying.plan(
            line, settings, self.context, lambda path: (before.tree / path.lstrip("/")).is_dir()
        )
        seen = copying.fingerprint(files)

        def fill(tree: Path) -> None:
            layers.shared(before.tree, tree)
            if copying.fingerprint(copying.carry_out(files, tree)) != seen:
                problem = "a file changed while it was copied"
                raise line.failed(problem, "Save everything, and build again.")

        return _Recipe(layers.key_of("COPY", before.digest, seen), fill)

    def _run(self, line: Instruction, settings: Settings, before: Layer) -> _Recipe:
        def fill(tree: Path) -> None:
            layers.copied(before.tree, tree)
            running.run(line, settings, tree)

        visible = json.dumps(settings.run_env, sort_keys=True)
        parts = (line.text, settings.working_dir, visible, node_version())
        return _Recipe(layers.key_of("RUN", before.digest, *parts), fill)


class _Recipe(NamedTuple):
    key: str
    fill: layers.Fill


def _read(context: Path) -> list[Instruction]:
    file = context / "Dockerfile"
    try:
        return dockerfile.parse(file.read_text(encoding="utf-8"), str(file))
    except (FileNotFoundError, NotADirectoryError):
        raise BuildError(
            f"There is no Dockerfile in {context}. Name the folder that has one."
        ) from None
    except (OSError, UnicodeDecodeError) as exc:
        raise BuildError(f"{file} cannot be read: {exc}. Make it a readable text file.") from exc


def _check_arguments(instructions: list[Instruction], settings: Settings) -> None:
    """A dry run: every line is understood, and every build argument is wanted."""
    for line in instructions:
        settings = applied(settings, line)
    unknown = settings.given.keys() - settings.declared - _ALWAYS_DECLARED
    if unknown:
        raise BuildError(
            f"No ARG line asks for {', '.join(sorted(unknown))}. "
            f"This Dockerfile knows {', '.join(sorted(settings.declared)) or 'no arguments'}."
        )


@contextmanager
def _in_words(line: Instruction) -> Iterator[None]:
    """A full disk, a file without read permission: said with the line that met it."""
    try:
        yield
    except OSError as exc:
        about = f" ({exc.filename})" if exc.filename else ""
        problem = f"{line} met an error: {exc.strerror or exc}{about}"
        raise line.failed(problem, "Mend that, and build again.") from exc
