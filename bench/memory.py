"""Memory of JupyterLab, one kernel, the daemon and four pods, at the end of lesson 03.

Measured as PSS: what several processes share is divided among them. The solved notebook runs cell
by cell in a kernel of `canarylab lab`, up to the cell that closes the lab.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.blocking.client import BlockingKernelClient

from bench.home import built_home
from bench.measurement import Measurement
from canarylab import resources
from canarylab.playground import daemon_control
from canarylab.ports import unused
from canarylab.runtime import wait_until

BAR_MB = 500.0
LESSON = "03-canary.ipynb"
_START_S, _CELL_S = 60.0, 180.0


def measure() -> Iterator[Measurement]:
    """A row for each part, and one for their sum against the bar."""
    with ExitStack() as stack:
        home = stack.enter_context(built_home())
        server = stack.enter_context(_jupyterlab(home.root))
        _run_lesson(stack.enter_context(server.kernel()))
        daemon = psutil.Process(daemon_control.up(home).pid)
        parts = _parts(psutil.Process(server.pid), daemon)
    for name, megabytes in parts.items():
        yield Measurement(name, megabytes, "MB PSS", "", ok=True)
    total = sum(parts.values())
    bar = f"at most {BAR_MB:.0f}"
    yield Measurement("all at the end of lesson 03", total, "MB PSS", bar, total <= BAR_MB)


class _JupyterLab:
    """A running server, and what it needs to start a kernel as the page does."""

    def __init__(self, pid: int, port: int, token: str, runtime: Path) -> None:
        self.pid, self._url, self._token = pid, f"http://127.0.0.1:{port}", token
        self._runtime = runtime

    def answers(self) -> bool:
        """Whether the page can be loaded."""
        try:
            self._request("lab")
        except OSError:
            return False
        return True

    @contextmanager
    def kernel(self) -> Iterator[BlockingKernelClient]:
        """A client of a new kernel that the server started."""
        made = json.loads(self._request("api/kernels", {"name": "python3"}))
        client = BlockingKernelClient(
            connection_file=str(self._runtime / f"kernel-{made['id']}.json")
        )
        client.load_connection_file()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=_START_S)
            yield client
        finally:
            client.stop_channels()

    def _request(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        headers = {"Authorization": f"token {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}/{path}", data, headers)
        with urllib.request.urlopen(request, timeout=_START_S) as answer:
            return bytes(answer.read())


@contextmanager
def _jupyterlab(home: Path) -> Iterator[_JupyterLab]:
    port, token = unused(), secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder) / "runtime"
        own = {"CANARYLAB_HOME": str(home), "CANARYLAB_CLUSTER": "playground"}
        jupyter = {"JUPYTER_TOKEN": token, "JUPYTER_RUNTIME_DIR": str(runtime)}
        command = [sys.executable, "-m", "canarylab", "lab", "--no-browser", "--port", str(port)]
        with subprocess.Popen(
            command, cwd=folder, env={**os.environ, **own, **jupyter}, stderr=subprocess.DEVNULL
        ) as process:
            server = _JupyterLab(process.pid, port, token, runtime)
            try:
                if not wait_until(server.answers, timeout_s=_START_S, pause_s=0.2):
                    raise TimeoutError("JupyterLab did not answer")
                yield server
            finally:
                for each in psutil.Process(process.pid).children(recursive=True):
                    each.terminate()
                process.terminate()


def _run_lesson(client: BlockingKernelClient) -> None:
    """Run every code cell but the last, which closes the lab."""
    lesson = json.loads((resources.folder("notebooks") / "solved" / LESSON).read_text())
    cells = ["".join(cell["source"]) for cell in lesson["cells"] if cell["cell_type"] == "code"]
    for source in cells[:-1]:
        reply = client.execute_interactive(
            source, store_history=True, timeout=_CELL_S, output_hook=_no_output
        )
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"{LESSON}: {source}\n{reply['content'].get('evalue')}")


def _no_output(_message: dict[str, Any]) -> None:
    """Show nothing of what the cells print."""


def _parts(server: psutil.Process, daemon: psutil.Process) -> dict[str, float]:
    own = [server, *server.children(recursive=True)]
    kernels = [each for each in own if "ipykernel_launcher" in each.cmdline()]
    pods = daemon.children(recursive=True)
    return {
        "JupyterLab": sum(_pss_mb(each) for each in own if each not in kernels),
        "kernel": sum(map(_pss_mb, kernels)),
        "daemon": _pss_mb(daemon),
        f"pods, {len(pods)} processes": sum(map(_pss_mb, pods)),
    }


def _pss_mb(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / 1e6
