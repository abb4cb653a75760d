"""How does an image get out of Docker, or Podman, so that kind can load it?

`kind load docker-image` fails with Docker 29, Docker Desktop and OrbStack: they keep images of
several platforms, kind asks for all of them, and only one is there. So we save the one platform
that the node has, and kind loads that archive.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canarylab.commands import Tool, asked, follow
from canarylab.errors import SetupError, ToolFailedError
from canarylab.machine.engine import engine, program, uses_podman

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
NOT_HERE = ("no such image", "no such object", "image not known")


def image_id(reference: str) -> str:
    """What the image is, whatever it is called; raise SetupError where it is not here."""
    found = find(reference)
    if found is None:
        raise SetupError(
            f"There is no image {reference} in {program().capitalize()} on this machine. "
            "Build it with `canarylab build --builder docker`."
        )
    return found


def find(reference: str) -> str | None:
    """The same, and None where it is not here."""
    tool = program()
    done = asked(tool, "image", "inspect", "--format", "{{.Id}}", reference)
    if done.succeeded:
        return done.output.strip()
    if any(words in done.complaint.lower() for words in NOT_HERE):
        return None
    raise ToolFailedError(
        [tool, "image", "inspect", reference], status=done.status, output=done.complaint.strip()
    )


@contextmanager
def saved(reference: str, folder: Path) -> Iterator[Path]:
    """The image in one file, for the length of a `with`; a file left over from before goes too."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    archive = folder / "image.tar"
    try:
        _save(reference, archive)
        yield archive
    finally:
        shutil.rmtree(folder)  # all of it: docker writes to a file of its own first


def name_in_node(reference: str) -> str:
    """The name in full, as the kubelet completes the one in a manifest.

    >>> name_in_node("node_app:1.0"), name_in_node("team/app:1.0")
    ('docker.io/library/node_app:1.0', 'docker.io/team/app:1.0')
    >>> name_in_node("registry.example.org/app:1.0")
    'registry.example.org/app:1.0'
    """
    first, slash, _ = reference.partition("/")
    if not slash:
        return f"docker.io/library/{reference}"
    has_host = "." in first or ":" in first or first == "localhost"
    return reference if has_host else f"docker.io/{reference}"


def _save(reference: str, archive: Path) -> None:
    try:
        if uses_podman():
            _save_with_podman(reference, archive)
        else:
            _save_with_docker(reference, archive)
    except ToolFailedError as exc:
        if "no space left on device" not in exc.output:
            raise
        raise SetupError(
            f"The disk is full, and an archive of {reference} has no room in {archive.parent}. "
            "Remove what is not needed, or name a folder on another disk with CANARYLAB_HOME."
        ) from exc


def _save_with_docker(reference: str, archive: Path) -> None:
    with engine() as client:
        machine = str(client.info()["Architecture"])
    platform = f"linux/{ARCHITECTURES.get(machine, machine)}"
    try:
        _run("docker", "image", "save", "--platform", platform, "-o", str(archive), reference)
    except ToolFailedError as exc:
        if not _knows_no_platform(exc.output):
            raise
        _run("docker", "image", "save", "-o", str(archive), reference)


def _knows_no_platform(said: str) -> bool:
    """The program is older than Docker 28, or the engine is: either keeps one platform only."""
    return "--platform" in said and ("unknown flag" in said or "requires API version" in said)


def _save_with_podman(reference: str, archive: Path) -> None:
    """Podman calls what it built `localhost/...`, and no manifest asks for that name."""
    full = name_in_node(reference)
    _run("podman", "tag", reference, full)
    _run("podman", "save", "--format", "docker-archive", "-o", str(archive), full)


def _run(tool: Tool, *arguments: str) -> None:
    follow(tool, *arguments, report=lambda _line: None)
