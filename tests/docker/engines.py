"""A Docker engine of the tests' own, which touches no other one on this machine."""

from __future__ import annotations

import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

READY_TIMEOUT_S, END_TIMEOUT_S = 30.0, 30.0
_POLL_INTERVAL_S = 0.05


@contextmanager
def private_engine() -> Iterator[str]:
    """Start an engine and yield its address, `unix://...`; nothing of it is left afterwards.

    It gets SIGTERM when its parent dies, so that a killed test run leaves no engine either.
    """
    root = Path(tempfile.mkdtemp(prefix="dockerd-"))  # short: sockets lie in it
    root.chmod(0o711)  # so that other users get as far as the socket, and are refused there
    try:
        with _own_bridge(root.name[-8:]) as bridge, _dockerd(root, bridge) as address:
            yield address
    finally:
        subprocess.run(["rm", "-r", root], check=True)  # faster than shutil with so many files


@contextmanager
def _dockerd(root: Path, bridge: str) -> Iterator[str]:
    address, log = f"unix://{root}/docker.sock", root / "dockerd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "dockerd", *_options(root, address, bridge)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_it_answers(process, root / "docker.sock", log)
        yield address
    finally:
        _end(process, address)
        _unmount(root)


def _options(root: Path, address: str, bridge: str) -> list[str]:
    """Return the options; the machine's firewall stays as it is, for 127.0.0.1 needs no rule."""
    options = {
        "host": address,
        "data-root": root / "data",
        "exec-root": root / "run",
        "pidfile": root / "dockerd.pid",
        "bridge": bridge,
        "iptables": "false",
        "ip6tables": "false",
    }
    return [f"--{name}={value}" for name, value in options.items()]


@contextmanager
def _own_bridge(name: str) -> Iterator[str]:
    """Make a bridge: two engines on one would give the same address to two containers."""
    bridge, network = (
        f"cl-{name}",
        f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(250)}.1/24",
    )
    subprocess.run(["ip", "link", "add", "name", bridge, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", network, "dev", bridge], check=True)
        subprocess.run(["ip", "link", "set", bridge, "up"], check=True)
        yield bridge
    finally:
        subprocess.run(["ip", "link", "delete", bridge], check=True)


def _wait_until_it_answers(process: subprocess.Popen[bytes], socket_path: Path, log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not _answers(socket_path):
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").splitlines()[-15:]
            raise RuntimeError("dockerd did not start. It said:\n" + "\n".join(last))
        time.sleep(_POLL_INTERVAL_S)


def _answers(socket_path: Path) -> bool:
    """Ping without docker-py, which does not close a socket that nobody listens at."""
    with socket.socket(socket.AF_UNIX) as client:
        if client.connect_ex(str(socket_path)) != 0:
            return False
        client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        try:
            return b"200 OK" in client.recv(1000)
        except ConnectionResetError:
            return False  # it ends, and its log says why


def _end(process: subprocess.Popen[bytes], address: str) -> None:
    """End the containers first, which would outlive it; its containerd ends with it."""
    with suppress(DockerException, RequestException):
        client = DockerClient(base_url=address, version="auto", timeout=60)
        for container in client.containers.list(all=True):
            container.remove(force=True)
        client.close()
    process.terminate()
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _unmount(root: Path) -> None:
    """Unmount network namespaces and everything else that it left mounted."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    below = [place for place in mounted if Path(place).is_relative_to(root)]
    for place in reversed(below):
        subprocess.run(["umount", place], check=True)
