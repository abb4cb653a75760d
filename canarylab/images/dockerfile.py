"""What does a Dockerfile say? Text in, instructions out.

Nothing here touches a disk. The builder follows one stage on a node image, which is what the
lessons need; every other line is refused by its number, before anything is built.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from canarylab.errors import BuildError, DockerfileError
from canarylab.images import variables

KNOWN = (
    *("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE"),
    *("FROM", "LABEL", "RUN", "STOPSIGNAL", "USER", "WORKDIR"),
)

_REMEDIES = {
    "ADD": "Use COPY for files of this folder, and RUN to download others.",
    "HEALTHCHECK": "Kubernetes does not read it either: write a livenessProbe in the manifest.",
    "MAINTAINER": 'Write LABEL maintainer="..." instead.',
    "ONBUILD": "Write its instruction into the Dockerfile that needs it.",
    "SHELL": 'RUN lines go to /bin/sh: name another shell there, as in RUN ["bash", "-c", "..."].',
    "VOLUME": "Remove the line: a pod gets its volumes from the manifest.",
}
_FLAGS = {"COPY": {"chown", "link"}}
_FLAG_REMEDIES = {
    "from": "The builder knows one stage only: copy from this folder, or build with Docker.",
    "chmod": "Use RUN chmod on the line after it.",
    "mount": "Remove it: npm's own cache is used in any case.",
    "platform": "Remove it: the image runs on this machine.",
}
_HERE_DOCUMENT = re.compile(r"""(?:^|\s)\d*<<-?['"]?[A-Za-z_]""")
_QUOTING = "Quotes and braces come in pairs, and $NAME, ${NAME}, ${NAME:-default} are known."


@dataclass(frozen=True)
class Instruction:
    """One instruction, wherever its lines end."""

    path: str
    line: int
    keyword: str
    text: str
    flags: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.keyword} {' '.join(self.text.split())}"

    @property
    def where(self) -> str:
        """`Dockerfile, line 7`."""
        return f"{self.path}, line {self.line}"

    def refused(self, problem: str, remedy: str) -> DockerfileError:
        """What to raise where the line itself is wrong."""
        return DockerfileError(self.path, self.line, problem, remedy)

    def failed(self, problem: str, remedy: str) -> BuildError:
        """What to raise where the line is right and the world is not."""
        return BuildError(f"{self.where}: {problem}. {remedy}")

    def words(self, values: Mapping[str, str]) -> list[str]:
        """The words of the line, a JSON list's included, with $NAMES resolved."""
        listed = exec_form(self.text)
        if listed == []:
            raise self.refused(f"{self} names nothing", "Write what it is about, or remove it.")
        try:
            if listed is not None:
                return [variables.substituted(word, values) for word in listed]
            return variables.words(self.text, values)
        except ValueError as exc:
            raise self.refused(f"{self}: {exc}", _QUOTING) from None

    def assignments(self, values: Mapping[str, str]) -> dict[str, str]:
        """Names and values of ENV, ARG and LABEL."""
        try:
            return variables.assignments(self.text, values)
        except ValueError as exc:
            remedy = f"Write {self.keyword} NAME=value, with quotes around a value with spaces."
            raise self.refused(f"{self}: {exc}", remedy) from None


def parse(text: str, path: str = "Dockerfile") -> list[Instruction]:
    r"""Every instruction in order; raise DockerfileError for the first the builder does not know.

    >>> [str(line) for line in parse("FROM node:24-slim\nCOPY src \\\n     ./")]
    ['FROM node:24-slim', 'COPY src ./']
    """
    instructions = [_instruction(path, line, logical) for line, logical in _logical_lines(text)]
    _check_stages(instructions, path)
    return instructions


def exec_form(text: str) -> list[str] | None:
    """The words of a JSON list; None where the line is meant for a shell.

    >>> exec_form('["node", "src/main.ts"]'), exec_form("node src/main.ts")
    (['node', 'src/main.ts'], None)
    """
    try:
        listed = json.loads(text) if text.startswith("[") else None
    except ValueError:
        return None
    return listed if isinstance(listed, list) and all(isinstance(w, str) for w in listed) else None


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Line number and text; lines that end in a backslash are one with those after them."""
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    escape = _escape_character(lines)
    begun, collected = 0, ""
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue  # between the lines of an instruction too
        begun = begun or number
        goes_on = line.rstrip().endswith(escape)
        collected += line.rstrip()[:-1] if goes_on else line
        if not goes_on:
            yield begun, collected.strip()
            begun, collected = 0, ""
    if collected.strip():
        yield begun, collected.strip()


def _escape_character(lines: list[str]) -> str:
    """A backslash, unless one of the comments at the very top names a backtick."""
    for line in lines:
        directive = re.fullmatch(r"#\s*(\w+)\s*=\s*(\S+)\s*", line)
        if directive is None:
            break
        if directive[1].lower() == "escape" and directive[2] in ("\\", "`"):
            return directive[2]
    return "\\"


def _instruction(path: str, line: int, logical: str) -> Instruction:
    keyword, *rest = logical.split(maxsplit=1)
    flags, text = _flags("".join(rest))
    instruction = Instruction(path, line, keyword.upper(), text, flags)
    _check(instruction)
    return instruction


def _flags(text: str) -> tuple[dict[str, str], str]:
    """What stands as --name=value before everything else, and the rest."""
    flags: dict[str, str] = {}
    while found := re.match(r"--([a-z]+)(?:=(\S*))?\s+", text):
        flags[found[1]] = found[2] or ""
        text = text[found.end() :]
    return flags, text


def _check(line: Instruction) -> None:
    if line.keyword not in KNOWN:
        near = difflib.get_close_matches(line.keyword, KNOWN, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"It knows {', '.join(KNOWN)}."
        remedy = _REMEDIES.get(line.keyword, hint)
        raise line.refused(f"{line.keyword} is not an instruction this builder knows", remedy)
    for flag in line.flags.keys() - _FLAGS.get(line.keyword, set()):
        remedy = _FLAG_REMEDIES.get(flag, "Remove it, or build with Docker.")
        raise line.refused(f"{line.keyword} --{flag} is not known to this builder", remedy)
    if not line.text:
        raise line.refused(
            f"{line.keyword} says nothing more", "Write what it is about, or remove it."
        )
    if line.keyword in ("RUN", "COPY") and _HERE_DOCUMENT.search(line.text):
        problem = "<< would take the lines below it as text, which this builder does not know"
        raise line.refused(problem, "Put the text into a file of its own and COPY it.")
    if line.keyword in ("CMD", "ENTRYPOINT") and exec_form(line.text) is None:
        raise _needs_a_list(line)


def _needs_a_list(line: Instruction) -> DockerfileError:
    if line.text.startswith("["):
        return line.refused(
            f"{line} is not a list of texts",
            'Use double quotes and commas, as in ["npm", "start"].',
        )
    try:
        suggestion = json.dumps(shlex.split(line.text))
    except ValueError:
        suggestion = '["node", "src/main.ts"]'
    return line.refused(
        f"{line} would run in a shell, which keeps SIGTERM from the app",
        f"Write it as a list: {line.keyword} {suggestion}.",
    )


def _check_stages(instructions: list[Instruction], path: str) -> None:
    """One FROM, and before it nothing but ARG."""
    bases = [line for line in instructions if line.keyword == "FROM"]
    if not bases:
        raise DockerfileError(path, 1, "there is no FROM", "Begin with FROM node:24-slim.")
    before = next(line for line in instructions if line.keyword != "ARG")
    if before.keyword != "FROM":
        raise before.refused(f"{before.keyword} stands before FROM", "Only ARG may: move it below.")
    if len(bases) > 1:
        remedy = "Build in one stage, or build with Docker."
        raise bases[1].refused(
            "a second FROM begins another stage, which this builder does not know", remedy
        )
