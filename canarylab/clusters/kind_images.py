"""The images of a kind cluster: those pinned in `manifests/kind`, and how one gets out of Docker.

An image that was loaded from an archive, such as a bundle's, has lost its digest: Docker has only
its tag. So the tag is used if the pinned digest is not here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from canarylab import external_tools, resources
from canarylab.docker_engine import engine
from canarylab.errors import SetupError, ToolFailedError
from canarylab.kube_objects import Object
from canarylab.manifests import load
from canarylab.playground.images import architecture


def config() -> Path:
    """The file that the cluster is made from."""
    return resources.folder("manifests") / "kind" / "cluster.yaml"


def node_image() -> str:
    """The node image that the configuration pins, with its digest."""
    configured: dict[str, Any] = yaml.safe_load(config().read_text())
    return str(configured["nodes"][0]["image"])


def pinned_or_tagged_node_image() -> str:
    """The pinned node image; its tag if only a bundle brought it.

    An image that was loaded from an archive has lost its digest, and kind would pull it again.
    """
    pinned = node_image()
    tag = pinned.partition("@")[0]
    return tag if find_image(pinned) is None and find_image(tag) is not None else pinned


def traefik_manifest() -> Path:
    """The file that Traefik is made from."""
    return resources.folder("manifests") / "kind" / "traefik.yaml"


def traefik_image() -> str:
    """The image that the manifest pins, with its digest."""
    return str(_container(load(traefik_manifest()))["image"])


def traefik_objects(image: str) -> tuple[Object, ...]:
    """The objects of the manifest, with this image."""
    objects = load(traefik_manifest())
    _container(objects)["image"] = image
    return tuple(objects)


def find_image(reference: str) -> str | None:
    """The id of the image in Docker, or None if it is not there."""
    from docker.errors import APIError  # noqa: PLC0415  docker-py is slow to import

    with engine() as client:
        try:
            return str(client.images.get(reference).id)
        except APIError as exc:
            if exc.is_client_error():  # not here, or Podman, which refuses a tag with a digest
                return None
            raise


@contextmanager
def saved_image(reference: str, folder: Path) -> Iterator[Path]:
    """An archive of the image in a folder of its own, for the length of a `with`.

    `kind load docker-image` fails with Docker 29, Docker Desktop and OrbStack: they keep images
    of several platforms, kind requests all of them, and only one is there. So the one platform
    that the node has is saved, and kind loads that archive.
    """
    shutil.rmtree(folder, ignore_errors=True)  # of a load that was killed
    folder.mkdir(mode=0o700)
    archive = folder / "image.tar"
    try:
        _save_image(reference, archive)
        yield archive
    finally:
        shutil.rmtree(folder)  # all of it: docker writes to a temporary file first


def _save_image(reference: str, archive: Path) -> None:
    with engine() as client:
        machine = str(client.info()["Architecture"])
    platform = f"linux/{architecture(machine)}"
    output = ["-o", str(archive), reference]
    try:
        _docker("image", "save", "--platform", platform, *output)
    except ToolFailedError as exc:
        if "no space left on device" in exc.output:
            raise SetupError(
                f"The disk is full, and an archive of {reference} has no room in "
                f"{archive.parent}. Remove what is not needed, or name a folder on another disk "
                "with CANARYLAB_HOME."
            ) from exc
        if not _has_no_platforms(exc.output):
            raise
        _docker("image", "save", *output)


def _docker(*arguments: str) -> None:
    external_tools.stream("docker", *arguments, report=lambda _line: None)


def _has_no_platforms(output: str) -> bool:
    """Whether the program or the engine is older than Docker 28: it keeps one platform only."""
    return "--platform" in output and ("unknown flag" in output or "requires API version" in output)


def _container(objects: Sequence[Object]) -> Object:
    (deployment,) = (each for each in objects if each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    found: Object = container
    return found
