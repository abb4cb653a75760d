"""Where does canarylab keep its things on this machine?

Everything lies in one folder, `~/.canarylab` unless `CANARYLAB_HOME` names another, so that
removing it removes every trace, and two homes are two separate playgrounds.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from canarylab.errors import SetupError


@dataclass(frozen=True)
class Home:
    """The folder and what lies in it.

    >>> Home(Path("/somewhere")).images.name
    'images'
    """

    root: Path

    @classmethod
    def of_user(cls) -> Home:
        """The folder that `CANARYLAB_HOME` names, or `~/.canarylab`."""
        named = os.environ.get("CANARYLAB_HOME")
        return cls(Path(named).expanduser() if named else Path.home() / ".canarylab")

    @property
    def images(self) -> Path:
        """Built images, a folder for each tag."""
        return self.root / "images"

    @property
    def playground(self) -> Path:
        """What the playground's daemon keeps: state, log, pods."""
        return self.root / "playground"

    @property
    def kubeconfig(self) -> Path:
        """For `export KUBECONFIG=...`."""
        return self.root / "playground.kubeconfig"

    @property
    def log(self) -> Path:
        """What the daemon wrote about itself."""
        return self.playground / "daemon.log"

    def prepare(self) -> None:
        """Make the folder, readable by its owner alone; raise SetupError where that fails."""
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
