"""A stand-in for the Docker engine that tells docker-py what the state holds."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fake_docker import Answer, fake_docker
from tests.fakes.state import FakeState, normalized

KIND_LABEL = "io.x-k8s.kind.cluster"


@contextmanager
def listening(state: FakeState) -> Iterator[str]:
    """The engine, for the length of a `with`; its address as DOCKER_HOST names it."""
    answers: dict[str, Answer] = {
        "GET_info": lambda path, body: (200, _info(state)),
        "GET_containers/json": lambda path, body: (200, _containers(state, path)),
        "GET_images/": lambda path, body: _image(state, path),
        "POST_containers/": lambda path, body: _start(state, path),
    }
    # a socket's path must be short
    with (
        tempfile.TemporaryDirectory(prefix="engine-") as folder,
        fake_docker(Path(folder), **answers) as engine,
    ):
        yield engine.host


def _info(state: FakeState) -> dict[str, Any]:
    settings = state.settings()
    return {
        "ServerVersion": "29.1.0",
        "OperatingSystem": "Debian GNU/Linux 12",
        "Architecture": settings["architecture"],
        "CgroupVersion": settings["cgroup_version"],
        "DockerRootDir": settings["docker_root"],
    }


def _containers(state: FakeState, path: str) -> list[dict[str, Any]]:
    filters = parse_qs(urlsplit(path).query).get("filters")
    if filters is None:
        return [
            {"Id": name, "Names": [f"/{name}"], "State": "running", "Ports": [{"PublicPort": port}]}
            for name, port in state.settings()["published"].items()
        ]
    (label,) = json.loads(filters[0])["label"]
    key, _, name = label.partition("=")
    node = state.cluster(name) if key == KIND_LABEL else None
    if node is None:
        return []
    status = "running" if node["running"] else "exited"
    return [{"Id": node["id"], "Names": [f"/{name}-control-plane"], "State": status}]


def _image(state: FakeState, path: str) -> tuple[int, Any]:
    name = unquote(path.removeprefix("/images/").removesuffix("/json"))
    image = state.image(normalized(name))
    if image is None:
        return 404, {"message": f"No such image: {name}"}
    return 200, {"Id": image}


def _start(state: FakeState, path: str) -> tuple[int, Any]:
    _, _, node, verb = path.split("/")
    found = [name for name in state.clusters() if (state.cluster(name) or {}).get("id") == node]
    if verb != "start" or not found:
        return 404, {"message": f"No such container: {node}"}
    if order := state.order("restart"):
        return 500, {"message": " ".join(order["words"])}
    state.write_cluster(found[0], (state.cluster(found[0]) or {}) | {"running": True})
    return 204, b""
