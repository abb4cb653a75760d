"""Reads a Dockerfile: its instructions with their flags and here-documents, as BuildKit does.

Pure functions. A line that is not supported is an error with its number, before anything is built.
What an instruction means is in image_config.py.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from canarylab.errors import BuildError, DockerfileError
from canarylab.images.words import (
    Values,
    exec_form,
    expand,
    expand_each,
    parse_assignments,
    raw_words,
    split_words,
)

INSTRUCTIONS = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"),
    *("LABEL", "MAINTAINER", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)

_REMEDIES = {"ONBUILD": "Write its instruction into the Dockerfile that needs it."}
_PROBE_FLAGS = {"interval", "timeout", "start-period", "start-interval", "retries"}
_FLAGS = {
    "ADD": {"chown", "chmod", "link"},
    "COPY": {"chown", "chmod", "link", "from"},
    "FROM": {"platform"},
    "HEALTHCHECK": _PROBE_FLAGS,
    "RUN": {"mount"},
}
_WITH_DOCUMENTS = ("ADD", "COPY", "RUN")
_DOCUMENT = re.compile(r"""\d*<<(?P<dash>-?)(?P<quote>['"]?)(?P<name>[^<'"\s]+)(?P=quote)""")
_QUOTING = "Quotes and braces come in pairs, and $NAME, ${NAME}, ${NAME:-default} are known."


T = TypeVar("T")


class HereDocument(NamedTuple):
    """The lines after an instruction, up to the line that is its name."""

    name: str
    text: str
    """As it is written, without the last line."""
    is_expanded: bool
    """Its name has no quotes, so that variables in it are replaced."""
    without_tabs: bool

    @property
    def content(self) -> str:
        """The text; without the tabs before each line if it begins with `<<-`."""
        return re.sub(r"(?m)^\t+", "", self.text) if self.without_tabs else self.text


class RunMount(NamedTuple):
    """What a RUN line sees without keeping it: files of the build context, or of a stage."""

    source: str | None
    """None for a cache, which is an empty folder."""
    target: str
    stage: str
    """Its name or number; empty for the build context."""


@dataclass(frozen=True)
class Instruction:
    """One instruction; continuation lines are joined."""

    path: str
    line: int
    keyword: str
    text: str
    flags: Mapping[str, str] = field(default_factory=dict)
    """The values of a flag that is repeated have a space between them."""
    documents: tuple[HereDocument, ...] = ()

    def __str__(self) -> str:
        return f"{self.keyword} {' '.join(self.text.split())}"

    @property
    def where(self) -> str:
        """`Dockerfile, line 7`."""
        return f"{self.path}, line {self.line}"

    @property
    def script(self) -> str:
        """What a shell is given for a RUN line without a JSON list."""
        if not self.documents:
            return self.text
        first, is_alone = self.documents[0], _DOCUMENT.fullmatch(self.text)
        if is_alone and first.content.startswith("#!"):
            marker = f"END_OF_{first.name}"
            return (
                f"f=$(mktemp) && trap 'rm $f' EXIT && cat >$f <<'{marker}' && chmod +x $f && $f\n"
                f"{first.content}{marker}\n"
            )
        if is_alone:
            return first.content
        bodies = (f"{each.text}{each.name}\n" for each in self.documents)
        return "\n".join((self.text, "".join(bodies)))

    @property
    def mounts(self) -> list[RunMount]:
        """What the `--mount` flags of a RUN line name."""
        return [_mount(_mount_settings(each)) for each in self.flags.get("mount", "").split()]

    def error(self, problem: str, remedy: str) -> DockerfileError:
        """Return the error for a line that this builder does not support."""
        return DockerfileError(self.path, self.line, problem, remedy)

    def build_error(self, problem: str, remedy: str) -> BuildError:
        """Return the error for a supported line that failed."""
        return BuildError(f"{self.where}: {problem}. {remedy}")

    def words(self, values: Values) -> list[str]:
        """Return the words between spaces, or of the JSON list, with variables expanded."""
        listed = exec_form(self.text)
        if listed == []:
            raise self.error(f"{self} has no argument", "Add one, or remove the line.")
        with_variables = listed and [expand(word, values) for word in listed]
        return with_variables or self._read(expand_each, values, _QUOTING)

    def quoted_words(self, values: Values) -> list[str]:
        """Return the words of a line in which quotes keep spaces together."""
        return self._read(split_words, values, _QUOTING)

    def value(self, values: Values) -> str:
        """Return the whole line as one value, with variables expanded."""
        return self._read(expand, values, _QUOTING)

    def assignments(self, values: Values) -> dict[str, str]:
        """Return names and values of an ENV or LABEL line."""
        remedy = f"Write {self.keyword} NAME=value, with quotes around a value with spaces."
        return self._read(parse_assignments, values, remedy)

    def _read(self, read: Callable[[str, Values], T], values: Values, remedy: str) -> T:
        try:
            return read(self.text, values)
        except ValueError as exc:
            raise self.error(f"{self}: {exc}", remedy) from None


def parse(text: str, path: str = "Dockerfile") -> list[Instruction]:
    r"""Return every instruction; raise DockerfileError for the first that is not supported.

    >>> [str(line) for line in parse("FROM node:24-slim\nCOPY src \\\n     ./")]
    ['FROM node:24-slim', 'COPY src ./']
    """
    instructions = list(_instructions(text, path))
    _check_beginning(instructions, path)
    return instructions


def _instructions(text: str, path: str) -> Iterator[Instruction]:
    """Yield each instruction, its continuation lines joined."""
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    escape = _escape_character(lines)
    numbered = iter(enumerate(lines, start=1))
    first, collected = 0, ""
    for number, line in numbered:
        if not line.strip() or line.lstrip().startswith("#"):
            continue  # between the lines of an instruction too
        first = first or number
        continues = line.rstrip().endswith(escape)
        collected += line.rstrip()[:-1] if continues else line
        if not continues:
            yield _instruction(path, first, collected.strip(), numbered)
            first, collected = 0, ""
    if collected.strip():
        yield _instruction(path, first, collected.strip(), numbered)


def _escape_character(lines: list[str]) -> str:
    """Return the backslash, or the backtick if an `escape` directive at the top says so."""
    for line in lines:
        directive = re.fullmatch(r"#\s*(\w+)\s*=\s*(\S+)\s*", line)
        if directive is None:
            break
        if directive[1].lower() == "escape" and directive[2] in ("\\", "`"):
            return directive[2]
    return "\\"


def _instruction(
    path: str, line: int, logical: str, following: Iterator[tuple[int, str]]
) -> Instruction:
    keyword, *rest = logical.split(maxsplit=1)
    flags, text = _flags("".join(rest))
    instruction = Instruction(path, line, keyword.upper(), text, flags)
    _check(instruction)
    if instruction.keyword not in _WITH_DOCUMENTS or exec_form(text) is not None:
        return instruction
    found = filter(None, (_DOCUMENT.fullmatch(word) for word in raw_words(text)))
    documents = tuple(_document(instruction, each, following) for each in found)
    return Instruction(path, line, instruction.keyword, text, flags, documents)


def _document(
    line: Instruction, found: re.Match[str], following: Iterable[tuple[int, str]]
) -> HereDocument:
    """Read the lines that follow, up to the name."""
    name, without_tabs = found["name"], bool(found["dash"])
    lines: list[str] = []
    for _, text in following:
        if (text.lstrip("\t") if without_tabs else text) == name:
            body = "".join(f"{each}\n" for each in lines)
            return HereDocument(name, body, not found["quote"], without_tabs)
        lines.append(text)
    raise line.error(f"<<{name} has no end", f"Write a line that has only {name} in it.")


def _flags(text: str) -> tuple[dict[str, str], str]:
    """Split off the --name=value flags at the beginning."""
    flags: dict[str, str] = {}
    while found := re.match(r"--([a-z][a-z-]*)(?:=(\S*))?\s+", text):
        flags[found[1]] = " ".join(filter(None, (flags.get(found[1]), found[2])))
        text = text[found.end() :]
    return flags, text


def _check(line: Instruction) -> None:
    if line.keyword not in INSTRUCTIONS:
        near = difflib.get_close_matches(line.keyword, INSTRUCTIONS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Supported are {', '.join(INSTRUCTIONS)}."
        remedy = _REMEDIES.get(line.keyword, hint)
        raise line.error(f"{line.keyword} is not supported without Docker", remedy)
    for flag in line.flags.keys() - _FLAGS.get(line.keyword, set()):
        problem = f"{line.keyword} --{flag} is not supported without Docker"
        raise line.error(problem, "Remove it, or build with Docker.")
    _check_mounts(line)
    if not line.text:
        raise line.error(f"{line.keyword} has no argument", "Add one, or remove the line.")
    if line.keyword in ("CMD", "ENTRYPOINT", "SHELL") and line.text.startswith("["):
        _check_list(line)
    elif line.keyword == "SHELL":
        raise line.error(f"{line} is not a list", 'Write it as a list: SHELL ["bash", "-c"].')


def _check_mounts(line: Instruction) -> None:
    for mount in line.flags.get("mount", "").split():
        settings = _mount_settings(mount)
        if settings["type"] not in ("bind", "cache"):
            problem = f"RUN --mount={mount} is not supported without Docker"
            raise line.error(problem, "COPY what it needs, or build with Docker.")
        if "target" not in settings:
            raise line.error(f"--mount={mount} has no target", "Add one, as in target=/app.")


def _mount_settings(mount: str) -> dict[str, str]:
    """Read the value of a --mount flag, in which some names have two spellings.

    >>> _mount_settings("dst=/app,src=x,rw")
    {'type': 'bind', 'target': '/app', 'source': 'x', 'rw': ''}
    """
    spellings = {"src": "source", "dst": "target", "destination": "target"}
    parts = (each.partition("=") for each in mount.split(","))
    return {"type": "bind"} | {spellings.get(name, name): value for name, _, value in parts}


def _mount(settings: Mapping[str, str]) -> RunMount:
    is_empty = settings["type"] == "cache" and "from" not in settings
    source = None if is_empty else settings.get("source", ".")
    return RunMount(source, settings["target"], settings.get("from", ""))


def _check_list(line: Instruction) -> None:
    if exec_form(line.text) is None:
        remedy = 'Use double quotes and commas, as in ["npm", "start"].'
        raise line.error(f"{line} is not a list of texts", remedy)


def _check_beginning(instructions: list[Instruction], path: str) -> None:
    """Check that there is a FROM, and only ARG before it."""
    if not any(line.keyword == "FROM" for line in instructions):
        raise DockerfileError(path, 1, "there is no FROM", "Begin with FROM node:24-slim.")
    before = next(line for line in instructions if line.keyword != "ARG")
    if before.keyword != "FROM":
        raise before.error(f"{before.keyword} is before FROM", "Only ARG may: move it below.")
