"""What the stand-ins for kind and docker know and remember, in one folder.

Tests arrange it and look at it; the programs and the engine's socket read and change it. Every
entry is a file of its own, so that programs at work at the same time do not disturb each other.
"""

from __future__ import annotations

import json
import os
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

FOLDER = "CANARYLAB_STANDINS"

Entry = dict[str, Any]


@dataclass(frozen=True)
class FakeState:
    """The folder."""

    root: Path

    @classmethod
    def of_environment(cls) -> FakeState:
        """The one that the test has named."""
        return cls(Path(os.environ[FOLDER]))

    # what was asked of the programs

    def note(self, program: str, arguments: list[str]) -> None:
        """Remember a call."""
        line = json.dumps([program, *arguments]) + "\n"
        with (self.root / "calls").open("a") as calls:
            calls.write(line)

    def calls(self, *beginning: str) -> list[list[str]]:
        """Every call, in order, that begins with these words: `calls("kind", "create")`."""
        path = self.root / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        listed: list[list[str]] = [json.loads(line) for line in lines]
        return [call for call in listed if call[: len(beginning)] == list(beginning)]

    # what the programs and the engine are like

    def settings(self) -> Entry:
        """As set, or as they are when nobody set anything."""
        usual = {
            "kind_version": "0.33.0",
            "docker_version": "29.1.0",  # of the program
            "api_version": "1.52",  # of the engine, for the program
            "architecture": "x86_64",
            "cgroup_version": "2",
            "docker_root": str(self.root),
            "published": {},  # containers, each with a port of this machine
        }
        return usual | (_read(self.root / "settings.json") or {})

    def set(self, **settings: Any) -> None:
        """Make them so from now on."""
        _write(self.root / "settings.json", self.settings() | settings)

    # what goes wrong, and where

    def fail(self, at: str, *words: str) -> None:
        """Whoever gets there fails with these last words, once."""
        self._order(at, {"words": list(words)})

    def hang(self, at: str) -> None:
        """Whoever gets there waits to be killed, or for `go_on`; once."""
        self._order(at, {"hang": True})

    def order(self, at: str) -> Entry | None:
        """What to do here; forgotten as it is read."""
        path = self._order_file(at)
        found = _read(path)
        path.unlink(missing_ok=True)
        return found

    @property
    def hanging(self) -> Path:
        """There as long as a program hangs; holds its process number."""
        return self.root / "hanging"

    def go_on(self) -> None:
        """Let the program that hangs go on."""
        (self.root / "go-on").touch()

    # clusters

    def add_cluster(self, name: str) -> Entry:
        """A cluster with one running node."""
        node = {"id": secrets.token_hex(32), "running": True, "images": {}}
        return self.write_cluster(name, node)

    def write_cluster(self, name: str, node: Entry) -> Entry:
        """Change it."""
        _write(self._cluster(name), node)
        return node

    def cluster(self, name: str) -> Entry | None:
        """Its node, if it exists."""
        return _read(self._cluster(name))

    def clusters(self) -> list[str]:
        """The names."""
        return sorted(unquote(path.name) for path in self.root.glob("clusters/[!.]*"))

    def remove_cluster(self, name: str) -> bool:
        """Whether there was one."""
        was_there = self._cluster(name).exists()
        self._cluster(name).unlink(missing_ok=True)
        return was_there

    # images on this machine, by their names in full

    def add_image(self, name: str) -> str:
        """Build it, anew if it exists; its id."""
        image = f"sha256:{uuid.uuid4().hex}{uuid.uuid4().hex}"
        self.tag(image, name)
        return image

    def tag(self, image: str, name: str) -> None:
        """Let the image have this name too."""
        _write(self._image(name), {"id": image})

    def image(self, name: str) -> str | None:
        """The id of the image with that name."""
        found = _read(self._image(name))
        return str(found["id"]) if found else None

    def _cluster(self, name: str) -> Path:
        return self.root / "clusters" / quote(name, safe="")

    def _image(self, name: str) -> Path:
        return self.root / "images" / quote(name, safe="")

    def _order_file(self, at: str) -> Path:
        return self.root / "orders" / quote(at, safe="")

    def _order(self, at: str, order: Entry) -> None:
        _write(self._order_file(at), order)


def normalized(name: str) -> str:
    """As Docker and containerd complete the name of an image."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    has_host = "." in first or ":" in first or first == "localhost"
    return name if has_host else f"docker.io/{name}"


def _read(path: Path) -> Entry | None:
    try:
        found: Entry = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return found


def _write(path: Path, entry: Entry) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{uuid.uuid4().hex}")
    draft.write_text(json.dumps(entry))
    draft.rename(path)
