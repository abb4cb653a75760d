"""Tests of the daemon: its files, and what it does before it answers."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from canarylab.kube_objects import Key, Object, is_finished, is_ready
from canarylab.playground.address_range import reserve_range
from canarylab.playground.apiserver.persistence import ObjectFile, ObjectId
from canarylab.playground.credentials import kept_credentials
from canarylab.playground.daemon import Daemon, ListeningSockets, RotatingLog
from canarylab.playground.home import Home
from canarylab.playground.node.kubelet import NODE
from canarylab.ports import LOOPBACK
from tests.needs import needs
from tests.waiting import until

LONG_AGO = "2026-11-22T21:00:00Z"
WEB = Key("default", "web-1")
CONTAINERS = [{"name": "web", "image": "web:1.0"}]


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


@contextlib.asynccontextmanager
async def daemon_with_a_pod(tmp_path: Path, pod: Object) -> AsyncIterator[Daemon]:
    """A daemon that has just been started, in a home in which there is this pod."""
    home = Home(tmp_path)
    home.prepare()
    meta = {"name": WEB.name, "namespace": WEB.namespace, "uid": "1", "resourceVersion": "1"}
    kept = {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": meta | pod.get("metadata", {})}
    file = ObjectFile(home.objects)
    file.write({ObjectId("Pod", WEB): json.dumps(kept).encode()}, 1)
    file.close()
    addresses, reserving = reserve_range(str(tmp_path), None)
    with (
        reserving,
        socket.create_server((LOOPBACK, 0)) as api,
        socket.create_server((addresses.node, 0)) as ingress,
    ):
        daemon, sockets = Daemon(home, addresses), ListeningSockets(api, (ingress,))
        async with daemon.running(sockets, kept_credentials(home.credentials)):
            yield daemon


@needs("linux")
async def test_a_pod_of_an_earlier_daemon_is_not_ready_when_the_api_server_begins_to_answer(
    tmp_path: Path,
) -> None:
    running = {"name": "web", "ready": True, "state": {"running": {"startedAt": LONG_AGO}}}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": LONG_AGO}
    pod = {
        "spec": {"nodeName": NODE, "containers": CONTAINERS},
        "status": {"phase": "Running", "conditions": [ready], "containerStatuses": [running]},
    }
    async with daemon_with_a_pod(tmp_path, pod) as daemon:
        (found,) = daemon.api.store.all("Pod")  # before any task of the daemon had its turn
        assert not is_ready(found)


@needs("linux")
async def test_a_pod_that_ends_without_a_node_has_failed(tmp_path: Path) -> None:
    ending = {"deletionTimestamp": LONG_AGO, "finalizers": ["example.com/mine"]}
    pod = {
        "metadata": {**ending, "deletionGracePeriodSeconds": 0},
        "spec": {"containers": CONTAINERS},
        "status": {"phase": "Pending"},
    }
    async with daemon_with_a_pod(tmp_path, pod) as daemon:

        async def has_failed() -> bool:
            return is_finished(await daemon.api.get("Pod", WEB))

        await until(has_failed)
