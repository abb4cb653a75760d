"""Which files does a COPY line copy, and where to?

`plan` looks and lists; `fingerprint` says whether it is the same as last time; `carry_out` copies.
A file may change between the look and the copy, so the builder asks for the fingerprint again
afterwards, of what arrived.
"""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import os
import posixpath
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from canarylab.images.dockerfile import Instruction
from canarylab.images.ignore import Ignore
from canarylab.images.settings import Settings

_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Context:
    """The folder that is built, as .dockerignore leaves it."""

    root: Path
    ignore: Ignore

    @classmethod
    def of(cls, folder: Path) -> Context:
        """The folder with its own .dockerignore."""
        return cls(folder, Ignore.of(folder))

    def children(self, relative: str) -> list[str]:
        """What lies directly in a folder, by name."""
        names = sorted(entry.name for entry in (self.root / relative).iterdir())
        return [posixpath.join(relative, name) for name in names]

    def below(self, relative: str) -> Iterator[str]:
        """Everything in a folder and in the folders in it, a folder before what it holds."""
        for child in self.children(relative):
            kept_out = self.ignore.keeps_out(child)
            if not kept_out:
                yield child
            path = self.root / child
            worth_a_look = not kept_out or self.ignore.has_exceptions
            if worth_a_look and path.is_dir() and not path.is_symlink():
                yield from self.below(child)


class Copied(NamedTuple):
    """One file, link or folder, and its path in the image."""

    source: Path
    target: str


def plan(
    line: Instruction, settings: Settings, context: Context, is_folder: Callable[[str], bool]
) -> list[Copied]:
    """Everything that this line copies; `is_folder` knows the image so far."""
    *patterns, wanted = line.words(settings.values)
    if not patterns:
        raise line.refused(f"{line} names one path only", "Write COPY, what to copy, where to.")
    sources = [source for pattern in patterns for source in _sources(line, pattern, context)]
    if not sources:
        raise line.failed(f"nothing matches {' '.join(patterns)}", "Check the names in the folder.")
    target = settings.path_in_image(wanted)
    into_folder = wanted.endswith(("/", "/.")) or wanted in (".", "..")
    if len(sources) > 1 and not into_folder:
        problem = f"{len(sources)} sources cannot become the one file {wanted}"
        raise line.refused(problem, f"End it with a slash, as in {wanted}/.")
    into_folder = into_folder or is_folder(target)
    last_of_each_target = {
        copied.target: copied
        for source in sources
        for copied in _below(line, context, source, target, into_folder=into_folder)
    }
    return list(last_of_each_target.values())


def fingerprint(files: Iterable[Copied]) -> str:
    """A text that changes when a name, a mode or a byte of these does."""
    found = hashlib.sha256()
    for source, target in files:
        found.update(os.fsencode(f"{target}\0{_kind(source)}\0"))
        if source.is_file() and not source.is_symlink():
            with source.open("rb") as content:
                found.update(hashlib.file_digest(content, "sha256").digest())
    return found.hexdigest()


def carry_out(files: Iterable[Copied], tree: Path) -> list[Copied]:
    """Copy everything into the tree; the same list, its files as they arrived."""
    return [Copied(_copy(source, tree, target), target) for source, target in files]


def _copy(source: Path, tree: Path, target: str) -> Path:
    place = tree / target.lstrip("/")
    is_folder = source.is_dir() and not source.is_symlink()
    folder = place if is_folder else place.parent
    if not _real(folder).is_relative_to(_real(tree)):
        raise OSError(errno.EXDEV, "a link in the image leads out of it", target)
    folder.mkdir(parents=True, exist_ok=True)
    if is_folder:
        return source
    place.unlink(missing_ok=True)  # never write into a file that an older step shares
    shutil.copy2(source, place, follow_symlinks=False)
    return place


def _kind(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return "folder" if path.is_dir() else f"file {path.stat().st_mode & 0o777:o}"


def _sources(line: Instruction, pattern: str, context: Context) -> list[str]:
    """The paths that one word of the line means; raise BuildError where it names nothing."""
    wanted = posixpath.normpath(f"./{pattern}")
    if wanted.split("/")[0] == "..":
        remedy = "Move what it needs into the folder: a build sees nothing else."
        raise line.refused(f"{pattern} lies outside the folder that is built", remedy)
    found = [""] if wanted == "." else _expanded(wanted, context)
    kept = [path for path in found if not path or _is_there(path, context)]
    if not kept and found and not _GLOB.search(wanted):
        file = context.root / wanted
        why = "is kept out by .dockerignore" if os.path.lexists(file) else "is not there"
        raise line.failed(f"{file} {why}", "Check the name and the patterns in .dockerignore.")
    return kept


def _expanded(pattern: str, context: Context) -> list[str]:
    """Every path that matches, part by part; a `*` stops at a slash."""
    found = [""]
    for part in pattern.split("/"):
        if not _GLOB.search(part):
            found = [posixpath.join(path, part) for path in found]
            continue
        children = [
            c for path in found if (context.root / path).is_dir() for c in context.children(path)
        ]
        glob = part.replace("[^", "[!")
        found = [path for path in children if fnmatch.fnmatchcase(posixpath.basename(path), glob)]
    return found


def _is_there(path: str, context: Context) -> bool:
    if not os.path.lexists(context.root / path):
        return False
    return not context.ignore.keeps_out(path) or any(True for _ in _exceptions(path, context))


def _exceptions(path: str, context: Context) -> Iterator[str]:
    folder = context.ignore.has_exceptions and (context.root / path).is_dir()
    return context.below(path) if folder else iter(())


def _below(
    line: Instruction, context: Context, source: str, target: str, *, into_folder: bool
) -> Iterator[Copied]:
    """A folder stands for what is in it; anything else for itself."""
    start = _real(context.root / source)  # a link that is named is followed
    _check_inside(line, context, context.root / source)
    if not start.is_dir():
        name = posixpath.basename(source)
        yield Copied(start, posixpath.join(target, name) if into_folder else target)
        return
    yield Copied(start, target)
    for path in context.below(source):
        _check_inside(line, context, context.root / path)
        relative = posixpath.relpath(path, source or ".")
        yield Copied(context.root / path, posixpath.join(target, relative))


def _check_inside(line: Instruction, context: Context, path: Path) -> None:
    """A link out of the folder would be a different file on every machine."""
    absolute = path.is_symlink() and path.readlink().is_absolute()
    if absolute or not _real(path).is_relative_to(_real(context.root)):
        problem = f"{path} is a link that leads out of the folder"
        raise line.failed(problem, "Copy the file itself there, or name it in .dockerignore.")
    if path.exists() and not path.is_file() and not path.is_dir():
        problem = f"{path} is neither a file nor a folder"
        raise line.failed(problem, "Remove it, or name it in .dockerignore.")


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises where links go round in a circle
