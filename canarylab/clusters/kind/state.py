"""What is remembered of the kind cluster, in `~/.canarylab/kind`?

Whether a cluster is ours is told by its node's container, never by its name alone: `made.json`
holds the container's id from the moment the cluster is ready. A file called `making` lies beside it
for as long as a cluster is being made; where it was left behind, the cluster is a half-made one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from canarylab.errors import SetupError
from canarylab.playground.home import Home

MAKING = "A kind cluster is being made here. If nobody is at it, it is half-made.\n"


@dataclass(frozen=True)
class Made:
    """A cluster that we made, to the end."""

    node: str
    """The id of the container that is its node."""
    loaded: Mapping[str, str] = field(default_factory=dict)
    """The images in it: each name, and the id it had on this machine."""


@dataclass(frozen=True)
class KindFolder:
    """The folder and what lies in it."""

    home: Home

    @property
    def root(self) -> Path:
        """Removing it forgets the cluster; it does not delete it."""
        return self.home.root / "kind"

    @property
    def kubeconfig(self) -> Path:
        """For this cluster alone; the user's own is never written."""
        return self.root / "kubeconfig"

    @property
    def lock(self) -> Path:
        """Held by whoever changes the cluster."""
        return self.root / "lock"

    @property
    def archives(self) -> Path:
        """Images on their way into the cluster."""
        return self.root / "archives"

    @property
    def is_half_made(self) -> bool:
        """Was the making begun and not ended? Ask with the lock held."""
        return self._making.exists()

    def prepare(self) -> None:
        """Make the folder, readable by its owner alone."""
        self.home.prepare()
        try:
            self.root.mkdir(mode=0o700, exist_ok=True)
        except OSError as exc:
            raise SetupError(
                f"canarylab cannot write to {self.root}: {exc.strerror}. "
                "Make the folder writable, or name another with CANARYLAB_HOME."
            ) from exc

    def begin(self) -> None:
        """From here on a cluster that is found is a half-made one."""
        self.forget()
        self._making.write_text(MAKING)

    def finish(self, node: str) -> None:
        """The cluster is whole, and this is its node."""
        self._write(Made(node))
        self._making.unlink()

    def forget(self) -> None:
        """There is no cluster of ours any more."""
        for path in (self._made, self.kubeconfig, self._kubeconfig_lock, self._making):
            path.unlink(missing_ok=True)

    def unlock_kubeconfig(self) -> None:
        """Remove the lock that a killed kind left; only it writes here, and one at a time."""
        self._kubeconfig_lock.unlink(missing_ok=True)

    def made(self) -> Made | None:
        """The cluster that we made, if there should be one."""
        try:
            return Made(**json.loads(self._made.read_text()))
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None  # none yet, or of another version

    def note_loaded(self, reference: str, image: str) -> None:
        """Remember that the cluster has this image under this name."""
        if (made := self.made()) is not None:
            self._write(replace(made, loaded={**made.loaded, reference: image}))

    def _write(self, made: Made) -> None:
        draft = self._made.with_suffix(".new")
        draft.write_text(json.dumps(asdict(made)))
        draft.rename(self._made)

    @property
    def _made(self) -> Path:
        return self.root / "made.json"

    @property
    def _making(self) -> Path:
        return self.root / "making"

    @property
    def _kubeconfig_lock(self) -> Path:
        return self.kubeconfig.with_name("kubeconfig.lock")  # as client-go names it
