"""A stand-in for the docker program: what canarylab and kind need of it beside the engine."""

from __future__ import annotations

from pathlib import Path

from tests.fakes import archive
from tests.fakes.program import Refused, hang, parsed
from tests.fakes.state import FakeState, normalized

PLATFORM_SINCE = 28  # of the program
PLATFORM_SINCE_API = (1, 48)  # of the engine


def main(state: FakeState, arguments: list[str]) -> None:
    """As `docker` itself."""
    match arguments:
        case ["image", "save", *rest] | ["save", *rest]:
            save(state, rest)
        case ["inspect", "--type=image", name]:
            if state.image(normalized(name)) is None:
                raise Refused(f"Error: No such image: {name}")
        case ["pull", name]:
            pull(state, name)
        case _:
            word = arguments[0] if arguments else ""
            raise Refused(f"docker: '{word}' is not a docker command.\nSee 'docker --help'")


def save(state: FakeState, arguments: list[str]) -> None:
    """`docker image save`."""
    known = {"--output": True, "-o": True}
    if int(state.settings()["docker_version"].partition(".")[0]) >= PLATFORM_SINCE:
        known["--platform"] = True
    flags, (name,) = parsed(arguments, known, lambda flag: _unknown_flag(flag, "image save"))
    _check_platform(state, flags.get("--platform"))
    image = state.image(normalized(name))
    if image is None:
        raise Refused("Error response from daemon: reference does not exist")
    _write(state, Path(flags.get("-o") or flags["--output"]), name, image)


def pull(state: FakeState, name: str) -> None:
    """`docker pull`: from a registry that has everything, unless something was ordered."""
    order = state.order("pull")
    if order is not None and order.get("hang"):
        hang(state)
    elif order is not None:
        raise Refused("\n".join(order["words"]))
    state.add_image(normalized(name))


def _write(state: FakeState, path: Path, name: str, image: str) -> None:
    """Under another name first, and renamed when it is whole, as docker does."""
    draft = path.with_name(f".docker_temp_{path.name}")
    archive.write(draft, name, image)
    order = state.order("save")
    if order is not None and order.get("hang"):
        hang(state)
    elif order is not None:
        raise Refused("\n".join(order["words"]))
    draft.rename(path)


def _check_platform(state: FakeState, platform: str | None) -> None:
    if platform is None:
        return
    version = state.settings()["api_version"]
    if tuple(map(int, version.split("."))) < PLATFORM_SINCE_API:
        raise Refused(
            '"--platform" requires API version 1.48, '
            f"but the Docker daemon API version is {version}"
        )
    here = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[state.settings()["architecture"]]
    if platform != here:
        raise Refused(
            "Error response from daemon: no suitable export target found: image was found but does "
            f"not provide the specified platform ({platform})"
        )


def _unknown_flag(flag: str, command: str) -> Refused:
    """The words of the Docker that is older than 28."""
    return Refused(f"unknown flag: {flag}\nSee 'docker {command} --help'.", 125)
