"""Reads a Dockerfile: instructions, variables, and the image config that they set.

Pure functions. Supported: one stage, FROM node. Any other line is an error with its number, before
anything is built. The rules for words and variables are Docker's: a value is inserted as one word,
single quotes keep everything as written, and an unset name is the empty text.
"""

from __future__ import annotations

import difflib
import json
import posixpath
import re
import shlex
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from canarylab.errors import BuildError, DockerfileError, ImageNameError
from canarylab.playground.images import DEFAULT_PATH, parse_reference
from canarylab.playground.nodejs import nodejs_version

INSTRUCTIONS = (
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
    "from": "The builder supports one stage only: copy from this folder, or build with Docker.",
    "chmod": "Use RUN chmod on the line after it.",
    "mount": "Remove it: npm's own cache is used in any case.",
    "platform": "Remove it: the image runs on this machine.",
}
_HERE_DOCUMENT = re.compile(r"""(?:^|\s)\d*<<-?['"]?[A-Za-z_]""")
_QUOTING = "Quotes and braces come in pairs, and $NAME, ${NAME}, ${NAME:-default} are known."

_BRACES = r"\$\{(?:[^{}]|\$\{[^{}]*\})*\}"
_WORD = re.compile(rf"""(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|{_BRACES}|[^\s'"\\])+""", re.DOTALL)

_VARIABLE = (
    r"\$(?P<name>[A-Za-z_]\w*)"
    r"|\$\{(?P<braced>[A-Za-z_]\w*)(?:(?P<how>:?[-+])(?P<other>(?:[^{}]|\$\{[^{}]*\})*))?\}"
    r"|(?P<unknown>\$\{[^}]*\}?)"
)
_OUTSIDE = re.compile(
    rf"""'(?P<literal>[^']*)'|"(?P<quoted>(?:[^"\\]|\\.)*)"|\\(?P<escaped>.)|{_VARIABLE}""",
    re.DOTALL,
)
_IN_QUOTES = re.compile(rf"""\\(?P<escaped>["\\$])|{_VARIABLE}""", re.DOTALL)

Values = Mapping[str, str]

_SIGNALS = {str(each.value): each.name for each in signal.Signals}


@dataclass(frozen=True)
class Instruction:
    """One instruction; continuation lines are joined."""

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

    def error(self, problem: str, remedy: str) -> DockerfileError:
        """Return the error for a line that this builder does not support."""
        return DockerfileError(self.path, self.line, problem, remedy)

    def build_error(self, problem: str, remedy: str) -> BuildError:
        """Return the error for a supported line that failed."""
        return BuildError(f"{self.where}: {problem}. {remedy}")

    def words(self, values: Mapping[str, str]) -> list[str]:
        """Return the words of the line, or of its JSON list, with variables expanded."""
        listed = exec_form(self.text)
        if listed == []:
            raise self.error(f"{self} has no argument", "Add one, or remove the line.")
        try:
            if listed is not None:
                return [expand(word, values) for word in listed]
            return split_words(self.text, values)
        except ValueError as exc:
            raise self.error(f"{self}: {exc}", _QUOTING) from None

    def assignments(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return names and values of an ENV or LABEL line."""
        try:
            return parse_assignments(self.text, values)
        except ValueError as exc:
            remedy = f"Write {self.keyword} NAME=value, with quotes around a value with spaces."
            raise self.error(f"{self}: {exc}", remedy) from None


@dataclass(frozen=True)
class ImageConfig:
    """The config that `docker image inspect` shows, and the ARG values so far."""

    given: Values = field(default_factory=dict)
    """Build arguments, as in `--build-arg`."""
    args_before_from: Values = field(default_factory=dict)
    args: Values = field(default_factory=dict)
    declared: frozenset[str] = frozenset()
    env: Values = field(default_factory=dict)
    working_dir: str = "/"
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ("node",)
    command_is_inherited: bool = True
    exposed_ports: tuple[int, ...] = ()
    labels: Values = field(default_factory=dict)
    stop_signal: str = "SIGTERM"
    notes: tuple[str, ...] = ()

    @property
    def run_env(self) -> dict[str, str]:
        """The variables of a RUN line: ARG, and ENV, which wins."""
        return {**self.args, **self.env}

    @property
    def values(self) -> dict[str, str]:
        """The values of $NAME in an instruction."""
        return {"PATH": DEFAULT_PATH, **self.run_env}

    def path_in_image(self, path: str) -> str:
        """Return the absolute path in the image; `..` stops at the root."""
        return posixpath.normpath(posixpath.join(self.working_dir, path)).replace("//", "/")


def apply_instruction(config: ImageConfig, line: Instruction) -> ImageConfig:
    """Return the config after this instruction."""
    apply = _APPLY.get(line.keyword)
    return apply(config, line) if apply else config


def parse(text: str, path: str = "Dockerfile") -> list[Instruction]:
    r"""Return every instruction; raise DockerfileError for the first that is not supported.

    >>> [str(line) for line in parse("FROM node:24-slim\nCOPY src \\\n     ./")]
    ['FROM node:24-slim', 'COPY src ./']
    """
    instructions = [_instruction(path, line, logical) for line, logical in _logical_lines(text)]
    _check_stages(instructions, path)
    return instructions


def exec_form(text: str) -> list[str] | None:
    """Return the words of the exec form, a JSON list; None for the shell form.

    >>> exec_form('["node", "src/main.ts"]'), exec_form("node src/main.ts")
    (['node', 'src/main.ts'], None)
    """
    try:
        listed = json.loads(text) if text.startswith("[") else None
    except ValueError:
        return None
    return listed if isinstance(listed, list) and all(isinstance(w, str) for w in listed) else None


def split_words(text: str, values: Mapping[str, str]) -> list[str]:
    """Split a line into words; raise ValueError for an open quote or an unsupported ${...}.

    >>> split_words("a${X}c 'two words' ${Y:-none}", {"X": "b"})
    ['abc', 'two words', 'none']
    """
    rest = _WORD.sub("", text).strip()
    if rest:
        raise ValueError(f"the {rest[0]} has no end")
    return [expand(word, values) for word in _WORD.findall(text)]


def expand(text: str, values: Mapping[str, str]) -> str:
    r"""Expand the variables and quotes of one word.

    >>> expand(r"$X '$X' \$X", {"X": "b"})
    'b $X $X'
    """

    def outside(found: re.Match[str]) -> str:
        if found["literal"] is not None:
            return found["literal"]
        if found["quoted"] is not None:
            return _IN_QUOTES.sub(lambda inner: _variable_value(inner, values), found["quoted"])
        return _variable_value(found, values)

    return _OUTSIDE.sub(outside, text)


def parse_assignments(text: str, values: Mapping[str, str]) -> dict[str, str]:
    """Parse `A=b C="d e"`, or the old form `A b` that sets one name to the rest of the line.

    >>> parse_assignments("A=b C='d e'", {}), parse_assignments("A b c", {})
    ({'A': 'b', 'C': 'd e'}, {'A': 'b c'})
    """
    pieces = _WORD.findall(text)
    if pieces and "=" not in pieces[0]:
        name, _, rest = text.partition(" ")
        if not rest.strip():
            raise ValueError(f"{name} has no value")
        return {name: " ".join(split_words(rest, values))}
    pairs = [word.partition("=") for word in split_words(text, values)]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise ValueError(f"`{name or '='}` is not an assignment")
    return {name: value for name, _, value in pairs}


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each instruction, its continuation lines joined."""
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    escape = _escape_character(lines)
    first, collected = 0, ""
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue  # between the lines of an instruction too
        first = first or number
        continues = line.rstrip().endswith(escape)
        collected += line.rstrip()[:-1] if continues else line
        if not continues:
            yield first, collected.strip()
            first, collected = 0, ""
    if collected.strip():
        yield first, collected.strip()


def _escape_character(lines: list[str]) -> str:
    """Return the backslash, or the backtick if an `escape` directive at the top says so."""
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
    """Split off the --name=value flags at the beginning."""
    flags: dict[str, str] = {}
    while found := re.match(r"--([a-z]+)(?:=(\S*))?\s+", text):
        flags[found[1]] = found[2] or ""
        text = text[found.end() :]
    return flags, text


def _check(line: Instruction) -> None:
    if line.keyword not in INSTRUCTIONS:
        near = difflib.get_close_matches(line.keyword, INSTRUCTIONS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Supported are {', '.join(INSTRUCTIONS)}."
        remedy = _REMEDIES.get(line.keyword, hint)
        raise line.error(f"{line.keyword} is not supported without Docker", remedy)
    for flag in line.flags.keys() - _FLAGS.get(line.keyword, set()):
        remedy = _FLAG_REMEDIES.get(flag, "Remove it, or build with Docker.")
        raise line.error(f"{line.keyword} --{flag} is not supported without Docker", remedy)
    if not line.text:
        raise line.error(f"{line.keyword} has no argument", "Add one, or remove the line.")
    if line.keyword in ("RUN", "COPY") and _HERE_DOCUMENT.search(line.text):
        problem = "<< begins a here-document, which is not supported without Docker"
        raise line.error(problem, "Put the text into a file of its own and COPY it.")
    if line.keyword in ("CMD", "ENTRYPOINT") and exec_form(line.text) is None:
        raise _shell_form_error(line)


def _shell_form_error(line: Instruction) -> DockerfileError:
    if line.text.startswith("["):
        return line.error(
            f"{line} is not a list of texts",
            'Use double quotes and commas, as in ["npm", "start"].',
        )
    try:
        suggestion = json.dumps(shlex.split(line.text))
    except ValueError:
        suggestion = '["node", "src/main.ts"]'
    return line.error(
        f"{line} would run in a shell, which keeps SIGTERM from the app",
        f"Write it as a list: {line.keyword} {suggestion}.",
    )


def _check_stages(instructions: list[Instruction], path: str) -> None:
    """Check that there is one FROM, and only ARG before it."""
    bases = [line for line in instructions if line.keyword == "FROM"]
    if not bases:
        raise DockerfileError(path, 1, "there is no FROM", "Begin with FROM node:24-slim.")
    before = next(line for line in instructions if line.keyword != "ARG")
    if before.keyword != "FROM":
        raise before.error(f"{before.keyword} is before FROM", "Only ARG may: move it below.")
    if len(bases) > 1:
        remedy = "Build in one stage, or build with Docker."
        raise bases[1].error(
            "a second FROM begins another stage, which is not supported without Docker", remedy
        )


def _variable_value(found: re.Match[str], values: Mapping[str, str]) -> str:
    if found["escaped"] is not None:
        return found["escaped"]
    if found["unknown"] is not None:
        raise ValueError(f"{found['unknown']} is not supported")
    name, how = found["name"] or found["braced"], found["how"] or ""
    empty_counts_as_unset = how.startswith(":")
    is_set = bool(values.get(name)) if empty_counts_as_unset else name in values
    if how.endswith("+"):
        return expand(found["other"], values) if is_set else ""
    if how.endswith("-") and not is_set:
        return expand(found["other"], values)
    return values.get(name, "")


def _from(config: ImageConfig, line: Instruction) -> ImageConfig:
    base, *alias = line.words(config.values)
    if alias and (len(alias) != 2 or alias[0].upper() != "AS"):
        raise line.error(f"{line} has words that are not supported", "Write FROM node:24-slim.")
    return ImageConfig(
        given=config.given,
        args_before_from=config.args,
        declared=config.declared,
        notes=_check_base_image(base, line),
    )


def _check_base_image(base: str, line: Instruction) -> tuple[str, ...]:
    """Return notes about the base image; raise DockerfileError if it is not Node.js."""
    try:
        name, tag = parse_reference(base.partition("@")[0])
    except ImageNameError:
        name, tag = base, ""
    if name != "node":
        problem = f"{base or 'nothing'} is not supported as a base image without Docker"
        raise line.error(problem, "Write FROM node:24-slim, or build with Docker.")
    wanted, present = re.match(r"\d+", tag), nodejs_version()
    if wanted is None or wanted[0] == present.partition(".")[0]:
        return ()
    return (f"{base} names Node.js {wanted[0]}, and this image runs on Node.js {present}.",)


def _arg(config: ImageConfig, line: Instruction) -> ImageConfig:
    """Take the build argument, else the default, else the value of an ARG before FROM."""
    words = [word.partition("=") for word in line.words(config.values)]
    names = {name for name, _, _ in words}
    args = {
        **config.args,
        **_subset(config.args_before_from, names),
        **{name: default for name, equals, default in words if equals},
        **_subset(config.given, names),
    }
    return replace(config, args=args, declared=config.declared | names)


def _subset(values: Values, names: Iterable[str]) -> Values:
    return {name: values[name] for name in names if name in values}


def _env(config: ImageConfig, line: Instruction) -> ImageConfig:
    return replace(config, env={**config.env, **line.assignments(config.values)})


def _label(config: ImageConfig, line: Instruction) -> ImageConfig:
    return replace(config, labels={**config.labels, **line.assignments(config.values)})


def _working_dir(config: ImageConfig, line: Instruction) -> ImageConfig:
    path = config.path_in_image(" ".join(line.words(config.values)))
    return replace(config, working_dir=path)


def _user(config: ImageConfig, line: Instruction) -> ImageConfig:
    return replace(config, user=" ".join(line.words(config.values)))


def _expose(config: ImageConfig, line: Instruction) -> ImageConfig:
    ports = [_port(word, line) for word in line.words(config.values)]
    return replace(config, exposed_ports=tuple(dict.fromkeys([*config.exposed_ports, *ports])))


def _port(word: str, line: Instruction) -> int:
    found = re.fullmatch(r"(\d{1,5})(?:/tcp)?", word, re.IGNORECASE)
    if found is None or not 0 < int(found[1]) < 65_536:
        raise line.error(f"{word} is not a TCP port", "Write one number each, as in EXPOSE 3333.")
    return int(found[1])


def _stop_signal(config: ImageConfig, line: Instruction) -> ImageConfig:
    word = "".join(line.words(config.values))
    name = _SIGNALS.get(word, f"SIG{word.upper().removeprefix('SIG')}")
    if name not in _SIGNALS.values():
        raise line.error(f"{word} is not a signal", "Write its name, as in STOPSIGNAL SIGTERM.")
    return replace(config, stop_signal=name)


def _cmd(config: ImageConfig, line: Instruction) -> ImageConfig:
    return replace(config, command=_exec_words(line), command_is_inherited=False)


def _entrypoint(config: ImageConfig, line: Instruction) -> ImageConfig:
    """Drop the base image's command, as Docker does; keep one that this file has set."""
    command = () if config.command_is_inherited else config.command
    return replace(config, entrypoint=_exec_words(line), command=command)


def _exec_words(line: Instruction) -> tuple[str, ...]:
    return tuple(exec_form(line.text) or ())


_APPLY: dict[str, Callable[[ImageConfig, Instruction], ImageConfig]] = {
    "ARG": _arg,
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "FROM": _from,
    "LABEL": _label,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "WORKDIR": _working_dir,
}
