"""How do the images get there? As the engine saves them.

All come in one stream, so that the layers which they share are in it once.
An image that is loaded from an archive has lost its digest: the engine knows it by its tag alone.
kind's node image and Traefik's are pinned by digest, so they are saved under their tags, and the
kind provider takes these where the digest is not there (clusters/kind/node.py, cluster.py).
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from canarylab import resources
from canarylab.bundle.reading import Bundle
from canarylab.bundle.writing import Archive
from canarylab.clusters.kind_images import node_image, traefik_image
from canarylab.docker_engine import engine
from canarylab.errors import EngineError, SetupError
from canarylab.images.app import NAME as APP
from canarylab.images.app import VERSIONS, reference

if TYPE_CHECKING:
    from docker import DockerClient

NAME = "images.tar.gz"
FAST = 1  # gzip's level: a room waits for the disk, not for the last tenth of the size
AT_ONCE = 1 << 20  # bytes
LONG_S = 3600  # an engine may be silent for minutes over a gigabyte

Report = Callable[[str], None]


def wanted() -> list[str]:
    """Everything that the lessons run in containers, by the names that the lessons use.

    >>> wanted()[-1], wanted()[0].partition("@")[0]
    ('node_app:2.0', 'kindest/node:v1.37.0')
    """
    dockerfile = (resources.folder("app") / "Dockerfile").read_text(encoding="utf-8")
    base = re.findall(r"^ARG BASE_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    return [node_image(), *base, traefik_image(), *map(reference, VERSIONS)]


def tag_of(name: str) -> str:
    """What is left of a name once the image went through an archive.

    >>> tag_of("kindest/node:v1.37.0@sha256:a1ed")
    'kindest/node:v1.37.0'
    """
    return name.partition("@")[0]


def collect(archive: Archive, names: Sequence[str], report: Report) -> list[str]:
    """Pull what is missing and add them all; under which names they will be known."""
    with _patient_engine() as client:
        for name in names:
            _make_sure_of(client, name, report)
        tags = [tag_of(name) for name in names]
        report(f"saving {len(tags)} images")
        archive.add(NAME, lambda sink: _save(client, tags, sink))
    return tags


def require_engine() -> None:
    """Raise EngineError, with a way to do without, where there is nobody to load images."""
    try:
        with engine():
            return
    except EngineError as exc:
        remedy = f"{exc.remedy} Or leave the images out: `--parts wheels,playground`."
        raise EngineError(exc.why, exc.problem, remedy) from exc


def unpack(bundle: Bundle, report: Report) -> None:
    """Have the engine load them; one that it has already costs nothing."""
    from docker.errors import APIError  # noqa: PLC0415

    report(f"loading {len(bundle.manifest.images)} images into Docker")
    with _patient_engine() as client, bundle.open(NAME) as packed:
        try:
            events: Iterator[dict[str, Any]] = client.api.load_image(packed)  # type: ignore[no-untyped-call]
            for event in events:
                if "error" in event:
                    raise _not_loaded(str(event["error"]))
        except APIError as exc:
            raise _not_loaded(str(exc.explanation or exc)) from exc


@contextmanager
def _patient_engine() -> Iterator[DockerClient]:
    with engine() as client:
        client.api.timeout = LONG_S
        yield client


def _make_sure_of(client: DockerClient, name: str, report: Report) -> None:
    """Let the engine know the image under its tag, whatever that takes."""
    if not _has(client, name):
        if name.startswith(f"{APP}:"):
            raise SetupError(
                f"The image {name} is not built. Build it with `canarylab build --builder docker`."
            )
        _pull(client, name, report)
    if tag_of(name) != name and _has(client, name):
        client.images.get(_key(name)).tag(*tag_of(name).rsplit(":", 1))


def _pull(client: DockerClient, name: str, report: Report) -> None:
    from docker.errors import APIError  # noqa: PLC0415

    report(f"pulling {name}")
    tag, _, digest = name.partition("@")
    repository, _, version = tag.rpartition(":")
    try:
        client.images.pull(repository, tag=digest or version)
    except APIError as exc:
        if digest and _has(client, tag):
            return  # an earlier bundle brought it
        raise SetupError(
            f"The image {name} is not here and cannot be pulled: {exc.explanation or exc}. "
            "Save the bundle where there is network, or leave the images out with "
            "`--parts wheels,playground`."
        ) from exc


def _key(name: str) -> str:
    """A name that every engine looks up: Podman refuses one with tag and digest."""
    tag, separator, digest = name.partition("@")
    return f"{tag.rpartition(':')[0]}@{digest}" if separator else name


def _has(client: DockerClient, name: str) -> bool:
    from docker.errors import APIError  # noqa: PLC0415

    try:
        client.images.get(_key(name))
    except APIError:
        return False
    return True


def _save(client: DockerClient, tags: Sequence[str], sink: BinaryIO) -> None:
    # docker-py saves one image at a time, which would repeat the layers that they share
    place = f"{client.api.base_url}/v{client.api.api_version}/images/get"
    asked: dict[str, Any] = {"params": {"names": list(tags)}, "stream": True, "timeout": LONG_S}
    with client.api.get(place, **asked) as said:
        if not said.ok:
            raise SetupError(
                f"Docker did not save the images: {said.text.strip()[:200]}. "
                "Look whether `docker image save` works, and try again."
            )
        with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=FAST, mtime=0) as packed:
            for piece in said.iter_content(AT_ONCE):
                packed.write(piece)


def _not_loaded(why: str) -> SetupError:
    return SetupError(
        f"Docker did not load the images: {why}. "
        "Make room with `docker system prune` if that is it, and load the bundle again."
    )
