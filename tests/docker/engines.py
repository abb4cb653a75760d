"""For tests: a Docker engine of the tests' own, that touches no other one on this machine."""

from __future__ import annotations

import secrets
import shutil
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
_LOOK_EVERY_S = 0.05


@contextmanager
def private_engine() -> Iterator[str]:
    """Its address, `unix://...`, for the length of a `with`; everything of it is gone afterwards.

    It gets SIGTERM when its parent dies, so that a killed test run leaves no engine either.
    """
    root = Path(tempfile.mkdtemp(prefix="dockerd-"))  # short: sockets lie in it
    root.chmod(0o711)  # so that other users get as far as the socket, and are refused there
    address, log = f"unix://{root}/docker.sock", root / "dockerd.log"
    with _own_bridge(root.name[-8:]) as bridge, log.open("wb") as output:
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
    shutil.rmtree(root)


def _options(root: Path, address: str, bridge: str) -> list[str]:
    """The machine's firewall stays as it is: a port on 127.0.0.1 needs none of it."""
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
    """Two engines on one bridge would give the same address to two containers."""
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


def _wait_until_it_answers(process: subprocess.Popen[bytes], door: Path, log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not _answers(door):
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").splitlines()[-15:]
            raise RuntimeError("dockerd did not start. It said:\n" + "\n".join(said))
        time.sleep(_LOOK_EVERY_S)


def _answers(door: Path) -> bool:
    """Not through docker-py: it forgets to close a socket that nobody listens at."""
    with socket.socket(socket.AF_UNIX) as client:
        if client.connect_ex(str(door)) != 0:
            return False
        client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        try:
            return b"200 OK" in client.recv(1000)
        except ConnectionResetError:
            return False  # it ends, and its log says why


def _end(process: subprocess.Popen[bytes], address: str) -> None:
    """Its containers first, for they would outlive it; its containerd ends with it."""
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
    """A network namespace, and what else it left mounted."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    below = [place for place in mounted if Path(place).is_relative_to(root)]
    for place in reversed(below):
        subprocess.run(["umount", place], check=True)
