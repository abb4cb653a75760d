"""What an engine answers that has some images, and can pull some more."""

from __future__ import annotations

import gzip
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fake_docker import FakeDocker

LAYERS = b"the layers of all these images" * 1000


class FakeImages:
    """Names and what became of them."""

    def __init__(self, here: Collection[str], elsewhere: Collection[str] = ()) -> None:
        self.here, self.elsewhere = set(here), set(elsewhere)
        self.saved: list[str] = []
        self.loaded = b""
        self.load_answer: dict[str, str] = {"stream": "Loaded image: node_app:1.0\n"}

    def in_place(self, docker: FakeDocker) -> FakeImages:
        """Let this engine answer so."""
        docker.answers |= {
            "GET /images/get": self._save,
            "POST /images/load": self._load,
            "POST /images/create": self._pull,
            "GET /images/": self._inspect,
            "POST /images/": self._tag,
        }
        return self

    def _inspect(self, path: str, body: bytes) -> tuple[int, Any]:
        name = unquote(path.removeprefix("/images/").removesuffix("/json"))
        if name not in self.here:
            return 404, {"message": f"No such image: {name}"}
        return 200, {"Id": name, "RepoTags": [name]}

    def _pull(self, path: str, body: bytes) -> tuple[int, Any]:
        asked = {name: said[0] for name, said in parse_qs(urlsplit(path).query).items()}
        separator = "@" if asked["tag"].startswith("sha256:") else ":"
        name = f"{asked['fromImage']}{separator}{asked['tag']}"
        if name not in self.elsewhere:
            return 500, {"message": "dial tcp: lookup registry-1.docker.io: no such host"}
        self.here.add(name)
        return 200, {"status": "done"}

    def _tag(self, path: str, body: bytes) -> tuple[int, Any]:
        asked = parse_qs(urlsplit(path).query)
        self.here.add(f"{asked['repo'][0]}:{asked['tag'][0]}")
        return 201, {}

    def _save(self, path: str, body: bytes) -> tuple[int, Any]:
        self.saved = parse_qs(urlsplit(path).query)["names"]
        missing = [name for name in self.saved if name not in self.here]
        return (404, {"message": f"No such image: {missing}"}) if missing else (200, LAYERS)

    def _load(self, path: str, body: bytes) -> tuple[int, Any]:
        self.loaded = gzip.decompress(body)
        return 200, self.load_answer
