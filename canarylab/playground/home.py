"""The folder with all files of canarylab on this machine.

It is `~/.canarylab` unless `CANARYLAB_HOME` names another. Removing it removes every trace, and two
homes are two separate playgrounds.
"""

from __future__ import annotations

import errno
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from canarylab.errors import SetupError

_PRIVATE = 0o700


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

    @property
    def objects(self) -> Path:
        """The objects of the playground, a SQLite file with others beside it of that name."""
        return self.playground / "objects.db"

    @property
    def pods(self) -> Path:
        """A folder for each pod, named by its uid."""
        return self.playground / "pods"

    @property
    def run_ids(self) -> Path:
        """The id of the last daemon's run, which all processes of its pods have."""
        return self.playground / "run-ids"

    @property
    def credentials(self) -> Path:
        """Certificates and token of the playground."""
        return self.playground / "credentials.json"

    def prepare(self) -> None:
        """Create the folder, readable by its owner alone; raise SetupError if that fails.

        If it exists already, only the folders of canarylab in it are made private.
        """
        try:
            self.root.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            for folder in (self.playground, self.images):
                folder.mkdir(mode=_PRIVATE, exist_ok=True)
                if folder.stat().st_uid != os.geteuid():
                    raise PermissionError(errno.EPERM, f"{folder} belongs to another user")
                folder.chmod(_PRIVATE)
            with tempfile.TemporaryFile(dir=self.playground):
                pass
        except OSError as exc:
            raise SetupError(
                f"canarylab cannot write to {self.root}: {exc.strerror}. "
                "Make the folder writable, or name another with CANARYLAB_HOME."
            ) from exc


def write_atomically(file: Path, text: str) -> None:
    """Replace a file in one step: a reader sees the old text or the new one.

    Only its owner can read the file.
    """
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w") as new:
            new.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
