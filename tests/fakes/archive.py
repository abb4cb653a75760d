"""An archive of images as `docker image save` writes it: small, and a real tar file."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path


def write(path: Path, name: str, image: str) -> None:
    """One image under one name."""
    manifest = [{"Config": image, "RepoTags": [name], "Layers": []}]
    content = json.dumps(manifest).encode()
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))


def names_in(path: Path) -> dict[str, str]:
    """Each name in it, and the image that has it."""
    with tarfile.open(path) as archive:
        file = archive.extractfile("manifest.json")
        if file is None:
            raise ValueError(f"{path} is no archive of images")
        manifest = json.loads(file.read())
    return {name: image["Config"] for image in manifest for name in image["RepoTags"]}
