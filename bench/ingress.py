"""The cost of the ingress, beside Debian's nginx as a plain reverse proxy.

Both stand before the same pods of the real app and are asked in turns within one run, so that
whatever else the machine does slows both down. nginx runs with two configurations: as
`proxy_pass` alone makes it, with a new connection to a pod for each request, and with its
connections kept, which is what the ingress does.
"""

from __future__ import annotations

import http.client
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench.home import built_home
from bench.measurement import Measurement
from bench.sampler import AT_ONCE
from canarylab import resources
from canarylab.manifests import PRODUCTION, SERVICE
from canarylab.playground import daemon_control
from canarylab.ports import unused
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.endpoints import ready_endpoints
from canarylab.release.rollout import scale, wait_until_rolled_out
from canarylab.release.stages import reset_to

HOST = "foo.bar.com"
REQUESTS, ONE_BY_ONE, ROUNDS = 10_000, 2_000, 3
READY_WITHIN_S = 20.0
_INGRESS: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "bench", "labels": {"app": "nodeapp"}},
    "spec": {
        "ingressClassName": "nginx",
        "rules": [
            {
                "host": HOST,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": SERVICE, "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ],
    },
}
_NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  upstream plain {{ {servers} }}
  upstream kept {{ {servers} keepalive 32; }}
  server {{ listen 127.0.0.1:{plain}; location / {{ proxy_pass http://plain; }} }}
  server {{
    listen 127.0.0.1:{kept};
    location / {{
      proxy_pass http://kept; proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
}}
"""


def measure() -> Iterator[Measurement]:
    """Rates beside those of nginx, and the median time that the ingress adds."""
    with built_home() as home:
        running = daemon_control.up(home)
        ingress = f"{running.ingress_url}/"
        with closing(Connection(home.kubeconfig)) as connection:
            reset_to(connection, "02-production", resources.folder("manifests"))
            apply(connection, [_INGRESS])
            _wait_until_served(ingress)
            pods = [each.address for each in ready_endpoints(connection, SERVICE)]
            yield from _rates(ingress, pods)
            scale(connection, PRODUCTION, 1)
            wait_until_rolled_out(connection, PRODUCTION)
            (pod,) = (each.address for each in ready_endpoints(connection, SERVICE))
            _wait_until_served(ingress)
            yield _added(ingress, f"http://{pod}/")


def _rates(ingress: str, pods: Sequence[str]) -> Iterator[Measurement]:
    if shutil.which("nginx") is None or shutil.which("wrk") is None:
        return  # apt-get install nginx-light wrk
    with _nginx(pods) as (plain, kept):
        for name, rate in (("kept connections", _kept), ("new connections", _new)):
            rounds = [(rate(ingress), rate(plain), rate(kept)) for _ in range(ROUNDS)]
            ours = median(each[0] for each in rounds)
            yield Measurement(f"ingress, {name}", ours, "requests/s", "", ok=True)
            ratio, is_kept = median(each[0] / each[1] for each in rounds), rate is _kept
            bar = "at least 0.25" if is_kept else ""
            yield Measurement(
                f"ingress : nginx, {name}", ratio, "times", bar, not is_kept or ratio >= 0.25
            )
            ratio = median(each[0] / each[2] for each in rounds)
            yield Measurement(
                f"ingress : nginx that keeps its own, {name}", ratio, "times", "", ok=True
            )


def _added(ingress: str, pod: str) -> Measurement:
    added = [1_000 * (_median_s(ingress) - _median_s(pod)) for _ in range(ROUNDS)]
    return Measurement(
        "ingress, added at the median", median(added), "ms", "below 1", median(added) < 1.0
    )


@contextmanager
def _nginx(pods: Sequence[str]) -> Iterator[tuple[str, str]]:
    """One worker on two loopback ports, with a configuration and folders of its own."""
    plain, kept = unused(), unused()
    servers = " ".join(f"server {pod};" for pod in pods)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "nginx.conf"
        file.write_text(_NGINX.format(folder=folder, servers=servers, plain=plain, kept=kept))
        with subprocess.Popen(["nginx", "-c", str(file)], stderr=subprocess.DEVNULL) as nginx:
            try:
                urls = f"http://127.0.0.1:{plain}/", f"http://127.0.0.1:{kept}/"
                for url in urls:
                    _wait_until_served(url)
                yield urls
            finally:
                nginx.terminate()


def _kept(url: str) -> float:
    """Requests a second on 16 connections that stay open."""
    return _rate(["wrk", "-t1", f"-c{AT_ONCE}", "-d4s", "-H", f"Host: {HOST}", url])


def _new(url: str) -> float:
    """Requests a second, each on a connection of its own, 16 at a time."""
    header = ["-H", f"Host: {HOST}", "-H", "Connection: close"]
    return _rate(["wrk", "-t1", f"-c{AT_ONCE}", "-d4s", *header, url])


def _rate(command: list[str]) -> float:
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    refused = [line for line in said.splitlines() if "Non-2xx" in line]
    if refused:
        raise RuntimeError(f"{' '.join(command)}: {refused[0].strip()}")
    (line,) = (line for line in said.splitlines() if line.startswith("Requests/sec:"))
    return float(line.split()[1])


def _median_s(url: str) -> float:
    """Of requests one after the other on one connection."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc)) as connection:
        ask = _asking(connection)
        return median(ask() for _ in range(ONE_BY_ONE))


def _asking(connection: http.client.HTTPConnection) -> Callable[[], float]:
    def ask() -> float:
        started = time.perf_counter()
        connection.request("GET", "/", headers={"Host": HOST})
        connection.getresponse().read()
        return time.perf_counter() - started

    return ask


def _wait_until_served(url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not _is_served(url):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} does not answer")
        time.sleep(0.05)


def _is_served(url: str) -> bool:
    try:
        with closing(http.client.HTTPConnection(urlsplit(url).netloc)) as connection:
            connection.request("GET", "/", headers={"Host": HOST})
            return connection.getresponse().status == 200
    except ConnectionError:
        return False
