"""A JupyterLab of its own for browser tests, away from the settings of whoever runs them."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_START_S, _STATE_S, _STOP_S = 90.0, 60.0, 10.0
_FOLDERS = {
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "IPYTHONDIR": "ipython",
    "MPLCONFIGDIR": "matplotlib",
    "CANARYLAB_HOME": "canarylab",
}
_SETTINGS = {
    # No news from the network, and every cell in the page, not only those in sight.
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
_SESSION = "window.jupyterapp.shell.currentWidget.sessionContext"
_CONNECTED = """
() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return context?.isReady && context.session?.kernel?.connectionStatus === "connected";
}
"""


class JupyterLab:
    """Serves the notebooks in `root` on a free port of 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.root, self.home = folder / "root", folder / _FOLDERS["CANARYLAB_HOME"]
        self.root.mkdir()
        self._token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        _write_settings(folder / "settings")
        self._runtime = tempfile.TemporaryDirectory(prefix="jupyter-")  # sockets: a short path
        with (folder / "server.log").open("w") as log:
            self._process = subprocess.Popen(
                self._command(), env=_environment(folder, self._runtime.name),
                stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self._until(lambda: self.api("status"), _START_S)

    def write(self, notebook: str, *sources: str) -> None:
        """Write a notebook of these code cells."""
        cells: list[dict[str, object]] = [
            {"cell_type": "code", "id": f"cell-{number}", "source": source, "metadata": {}}
            | {"outputs": [], "execution_count": None}
            for number, source in enumerate(sources)
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
        (self.root / notebook).write_text(json.dumps(whole | {"cells": cells}))

    def open(self, page: Page, notebook: str) -> None:
        """Show a notebook, and return when its kernel can run cells.

        The page says idle before its kernel is connected, and would then do nothing.
        """
        page.goto(f"{self.url}/lab/tree/{notebook}?token={self._token}&reset")
        page.wait_for_selector(".jp-Notebook")
        self._until(lambda: self._is_idle(notebook), _STATE_S)
        page.wait_for_function(_CONNECTED)

    def run_all(self, page: Page) -> None:
        """Run every cell; fail if one raised."""
        ran = page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        if not ran:
            raise AssertionError("a cell raised")

    def restart_kernel(self, page: Page) -> None:
        """Restart the kernel of the notebook that is shown, without a dialog."""
        page.evaluate(f"{_SESSION}.session.kernel.restart()")

    def shut_down_kernel(self, page: Page) -> None:
        """Shut it down, as the menu does; the notebook stays open."""
        page.evaluate(f"{_SESSION}.shutdown()")

    def end_kernels(self) -> None:
        """Stop what the notebooks run."""
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", method="DELETE")

    def close(self) -> None:
        """Stop the server and everything it started."""
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(_STOP_S)
        self._runtime.cleanup()

    def api(self, path: str, *, method: str = "GET") -> Any:
        """What the server's own API answers."""
        headers = {"Authorization": f"token {self._token}"}
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def _is_idle(self, notebook: str) -> bool:
        kernels = [each["kernel"] for each in self.api("sessions") if each["path"] == notebook]
        return bool(kernels) and all(
            kernel["execution_state"] == "idle" and kernel["connections"] for kernel in kernels
        )

    def _until(self, condition: Callable[[], object], timeout_s: float) -> None:
        end, last = time.monotonic() + timeout_s, "it never was so"
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError("JupyterLab ended; its server.log says why")
            try:
                if condition():
                    return
            except OSError as exc:  # while a kernel starts, the API may answer 500 for a moment
                last = str(exc)
            time.sleep(0.1)
        raise TimeoutError(last)

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ip=127.0.0.1", f"--port={self._port}", "--ServerApp.port_retries=0"),
            f"--IdentityProvider.token={self._token}",
            f"--ServerApp.root_dir={self.root}",
            "--LabApp.expose_app_in_browser=True",
            "--KernelManager.transport=ipc",
        ]


def _write_settings(folder: Path) -> None:
    for name, values in _SETTINGS.items():
        place = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(values))


def _environment(folder: Path, runtime: str) -> dict[str, str]:
    own = {name: str(folder / part) for name, part in _FOLDERS.items()}
    own["JUPYTER_RUNTIME_DIR"] = runtime
    repository = str(Path(__file__).parents[2])  # the notebooks import the tests' fakes
    return {**os.environ, **own, "PYTHONPATH": repository}
