"""What does a RUN line run, and what does it see of this machine?

It runs in the image's working folder with the image's environment and the Node that came with pip.
There is no isolation: an absolute path in the line is a path of this machine. Of the caller's own
environment it sees what it needs to reach a registry, and nothing else.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from canarylab.errors import CommandFailedError
from canarylab.images.dockerfile import Instruction, exec_form
from canarylab.images.settings import Settings
from canarylab.playground.home import path_with_node

SHOWN_LINES = 20

_SEEN = (
    *("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "TZ"),
    *("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
_SEEN_IN_ANY_CASE = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def run(
    line: Instruction, settings: Settings, tree: Path, machine: Mapping[str, str] = os.environ
) -> None:
    """Run the line in `tree`; raise CommandFailedError where it ends with another status than 0."""
    command = exec_form(line.text) or ["/bin/sh", "-c", line.text]
    folder = tree / settings.working_dir.lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    environment = environment_of(settings, tree, machine)
    with tempfile.TemporaryFile() as output:
        status = _wait_for(command, folder, environment, output)
        if status != 0:
            said = _last_lines(output)
            raise CommandFailedError(line.where, str(line), status=status, output=said)


def environment_of(settings: Settings, tree: Path, machine: Mapping[str, str]) -> dict[str, str]:
    """The image's variables over those of this machine that lead to a registry."""
    programs = f"{tree}/usr/local/bin:{settings.values['PATH']}"
    return {
        **{name: value for name, value in machine.items() if _is_seen(name)},
        **_npm_settings(tree, machine),
        **settings.run_env,
        "PATH": path_with_node(programs),
    }


def _is_seen(name: str) -> bool:
    lowered = name.lower()
    return name in _SEEN or lowered in _SEEN_IN_ANY_CASE or lowered.startswith("npm_config_")


def _npm_settings(tree: Path, machine: Mapping[str, str]) -> dict[str, str]:
    """`npm install --global` goes into the image; the machine's own global npmrc still counts.

    npm looks for that file beside the node that runs it, which is here the one from pip.
    """
    settings = {"npm_config_prefix": f"{tree}/usr/local"}
    node = shutil.which("node", path=machine.get("PATH"))
    npmrc = Path(node).resolve().parent.parent / "etc" / "npmrc" if node else None
    if npmrc and npmrc.is_file() and "npm_config_globalconfig" not in machine:
        settings["npm_config_globalconfig"] = str(npmrc)
    return settings


def _wait_for(
    command: list[str], folder: Path, environment: dict[str, str], output: IO[bytes]
) -> int:
    """Its exit status. Whatever it started ends with it, and with us where we are interrupted."""
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as exc:
        output.write(f"{command[0]}: {exc.strerror}".encode())
        return 127
    try:
        # Not reaped yet, so its number cannot be given to anybody else while we end its group.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode


def _last_lines(output: IO[bytes]) -> str:
    output.seek(0)
    lines = output.read().decode(errors="replace").rstrip().splitlines()
    return "\n".join(lines[-SHOWN_LINES:])
