"""Which files of a folder does .dockerignore keep out of an image?

Docker's rules differ from git's in three things: every pattern begins at the top of the folder,
`!` brings a file back even out of a folder that is kept out, and the last line that matches wins.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from pathspec import PathSpec, Pattern
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from canarylab.errors import BuildError, DockerfileError

NAME = ".dockerignore"


class Ignore:
    """The patterns of one .dockerignore."""

    def __init__(self, text: str = "", path: str = NAME) -> None:
        patterns: list[Pattern] = []
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
            patterns += _patterns(line, number, path)
        self._spec = PathSpec(patterns)
        self.has_exceptions = any(pattern.include is False for pattern in patterns)

    @classmethod
    def of(cls, context: Path) -> Ignore:
        """The one in this folder, or one that keeps nothing out."""
        file = context / NAME
        try:
            return cls(file.read_text(), str(file)) if file.exists() else cls()
        except (OSError, UnicodeDecodeError) as exc:
            raise BuildError(
                f"{file} cannot be read: {exc}. Make it a readable text file, or remove it."
            ) from exc

    def keeps_out(self, relative: str) -> bool:
        r"""Whether the file or folder at this path, written with /, stays outside.

        >>> Ignore("*.md\n!README.md").keeps_out("notes.md")
        True
        """
        return self._spec.match_file(relative)


def _patterns(line: str, number: int, path: str) -> list[Pattern]:
    """The line as git would write it, once for the path itself and once for all below it."""
    if line.startswith("#") or not line.strip():
        return []
    sign = "!" if line.strip().startswith("!") else ""
    rest = line.strip().removeprefix(sign).strip()
    if not rest:
        raise DockerfileError(path, number, "! stands alone", "Write after it what to keep.")
    cleaned = posixpath.normpath(rest.lstrip("/"))  # `docs`, `./docs/` and `/docs` are one
    if cleaned in (".", "..") or cleaned.startswith("../"):
        return []
    try:
        return [GitIgnoreSpecPattern(f"{sign}/{cleaned}{below}") for below in ("", "/**")]
    except (ValueError, re.error) as exc:
        problem, remedy = f"{rest} is not a pattern ({exc})", "Close every [ and order its ranges."
        raise DockerfileError(path, number, problem, remedy) from exc
