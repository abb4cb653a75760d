"""The build context: .dockerignore, and the files that a COPY line copies.

`plan_copy` lists the files, `fingerprint` says whether they are the same as last time, and
`copy_files` copies them. A file may change in between, so the builder takes the fingerprint again
of the copies.

Docker's .dockerignore differs from .gitignore in three things: every pattern begins at the top of
the folder, `!` includes a file again even in an excluded folder, and the last match wins.
"""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import itertools
import os
import posixpath
import re
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pathspec import PathSpec, Pattern
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from canarylab.errors import BuildError, DockerfileError
from canarylab.images.dockerfile import Instruction
from canarylab.images.image_config import ImageConfig
from canarylab.images.words import expand_document
from canarylab.playground.images import copy_file

DOCKERIGNORE = ".dockerignore"

_GLOB = re.compile(r"[*?\[]")


class Dockerignore:
    """The patterns of one .dockerignore."""

    def __init__(self, text: str = "", path: str = DOCKERIGNORE) -> None:
        patterns: list[Pattern] = []
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
            patterns += _patterns(line, number, path)
        # `re`, because re2 refuses file names that are not UTF-8
        self._spec = PathSpec(patterns, backend="simple")
        self.has_exceptions = any(pattern.include is False for pattern in patterns)

    @classmethod
    def of(cls, folder: Path) -> Dockerignore:
        """Read the one in this folder; without one, nothing is excluded."""
        file = folder / DOCKERIGNORE
        try:
            return cls(file.read_text(), str(file)) if file.exists() else cls()
        except (OSError, UnicodeDecodeError) as exc:
            raise BuildError(
                f"{file} cannot be read: {exc}. Make it a readable text file, or remove it."
            ) from exc

    def excludes(self, relative: str) -> bool:
        r"""Whether the file or folder at this path, written with /, is excluded.

        >>> Dockerignore("*.md\n!README.md").excludes("notes.md")
        True
        """
        return self._spec.match_file(relative)


@dataclass(frozen=True)
class BuildContext:
    """The folder that is built, without what .dockerignore excludes."""

    root: Path
    ignore: Dockerignore
    is_image: bool = False
    """Whether it is an earlier stage, in which `/` is the image's and a link may lead anywhere."""

    @classmethod
    def of(cls, folder: Path) -> BuildContext:
        """The folder with its own .dockerignore."""
        return cls(folder, Dockerignore.of(folder))

    def children(self, relative: str) -> list[str]:
        """Return the paths directly in a folder, by name."""
        names = sorted(entry.name for entry in (self.root / relative).iterdir())
        return [posixpath.join(relative, name) for name in names]

    def below(self, relative: str) -> Iterator[str]:
        """Yield every path in a folder and its subfolders, a folder before its contents."""
        for child in self.children(relative):
            excluded = self.ignore.excludes(child)
            if not excluded:
                yield child
            path = self.root / child
            may_have_files = not excluded or self.ignore.has_exceptions
            if may_have_files and path.is_dir() and not path.is_symlink():
                yield from self.below(child)


class CopiedFile(NamedTuple):
    """One file, link or folder, and its path in the image."""

    source: Path
    target: str
    mode: int | None = None
    """Of --chmod; else the file's own."""


def plan_copy(
    line: Instruction,
    config: ImageConfig,
    context: BuildContext,
    is_folder: Callable[[str], bool],
    scratch: Path,
) -> list[CopiedFile]:
    """Return everything that a COPY or ADD line copies.

    `is_folder` is about paths in the image so far. Here-documents are written to, and archives of
    an ADD line unpacked in, `scratch`. As in BuildKit, a pattern that matches nothing copies
    nothing.
    """
    *patterns, destination = line.words(config.values)
    if not patterns:
        problem = f"{line} names one path only"
        raise line.error(problem, f"Write {line.keyword}, what to copy, where to.")
    documents = _write_documents(line, config, scratch)
    named = [pattern for pattern in patterns if not pattern.startswith("<<")]
    found = [source for each in named for source in _sources(line, each, context)]
    sources = [
        *(_unpacked(line, context, source, scratch) for source in found),
        *((BuildContext(scratch, Dockerignore()), name) for name in documents),
    ]
    target = config.path_in_image(destination)
    into_folder = destination.endswith(("/", "/.")) or destination in (".", "..")
    if len(sources) > 1 and not into_folder:
        problem = f"{len(sources)} sources cannot become the one file {destination}"
        raise line.error(problem, f"End it with a slash, as in {destination}/.")
    into_folder = into_folder or is_folder(target)
    last_of_each_target = {
        copied.target: copied
        for within, source in sources
        for copied in _below(line, within, source, target, into_folder=into_folder)
    }
    mode = _mode(line)
    return [copied._replace(mode=mode) for copied in last_of_each_target.values()]


def fingerprint(files: Iterable[CopiedFile]) -> str:
    """Return a digest of the names, modes and bytes of these files."""
    digest = hashlib.sha256()
    for source, target, mode in files:
        digest.update(os.fsencode(f"{target}\0{_kind(source, mode)}\0"))
        if source.is_file() and not source.is_symlink():
            with source.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def copy_files(files: Iterable[CopiedFile], tree: Path) -> list[CopiedFile]:
    """Copy everything into the tree; return the same list with the copies as sources."""
    return [each._replace(source=_copy(each, tree)) for each in files]


@contextmanager
def mount_copies(
    mounts: Sequence[tuple[str, Sequence[CopiedFile]]], tree: Path, scratch: Path
) -> Iterator[None]:
    """Show copies at their targets, one after the other, and afterwards what was there before."""
    folders: list[Path] = []
    for number, (target, files) in enumerate(mounts):
        place = tree / target.lstrip("/")
        folders += [each for each in place.parents if not each.exists()]
        make_folder(tree, posixpath.dirname(target))
        if os.path.lexists(place):
            place.rename(scratch / str(number))
        copy_files(files, tree)
    yield
    for number, (target, _) in reversed(list(enumerate(mounts))):
        # Checked again: meanwhile the folder may have become a link that leads out of the image.
        place = make_folder(tree, posixpath.dirname(target)) / posixpath.basename(target)
        before = scratch / str(number)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
        if os.path.lexists(before):
            before.rename(place)
    for folder in sorted(folders, reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def _write_documents(line: Instruction, config: ImageConfig, scratch: Path) -> list[str]:
    """Write each here-document to a file of its name; return the names."""
    for each in line.documents:
        expand = each.is_expanded
        text = expand_document(each.content, config.values) if expand else each.content
        (scratch / each.name).write_text(text)
    return [each.name for each in line.documents]


def _unpacked(
    line: Instruction, context: BuildContext, source: str, scratch: Path
) -> tuple[BuildContext, str]:
    """Return where a source is; for an archive of an ADD line, the folder with what is in it."""
    file = context.root / source
    if line.keyword != "ADD" or not file.is_file() or not tarfile.is_tarfile(file):
        return context, source
    folder = tempfile.mkdtemp(dir=scratch)
    try:
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as exc:
        raise line.build_error(f"{file} cannot be unpacked: {exc}", "Check the archive.") from exc
    return BuildContext(Path(folder), Dockerignore()), ""


def _mode(line: Instruction) -> int | None:
    text = line.flags.get("chmod")
    if text is None:
        return None
    if not re.fullmatch(r"[0-7]{3,4}", text):
        raise line.error(f"--chmod={text} is not a mode", "Write it in octal, as in --chmod=755.")
    return int(text, 8)


def _patterns(line: str, number: int, path: str) -> list[Pattern]:
    """Translate a line to git's patterns: one for the path itself, one for everything below it."""
    if line.startswith("#") or not line.strip():
        return []
    sign = "!" if line.strip().startswith("!") else ""
    rest = line.strip().removeprefix(sign).strip()
    if not rest:
        raise DockerfileError(path, number, "! has no pattern", "Write after it what to include.")
    cleaned = posixpath.normpath(rest.lstrip("/"))  # `docs`, `./docs/` and `/docs` are one
    if cleaned in (".", "..") or cleaned.startswith("../"):
        return []
    try:
        return [GitIgnoreSpecPattern(f"{sign}/{cleaned}{below}") for below in ("", "/**")]
    except (ValueError, re.error) as exc:
        problem, remedy = f"{rest} is not a pattern ({exc})", "Close every [ and order its ranges."
        raise DockerfileError(path, number, problem, remedy) from exc


def _sources(line: Instruction, pattern: str, context: BuildContext) -> list[str]:
    """Return the paths that one source of the line matches; raise BuildError if none exists."""
    wanted = posixpath.normpath(f"./{pattern}")
    if wanted.split("/")[0] == "..":
        remedy = "Move what it needs into the folder: a build sees nothing else."
        raise line.error(f"{pattern} lies outside the folder that is built", remedy)
    if re.match(r"[a-z]+://|git@", pattern):
        remedy = "Use RUN with a program that downloads it, or build with Docker."
        raise line.error(f"{line.keyword} of {pattern} is not supported without Docker", remedy)
    found = [""] if wanted == "." else _expanded(line, wanted, context)
    kept = [path for path in found if not path or _is_included(path, context)]
    if not kept and not _GLOB.search(wanted):
        file = context.root / wanted
        why = "is excluded by .dockerignore" if os.path.lexists(file) else "does not exist"
        raise line.build_error(f"{file} {why}", "Check the name and the patterns in .dockerignore.")
    return kept


def _expanded(line: Instruction, pattern: str, context: BuildContext) -> list[str]:
    """Return every path that matches, part by part; a `*` stops at a slash.

    The folder before the first pattern has to be there, as in BuildKit.
    """
    found = [""]
    parts = pattern.split("/")
    fixed = "/".join(itertools.takewhile(lambda part: not _GLOB.search(part), parts[:-1]))
    if not (context.root / fixed).is_dir():
        problem = f"there is no folder {context.root / fixed}"
        raise line.build_error(problem, "Check the name in the folder that is built.")
    for part in parts:
        if not _GLOB.search(part):
            found = [posixpath.join(path, part) for path in found]
            continue
        children = [
            c for path in found if (context.root / path).is_dir() for c in context.children(path)
        ]
        glob = part.replace("[^", "[!")
        found = [path for path in children if fnmatch.fnmatchcase(posixpath.basename(path), glob)]
    return found


def _is_included(path: str, context: BuildContext) -> bool:
    if not os.path.lexists(context.root / path):
        return False
    return not context.ignore.excludes(path) or any(True for _ in _exceptions(path, context))


def _exceptions(path: str, context: BuildContext) -> Iterator[str]:
    folder = context.ignore.has_exceptions and (context.root / path).is_dir()
    return context.below(path) if folder else iter(())


def _below(
    line: Instruction, context: BuildContext, source: str, target: str, *, into_folder: bool
) -> Iterator[CopiedFile]:
    """Yield a file itself, or a folder's contents."""
    start = _real(context.root / source)  # a link that is named is followed
    _check_inside(line, context, context.root / source)
    if not start.is_dir():
        name = posixpath.basename(source)
        yield CopiedFile(start, posixpath.join(target, name) if into_folder else target)
        return
    yield CopiedFile(start, target)
    for path in context.below(source):
        mode = (context.root / path).lstat().st_mode
        if stat.S_ISSOCK(mode):
            continue  # as tar does
        if not (context.is_image and stat.S_ISLNK(mode)):
            _check_inside(line, context, context.root / path)
        relative = posixpath.relpath(path, source or ".")
        yield CopiedFile(context.root / path, posixpath.join(target, relative))


def _check_inside(line: Instruction, context: BuildContext, path: Path) -> None:
    """Refuse a link out of the folder: it would be a different file on every machine."""
    absolute = path.is_symlink() and path.readlink().is_absolute()
    if absolute or not _real(path).is_relative_to(_real(context.root)):
        problem = f"{path} is a link that leads out of the folder"
        raise line.build_error(problem, "Copy the file itself there, or name it in .dockerignore.")
    if path.exists() and not (path.is_file() or path.is_dir() or path.is_fifo()):
        problem = f"{path} is neither a file nor a folder"
        raise line.build_error(problem, "Remove it, or name it in .dockerignore.")


def make_folder(tree: Path, path: str) -> Path:
    """Make a folder of an image; raise OSError if a link leads out of the image, to the machine."""
    folder = tree / path.lstrip("/")
    if not _real(folder).is_relative_to(_real(tree)):
        raise OSError(errno.EXDEV, "a link in the image leads out of it", path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _copy(copied: CopiedFile, tree: Path) -> Path:
    source, target, mode = copied
    place = tree / target.lstrip("/")
    is_folder = source.is_dir() and not source.is_symlink()
    make_folder(tree, target if is_folder else posixpath.dirname(target))
    if is_folder:
        return source
    place.unlink(missing_ok=True)  # never write into a file that an older layer shares
    copy_file(source, place)
    if mode is not None and not place.is_symlink():
        place.chmod(mode)
    return place


def _kind(path: Path, mode: int | None) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if path.is_dir():
        return "folder"
    kind = "pipe" if path.is_fifo() else "file"
    return f"{kind} {(mode or path.stat().st_mode) & 0o777:o}"


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises for a loop of links
