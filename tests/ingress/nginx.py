"""A real nginx, configured as ingress-nginx would: the oracle for paths and rewrites.

What is rendered is `buildLocation` and `buildProxyPass` of ingress-nginx's template; which of its
locations a request matches, and what is then asked of the upstream, nginx decides.
https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/template/template.go
"""

from __future__ import annotations

import http.client
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from canarylab.ingress_rules.ingress_spec import ANY_HOST
from canarylab.ingress_rules.server_table import Location, Server, ServerTable
from canarylab.ports import unused

STARTED_WITHIN_S = 10.0
_CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors warn;
events {{ worker_connections 64; }}
http {{
  access_log off; server_names_hash_bucket_size 128;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{echo}; location / {{ return 200 $request_uri; }} }}
  {servers}
}}
"""


class Seen(NamedTuple):
    """What nginx made of a request."""

    status: int
    location: str = ""
    target: str = ""


def name_of(location: Location) -> str:
    """Which location it is."""
    return f"{'=' if location.exact else ''}{location.path}"


@contextmanager
def nginx(table: ServerTable, folder: Path) -> Iterator[int]:
    """Running with the hosts and locations of this table; its port."""
    port, echo = unused(), unused()
    servers = "\n".join(_server(server, port, echo) for server in table.servers.values())
    with _running(servers, port, echo, folder):
        yield port


@contextmanager
def nginx_that_says(text: str, folder: Path) -> Iterator[int]:
    """Running, and answering everything with this text, variables filled in; its port."""
    port, echo = unused(), unused()
    name = 'add_header X-Location "/" always;'
    server = f'server {{ listen 127.0.0.1:{port}; location / {{ {name} return 200 "{text}"; }} }}'
    with _running(server, port, echo, folder):
        yield port


@contextmanager
def _running(servers: str, port: int, echo: int, folder: Path) -> Iterator[None]:
    file = folder / "nginx.conf"
    file.write_text(_CONFIGURATION.format(folder=folder, echo=echo, servers=servers))
    with subprocess.Popen(["nginx", "-c", str(file)], stderr=subprocess.PIPE) as running:
        try:
            _wait_until_it_answers(port, running)
            yield
        finally:
            running.terminate()


def ask(port: int, host: str, target: str, headers: Mapping[str, str] | None = None) -> Seen:
    """What it makes of a request."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.putrequest("GET", target, skip_host=True)
        connection.putheader("Host", host)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read().decode("latin-1")
        if answer.status != 200:
            return Seen(answer.status)
        return Seen(200, answer.headers["X-Location"], body)


def _server(server: Server, port: int, echo: int) -> str:
    is_default = server.host == ANY_HOST
    listen = f"listen 127.0.0.1:{port}{' default_server' if is_default else ''};"
    locations = "\n".join(_location(server, location, echo) for location in server.locations)
    return f"server {{ {listen} server_name {_host(server.host)};\n{locations}\n}}"


def _host(host: str) -> str:
    if not host.startswith("*."):
        return host
    escaped = host[2:].replace(".", r"\.")
    return rf'"~^(?<subdomain>[\w-]+)\.{escaped}$"'


def _location(server: Server, location: Location, echo: int) -> str:
    if server.by_regex:
        pattern = f'~* "^{location.path}"'
    else:
        pattern = f'{"= " if location.exact else ""}"{location.path}"'
    if location.backend is None:
        return f"location {pattern} {{ return 404; }}"
    rewrite = ""
    if location.rewrite_target:
        rewrite = f'rewrite "(?i){location.path}" {location.rewrite_target} break;'
    name = f'add_header X-Location "{_literally(name_of(location))}" always;'
    return f"location {pattern} {{ {name} {rewrite} proxy_pass http://127.0.0.1:{echo}; }}"


def _literally(text: str) -> str:
    """A dollar sign would begin a variable."""
    return text.replace("\\", "\\\\").replace("$", "(dollar)")


def _wait_until_it_answers(port: int, running: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < deadline and running.poll() is None:
        try:
            ask(port, "started.test", "/")
        except ConnectionError:
            time.sleep(0.01)
        else:
            return
    said = running.stderr.read().decode() if running.stderr and running.poll() is not None else ""
    raise RuntimeError(f"nginx did not start: {said}")
