"""Which clients of Kubernetes try the playground, where they are, and how they are installed.

`python -m tests.witnesses.clients` installs those that pip can bring, each with what it needs in a
folder of its own below .venv. What is there already stays.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv" / "clients"
SCRIPTS = Path(__file__).parent / "scripts"


class Client(NamedTuple):
    """A client in one version; an empty version is that of the project's own environment."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}-{self.version}" if self.version else self.name

    @property
    def script(self) -> Path:
        """What uses it."""
        return SCRIPTS / f"with_{self.name}.py"

    @property
    def folder(self) -> Path:
        """Where pip installs it."""
        return FOLDER / str(self)

    @property
    def program(self) -> str | None:
        """That version of kubectl: on PATH, or beside the other one, as some packages have it."""
        named, other = f"{self.name}.{self.version}", shutil.which(self.name)
        beside = str(Path(other).resolve().parent) if other else ""
        return shutil.which(named) or shutil.which(named, path=beside)

    @property
    def is_there(self) -> bool:
        """Whether a test can use it."""
        return not self.version or bool(self.program) or self.folder.is_dir()

    def environment(self, kubeconfig: Path) -> dict[str, str]:
        """For a script that uses it, on that cluster."""
        path = os.pathsep.join((str(self.folder), str(ROOT)))
        ours = {"KUBECONFIG": str(kubeconfig), "PYTHONPATH": path}
        return {**os.environ, **ours, "CLIENT": self.program or str(self)}


INSTALLED = (
    Client("kubernetes", "35.0.0"),
    Client("kubernetes", "36.0.3"),
    Client("kr8s", "0.20.15"),
    Client("lightkube", "1.0.1"),
)
KUBECTLS = tuple(Client("kubectl", version) for version in ("1.31", "1.32", "1.33"))
CLIENTS = (Client("kubernetes", ""), *INSTALLED, *KUBECTLS)


def install(client: Client) -> bool:
    """Whether it is there now."""
    draft = FOLDER / f"{client}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    options = ("--quiet", "--disable-pip-version-check", "--no-compile", "--target", str(draft))
    pip = [sys.executable, "-m", "pip", "install", *options, f"{client.name}=={client.version}"]
    if not client.is_there and subprocess.run(pip, check=False).returncode == 0:
        draft.rename(client.folder)
    return client.is_there


if __name__ == "__main__":
    missing = [client for client in INSTALLED if not install(client)]
    sys.exit(f"pip could not install {', '.join(map(str, missing))}." if missing else 0)
