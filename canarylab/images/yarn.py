"""Yarn 1.22 for images that use it, as every Docker image of Node has it.

npm fetches it once, into a layer; images contain it at the paths of the official image, so that a
pod needs no network to start with `yarn`.
"""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from canarylab.images.dockerfile import Instruction
from canarylab.playground.nodejs import path_with_nodejs

VERSION = "1.22.22"
_FETCH_TIMEOUT_S = 30.0
_PROGRAM = f"""#!/bin/sh
# Only what downloads asks npm for its registry, because npm takes a while.
case $1 in
  "" | -* | install | add | upgrade | global | create)
    export npm_config_registry="${{npm_config_registry:-$(npm config get registry)}}" ;;
esac
exec node "$(dirname "$(readlink -f "$0")")/../../../opt/yarn-v{VERSION}/bin/yarn.js" "$@"
"""


class YarnUnreachableError(Exception):
    """npm could not fetch Yarn."""


def uses_yarn(folder: Path, instructions: Iterable[Instruction]) -> bool:
    """Whether the Dockerfile or the package.json of this folder mentions Yarn."""
    words = [f"{line.text} {line.script}" for line in instructions]
    with suppress(OSError):
        words.append((folder / "package.json").read_text(errors="replace"))
    return (folder / "yarn.lock").exists() or re.search(r"\byarn\b", "\n".join(words)) is not None


def install(tree: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Fetch Yarn with npm and put it into a tree; raise YarnUnreachableError without network."""
    package = tree / "opt"
    package.mkdir(parents=True)
    words = ["npm", "pack", f"yarn@{VERSION}", "--fetch-retries=0", "--fetch-timeout=10000"]
    try:
        subprocess.run(
            words,
            cwd=package,
            env={**environment, "PATH": path_with_nodejs(environment.get("PATH", os.defpath))},
            capture_output=True,
            timeout=_FETCH_TIMEOUT_S,
            check=True,
        )
        archive = package / f"yarn-{VERSION}.tgz"
        with tarfile.open(archive) as packed:
            packed.extractall(package, filter="data")
    except (OSError, subprocess.SubprocessError, tarfile.TarError) as exc:
        raise YarnUnreachableError from exc
    archive.unlink()
    (package / "package").rename(package / f"yarn-v{VERSION}")
    programs = tree / "usr/local/bin"
    programs.mkdir(parents=True)
    (programs / "yarn").write_text(_PROGRAM)
    (programs / "yarn").chmod(0o755)
    (programs / "yarnpkg").symlink_to("yarn")
