"""The config of an image: what each instruction of a Dockerfile sets, stage by stage.

Pure functions. A stage begins with FROM, on Node.js or on an earlier stage. `plan` leaves out the
stages that the last one does not need, as BuildKit does.
"""

from __future__ import annotations

import posixpath
import re
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from canarylab.errors import BuildError, ImageNameError
from canarylab.images.dockerfile import Instruction
from canarylab.images.words import Values, exec_form
from canarylab.playground.images import DEFAULT_PATH, architecture, parse_reference
from canarylab.playground.nodejs import nodejs_version

ENTRYPOINT = ("docker-entrypoint.sh",)
"""Of the official Node image: it runs `node` with arguments that are no command of their own."""
DEFAULT_SHELL = ("/bin/sh", "-c")

# Docker accepts these build arguments without an ARG line.
_PREDEFINED_ARGS = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}
_PLATFORM = {"OS": "linux", "ARCH": architecture(), "PLATFORM": f"linux/{architecture()}"}
_PLATFORM_ARGS = {
    f"{of}{name}": value for of in ("TARGET", "BUILD") for name, value in _PLATFORM.items()
}
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", re.IGNORECASE)
_SIGNALS = {str(each.value): each.name for each in signal.Signals}


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
    entrypoint: tuple[str, ...] = ENTRYPOINT
    command: tuple[str, ...] = ("node",)
    command_is_inherited: bool = True
    exposed_ports: tuple[int, ...] = ()
    labels: Values = field(default_factory=dict)
    stop_signal: str = "SIGTERM"
    shell: tuple[str, ...] = DEFAULT_SHELL
    volumes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    stage: int = -1
    """Counted from 0; -1 before the first FROM."""
    stage_name: str = ""
    base: int | None = None
    """The earlier stage that this one begins with."""
    base_image: str = ""
    """The image that this stage, or the one that it begins with, names: `node:24-slim`."""
    copied_from: frozenset[int] = frozenset()
    """The earlier stages that this one copies from."""
    stages: tuple[ImageConfig, ...] = ()
    """The earlier stages, as they ended."""

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

    def run_command(self, line: Instruction) -> list[str]:
        """Return the command of a RUN line."""
        return exec_form(line.text) or [*self.shell, line.script]

    def stage_named(self, name: str) -> int | None:
        """Return the earlier stage of that name or number."""
        if name.isdecimal():
            return int(name) if int(name) < len(self.stages) else None
        found = [each.stage for each in self.stages if each.stage_name == name.lower()]
        return found[-1] if found and name else None


def apply_instruction(config: ImageConfig, line: Instruction) -> ImageConfig:
    """Return the config after this instruction."""
    apply = _APPLY.get(line.keyword)
    return apply(config, line) if apply else config


def plan(
    instructions: Sequence[Instruction], given: Values | None = None
) -> list[tuple[Instruction, ImageConfig]]:
    """Return each instruction that is carried out, with the config after it.

    Stages that the last one does not need are left out. Raises DockerfileError for a line that is
    not supported, and BuildError for build arguments that no ARG line declares.
    """
    config = ImageConfig(given=given or {})
    planned = []
    for line in instructions:
        config = apply_instruction(config, line)
        planned.append((line, config))
    unknown = config.given.keys() - config.declared - _PREDEFINED_ARGS
    if unknown:
        raise BuildError(
            f"No ARG line declares {', '.join(sorted(unknown))}. "
            f"This Dockerfile declares {', '.join(sorted(config.declared)) or 'no arguments'}."
        )
    needed = _needed([*config.stages, config])
    return [(line, after) for line, after in planned if after.stage in needed]


def _needed(stages: Sequence[ImageConfig]) -> set[int]:
    needed = {-1, len(stages) - 1}
    for stage in reversed(stages):  # a stage needs earlier ones only
        if stage.stage in needed:
            needed |= stage.copied_from | ({stage.base} if stage.base is not None else set())
    return needed


def _from(config: ImageConfig, line: Instruction) -> ImageConfig:
    """Begin a stage: ARG values end with the one before, unless this one begins with it."""
    before = () if config.stage < 0 else (*config.stages, replace(config, stages=()))
    global_args = config.args if config.stage < 0 else config.args_before_from
    values = {"PATH": DEFAULT_PATH, **_PLATFORM_ARGS, **global_args}
    base, *alias = line.words(values)
    if alias and (len(alias) != 2 or alias[0].upper() != "AS"):
        raise line.error(f"{line} has words that are not supported", "Write FROM node:24-slim.")
    begun = ImageConfig(given=config.given, stages=before)
    earlier = None if base.isdecimal() else begun.stage_named(base)
    if earlier is not None:
        begun = replace(before[earlier], stages=before, copied_from=frozenset())
    else:
        notes = (*_check_base_image(base, line), *_note_platform(line, values))
        begun = replace(begun, base_image=base, notes=notes)
    return replace(
        begun,
        args_before_from=global_args,
        declared=config.declared,
        stage=len(before),
        stage_name=alias[1].lower() if alias else "",
        base=earlier,
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


def _note_platform(line: Instruction, values: Values) -> tuple[str, ...]:
    """Say that the image is not for the platform that a FROM line names."""
    flag = line.flags.get("platform")
    if flag is None:
        return ()
    named = replace(line, text=flag).value(values)
    system, machine = _parse_platform(named)
    if (system, machine) == (_PLATFORM["OS"], _PLATFORM["ARCH"]):
        return ()
    return (
        f"{line.where}: FROM names the platform {named}, and this image is for "
        f"{_PLATFORM['PLATFORM']}. Build with Docker for another platform.",
    )


def _parse_platform(text: str) -> tuple[str, str]:
    """Return system and architecture; one of the two may be left out, and a variant follow.

    >>> _parse_platform("linux/arm64/v8"), _parse_platform("x86_64")
    (('linux', 'arm64'), ('linux', 'amd64'))
    """
    first, *rest = text.lower().split("/")
    if rest:
        return first, architecture(rest[0])
    is_system = first in ("linux", "windows", "darwin")
    return (first, _PLATFORM["ARCH"]) if is_system else (_PLATFORM["OS"], architecture(first))


def _arg(config: ImageConfig, line: Instruction) -> ImageConfig:
    """Take the build argument, else the default, else the value of an ARG before FROM."""
    words = [word.partition("=") for word in line.quoted_words(config.values)]
    names = {name for name, _, _ in words}
    args = {
        **config.args,
        **_subset({**_PLATFORM_ARGS, **config.args_before_from}, names),
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
    return replace(config, working_dir=config.path_in_image(line.value(config.values)))


def _user(config: ImageConfig, line: Instruction) -> ImageConfig:
    return replace(config, user=line.value(config.values))


def _volume(config: ImageConfig, line: Instruction) -> ImageConfig:
    paths = (config.path_in_image(word) for word in line.words(config.values))
    return replace(config, volumes=(*config.volumes, *paths))


def _copied_from(config: ImageConfig, line: Instruction) -> ImageConfig:
    """Note the stages that a COPY line copies from, and those that a RUN line mounts."""
    names = [line.flags.get("from"), *(mount.stage for mount in line.mounts)]
    for name in filter(None, names):
        if (stage := config.stage_named(name)) is None:
            problem = f"{line.keyword} takes files from {name}, which is no earlier stage"
            raise line.error(problem, "Name a stage of this Dockerfile, or build with Docker.")
        config = replace(config, copied_from=config.copied_from | {stage})
    return config


def _expose(config: ImageConfig, line: Instruction) -> ImageConfig:
    words = " ".join(line.words(config.values)).split() or [""]
    ports = [port for word in words for port in _ports(word, line)]
    return replace(config, exposed_ports=tuple(dict.fromkeys([*config.exposed_ports, *ports])))


def _ports(word: str, line: Instruction) -> list[int]:
    """Return the TCP ports of `80`, `80-82` or `53/udp`."""
    found = _PORTS.fullmatch(word)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if found is None or not 0 < first <= last < 65_536:
        raise line.error(
            f"{word or line} is not a port", "Write one number each, as in EXPOSE 3333."
        )
    is_tcp = (found[3] or "tcp").lower() == "tcp"
    return list(range(first, last + 1)) if is_tcp else []


def _stop_signal(config: ImageConfig, line: Instruction) -> ImageConfig:
    word = line.value(config.values)
    name = _SIGNALS.get(word, f"SIG{word.upper().removeprefix('SIG')}")
    if name not in _SIGNALS.values():
        raise line.error(f"{word} is not a signal", "Write its name, as in STOPSIGNAL SIGTERM.")
    return replace(config, stop_signal=name)


def _shell(config: ImageConfig, line: Instruction) -> ImageConfig:
    return replace(config, shell=tuple(exec_form(line.text) or ()))


def _health_check(config: ImageConfig, line: Instruction) -> ImageConfig:
    if line.text.split()[0].upper() not in ("CMD", "NONE"):
        raise line.error(f"{line} is not a check", "Write HEALTHCHECK CMD and a command, or NONE.")
    note = f"{line.where}: Kubernetes ignores HEALTHCHECK. Write a livenessProbe in the manifest."
    return replace(config, notes=tuple(dict.fromkeys((*config.notes, note))))


def _cmd(config: ImageConfig, line: Instruction) -> ImageConfig:
    noted = _note_shell(config, line)
    return replace(noted, command=_command(config, line), command_is_inherited=False)


def _entrypoint(config: ImageConfig, line: Instruction) -> ImageConfig:
    """Drop the base image's command, as Docker does; keep one that this file has set."""
    command = () if config.command_is_inherited else config.command
    return replace(_note_shell(config, line), entrypoint=_command(config, line), command=command)


def _command(config: ImageConfig, line: Instruction) -> tuple[str, ...]:
    listed = exec_form(line.text)
    return (*config.shell, line.text) if listed is None else tuple(listed)


def _note_shell(config: ImageConfig, line: Instruction) -> ImageConfig:
    """Say of the shell form what Docker's own check of a build says."""
    if exec_form(line.text) is not None:
        return config
    note = (
        f"{line.where}: {line.keyword} runs in a shell, which may keep SIGTERM from the app. "
        'Write it as a list, as in ["npm", "start"].'
    )
    return replace(config, notes=(*config.notes, note))


_APPLY: dict[str, Callable[[ImageConfig, Instruction], ImageConfig]] = {
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copied_from,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _health_check,
    "LABEL": _label,
    "RUN": _copied_from,
    "SHELL": _shell,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _working_dir,
}
