"""What have the instructions so far settled about the image, its files apart?

Pure: each instruction takes the settings before it to the settings after it.
"""

from __future__ import annotations

import posixpath
import re
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from canarylab.errors import ImageNameError
from canarylab.images.dockerfile import Instruction, exec_form
from canarylab.playground.home import node_version
from canarylab.playground.images import parsed

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SIGNALS = {str(each.value): each.name for each in signal.Signals}

Values = Mapping[str, str]


@dataclass(frozen=True)
class Settings:
    """What `docker inspect` would show, and what ARG has made known."""

    given: Values = field(default_factory=dict)
    """Build arguments of the caller."""
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
        """What a RUN line sees of ARG and ENV; where both name one thing, ENV wins."""
        return {**self.args, **self.env}

    @property
    def values(self) -> dict[str, str]:
        """What $NAME means in a line."""
        return {"PATH": _SYSTEM_PATH, **self.run_env}

    def path_in_image(self, path: str) -> str:
        """`path` from the top of the image; `..` ends there."""
        return posixpath.normpath(posixpath.join(self.working_dir, path)).replace("//", "/")


def applied(settings: Settings, line: Instruction) -> Settings:
    """The settings after this instruction."""
    apply = _APPLY.get(line.keyword)
    return apply(settings, line) if apply else settings


def _from(settings: Settings, line: Instruction) -> Settings:
    base, *alias = line.words(settings.values)
    if alias and (len(alias) != 2 or alias[0].upper() != "AS"):
        raise line.refused(f"{line} is not understood", "Write FROM node:24-slim.")
    return Settings(
        given=settings.given,
        args_before_from=settings.args,
        declared=settings.declared,
        notes=_notes_about(base, line),
    )


def _notes_about(base: str, line: Instruction) -> tuple[str, ...]:
    """What a reader should know about the base; raise DockerfileError where it is not Node."""
    try:
        name, tag = parsed(base.partition("@")[0])
    except ImageNameError:
        name, tag = base, ""
    if name != "node":
        problem = f"{base or 'nothing'} is not an image that this builder can start from"
        raise line.refused(problem, "Write FROM node:24-slim, or build this image with Docker.")
    asked, ours = re.match(r"\d+", tag), node_version()
    if asked is None or asked[0] == ours.partition(".")[0]:
        return ()
    return (f"{base} asks for Node {asked[0]}, and this image runs on Node {ours}.",)


def _arg(settings: Settings, line: Instruction) -> Settings:
    """The caller's value, else the default, else what an ARG of this name before FROM had."""
    words = [word.partition("=") for word in line.words(settings.values)]
    names = {name for name, _, _ in words}
    args = {
        **settings.args,
        **_chosen(settings.args_before_from, names),
        **{name: default for name, equals, default in words if equals},
        **_chosen(settings.given, names),
    }
    return replace(settings, args=args, declared=settings.declared | names)


def _chosen(values: Values, names: Iterable[str]) -> Values:
    return {name: values[name] for name in names if name in values}


def _env(settings: Settings, line: Instruction) -> Settings:
    return replace(settings, env={**settings.env, **line.assignments(settings.values)})


def _label(settings: Settings, line: Instruction) -> Settings:
    return replace(settings, labels={**settings.labels, **line.assignments(settings.values)})


def _working_dir(settings: Settings, line: Instruction) -> Settings:
    path = settings.path_in_image(" ".join(line.words(settings.values)))
    return replace(settings, working_dir=path)


def _user(settings: Settings, line: Instruction) -> Settings:
    return replace(settings, user=" ".join(line.words(settings.values)))


def _expose(settings: Settings, line: Instruction) -> Settings:
    ports = [_port(word, line) for word in line.words(settings.values)]
    return replace(settings, exposed_ports=tuple(dict.fromkeys([*settings.exposed_ports, *ports])))


def _port(word: str, line: Instruction) -> int:
    found = re.fullmatch(r"(\d{1,5})(?:/tcp)?", word, re.IGNORECASE)
    if found is None or not 0 < int(found[1]) < 65_536:
        raise line.refused(f"{word} is not a TCP port", "Write one number each, as in EXPOSE 3333.")
    return int(found[1])


def _stop_signal(settings: Settings, line: Instruction) -> Settings:
    word = "".join(line.words(settings.values))
    name = _SIGNALS.get(word, f"SIG{word.upper().removeprefix('SIG')}")
    if name not in _SIGNALS.values():
        raise line.refused(f"{word} is not a signal", "Write its name, as in STOPSIGNAL SIGTERM.")
    return replace(settings, stop_signal=name)


def _cmd(settings: Settings, line: Instruction) -> Settings:
    return replace(settings, command=_list(line), command_is_inherited=False)


def _entrypoint(settings: Settings, line: Instruction) -> Settings:
    """The base's own command means nothing to another entrypoint; one of this file's does."""
    command = () if settings.command_is_inherited else settings.command
    return replace(settings, entrypoint=_list(line), command=command)


def _list(line: Instruction) -> tuple[str, ...]:
    return tuple(exec_form(line.text) or ())


_APPLY: dict[str, Callable[[Settings, Instruction], Settings]] = {
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
