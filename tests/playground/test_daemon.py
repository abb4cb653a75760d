"""Tests of the daemon: its files, and what it does before it answers."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

from canarylab.kube_objects import Key, is_ready
from canarylab.playground.address_range import reserve_range
from canarylab.playground.apiserver.persistence import ObjectFile, ObjectId
from canarylab.playground.credentials import kept_credentials
from canarylab.playground.daemon import Daemon, ListeningSockets, RotatingLog
from canarylab.playground.home import Home
from canarylab.playground.node.kubelet import NODE
from canarylab.ports import LOOPBACK
from tests.needs import needs

LONG_AGO = "2026-11-22T21:00:00Z"


def test_the_log_has_a_limit(tmp_path: Path) -> None:
    log = logging.getLogger("canarylab.tests.rotating")
    handler = RotatingLog(tmp_path / "daemon.log", maxBytes=1_000, backupCount=1)
    before = os.dup(2)
    try:
        log.addHandler(handler)
        for number in range(100):
            log.warning("%s", f"{number}" * 50)
    finally:
        log.removeHandler(handler)
        handler.close()
        os.dup2(before, 2)
        os.close(before)
    sizes = {each.name: each.stat().st_size for each in tmp_path.iterdir()}
    assert sizes.keys() == {"daemon.log", "daemon.log.1"}
    assert max(sizes.values()) <= 1_000


def test_what_python_writes_to_standard_error_goes_to_the_new_file(tmp_path: Path) -> None:
    program = (
        "import sys; from canarylab.playground.daemon import RotatingLog\n"
        "handler = RotatingLog('daemon.log', maxBytes=9, backupCount=1)\n"
        "handler.doRollover(); print('last words', file=sys.stderr)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    assert (tmp_path / "daemon.log").read_text() == "last words\n"


@needs("linux")
async def test_a_pod_of_an_earlier_daemon_is_not_ready_when_the_api_server_begins_to_answer(
    tmp_path: Path,
) -> None:
    home, key = Home(tmp_path), Key("default", "web-1")
    home.prepare()
    running = {"name": "web", "ready": True, "state": {"running": {"startedAt": LONG_AGO}}}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": LONG_AGO}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": key.namespace,
            "name": key.name,
            "uid": "1",
            "resourceVersion": "1",
        },
        "spec": {"nodeName": NODE, "containers": [{"name": "web", "image": "web:1.0"}]},
        "status": {"phase": "Running", "conditions": [ready], "containerStatuses": [running]},
    }
    file = ObjectFile(home.objects)
    file.write({ObjectId("Pod", key): json.dumps(pod).encode()}, 1)
    file.close()
    addresses, reserving = reserve_range(str(tmp_path), None)
    with (
        reserving,
        socket.create_server((LOOPBACK, 0)) as api,
        socket.create_server((addresses.node, 0)) as ingress,
    ):
        daemon, sockets = Daemon(home, addresses), ListeningSockets(api, (ingress,))
        async with daemon.running(sockets, kept_credentials(home.credentials)):
            (found,) = daemon.api.store.all("Pod")  # before any task of the daemon had its turn
            assert not is_ready(found)
