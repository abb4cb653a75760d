"""A terminal in JupyterLab finds canarylab, the cluster and the manifests, as the lessons say."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import websocket

from canarylab.ports import unused
from canarylab.runtime import wait_until
from tests.needs import needs

pytestmark = [needs("linux"), pytest.mark.slow]
TOKEN = secrets.token_hex(16)


class Terminal:
    """A terminal of the server, used as the page uses it."""

    def __init__(self, port: int) -> None:
        self._url = f"127.0.0.1:{port}"
        name = json.loads(self.request("api/terminals", b"{}"))["name"]
        self._socket = websocket.create_connection(
            f"ws://{self._url}/terminals/websocket/{name}?token={TOKEN}", timeout=30
        )

    def request(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"http://{self._url}/{path}", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())

    def run(self, line: str) -> str:
        """What a line prints."""
        mark = secrets.token_hex(4)
        self._socket.send(json.dumps(["stdin", f"{line}; echo end''{mark}\r"]))
        shown = ""
        while f"end{mark}" not in shown:
            kind, *rest = json.loads(self._socket.recv())
            shown += rest[0] if kind == "stdout" else ""
        return shown.partition(f"end{mark}")[0]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Of `canarylab lab`, started in an empty folder without the environment's programs on PATH."""
    found = unused()
    own = {"CANARYLAB_CLUSTER": "playground", "CANARYLAB_HOME": str(tmp_path / "home")}
    jupyter = {"JUPYTER_TOKEN": TOKEN, "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    command = [sys.executable, "-m", "canarylab", "lab", "--no-browser", "--port", str(found)]
    environment = {**os.environ, **own, **jupyter, "PATH": os.defpath, "SHELL": "/bin/sh"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        assert wait_until(lambda: answers(found), timeout_s=60, pause_s=0.1)
        yield found
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(20)
        psutil.wait_procs(children, timeout=20)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_terminal_finds_the_programs_the_cluster_and_the_manifests(
    port: int, tmp_path: Path
) -> None:
    terminal = Terminal(port)
    try:
        assert str(Path(sys.executable).with_name("canarylab")) in terminal.run(
            "command -v canarylab"
        )
        assert f"{tmp_path}/home/playground.kubeconfig" in terminal.run('echo "$KUBECONFIG"')
        assert "canary.yaml" in terminal.run("ls manifests/03-canary")
    finally:
        terminal.close()


def test_canarylab_is_replaced_by_jupyterlab(port: int) -> None:
    lines = [
        " ".join(process.info["cmdline"] or [])
        for process in psutil.process_iter(["cmdline"])
        if f"--port={port}" in (process.info["cmdline"] or [])
        or {"lab", str(port)} <= set(process.info["cmdline"] or [])
    ]

    assert len(lines) == 1
    assert "-m jupyterlab" in lines[0]
