"""The playground as a cluster: where Services and Ingresses answer."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canarylab import Lab, resources
from canarylab.clusters.playground import Playground
from canarylab.errors import ClusterError
from canarylab.playground import daemon_control
from canarylab.playground.daemon_control import DaemonState
from canarylab.playground.home import Home
from canarylab.ports import LOOPBACK, NODE_PORTS, is_free
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.stages import reset_to
from canarylab.traffic.http import get
from tests.needs import needs
from tests.running_playground import RunningPlayground, running_playground
from tests.waiting import until

pytestmark = needs("linux")
INGRESS: dict[str, Any] = {"kind": "Ingress", "metadata": {"name": "web"}, "spec": {}}


@pytest.fixture
def port() -> int:
    """A node port that is free on 127.0.0.1."""
    return next(number for number in NODE_PORTS if is_free(number))


@pytest.fixture
def running(playground: RunningPlayground) -> DaemonState:
    return playground.running


@pytest.fixture
def cluster(playground: RunningPlayground) -> Playground:
    return Playground(playground.home)


def service(port: int) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": 3333, "nodePort": port}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "labels": {"app": "nodeapp"}},
        "spec": {"type": "NodePort", "ports": ports, "selector": {"app": "nodeapp"}},
    }


def test_a_node_port_is_on_127_0_0_1_where_nobody_else_has_it(
    cluster: Playground, port: int
) -> None:
    (address,) = cluster.addresses(service(port), [])

    assert address.url == f"http://127.0.0.1:{port}"
    assert cluster.adapt_manifest(service(port)).notes == ()


def test_where_another_program_has_it_the_node_answers_until_that_program_ends(
    cluster: Playground, running: DaemonState, port: int
) -> None:
    with socket.create_server((LOOPBACK, port)):
        (address,) = cluster.addresses(service(port), [])
        (note,) = cluster.adapt_manifest(service(port)).notes
    (later,) = cluster.addresses(service(port), [])

    assert address.url == f"http://{running.node}:{port}"
    assert note == (
        f"127.0.0.1:{port} belongs to another program, "
        f"so this Service answers at {running.node}:{port}"
    )
    assert later.url == f"http://127.0.0.1:{port}"


def test_a_port_that_another_program_has_on_all_addresses_has_no_url(
    cluster: Playground, port: int
) -> None:
    with (
        socket.create_server(("0.0.0.0", port)),
        pytest.raises(ClusterError, match=f"Port {port} belongs to another program on all"),
    ):
        cluster.addresses(service(port), [])


async def test_the_service_is_applied_and_answers_there(
    connection: Connection, cluster: Playground, running: DaemonState, port: int
) -> None:
    reset_to(connection, "02-production", resources.folder("manifests"))
    with socket.create_server((LOOPBACK, port)):
        apply(connection, [service(port)])
        (address,) = cluster.addresses(service(port), [running.node])
        assert address.url == f"http://{running.node}:{port}"
        assert get(address.url).body == '"Version 1.0"'
    await until(lambda: not is_free(port))
    (later,) = cluster.addresses(service(port), [])
    assert later.url == f"http://127.0.0.1:{port}"
    assert get(later.url).body == '"Version 1.0"'


@pytest.mark.parametrize("spec", [None, {}, {"ports": None}, {"ports": [None, {"nodePort": "x"}]}])
def test_a_malformed_service_is_left_to_the_api_server(cluster: Playground, spec: object) -> None:
    manifest = {"kind": "Service", "spec": spec}

    assert cluster.adapt_manifest(manifest) == (manifest, ())


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Playground]:
    """A playground that finds 127.0.0.1:8080 taken."""
    home = Home(tmp_path / "home")
    listening = None if not is_free(8080) else socket.create_server((LOOPBACK, 8080))
    daemon_control.up(home)
    yield Playground(home)
    daemon_control.down(home)
    if listening is not None:
        listening.close()


def test_where_another_program_has_8080_the_ingress_answers_on_the_node(
    second: Playground,
) -> None:
    running = daemon_control.status(second.home)
    assert running is not None
    note = f"127.0.0.1:8080 belongs to another program, so Ingresses answer at {running.node}:8080"

    assert second.ingress_url([]) == f"http://{running.node}:8080"
    assert get(second.ingress_url([])).body == "default backend - 404"
    assert second.adapt_manifest(INGRESS).notes == (note,)
    assert str(second.status()).endswith(f" {note}.")


def test_without_a_playground_there_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="does not run"):
        Playground(Home(tmp_path)).addresses(service(32089), [])


async def test_a_lab_goes_on_when_its_playground_comes_back_on_another_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARYLAB_HOME", str(tmp_path))
    with running_playground(tmp_path) as playground:
        lab = Lab("playground")
        lab.reset("02-production")
        first = playground.running
        os.kill(first.pid, signal.SIGKILL)
        await until(lambda: daemon_control.holder_of_lock(playground.home) is None)
        with pytest.raises(ClusterError, match="did not answer"):
            lab.pods()
        with socket.create_server((LOOPBACK, first.api_port)):
            daemon_control.up(playground.home)
        lab.wait_ready("nodeapp-production")
        assert "deployment/nodeapp-production" in repr(Lab("playground"))
        assert lab.sample("nodeapp-svc", requests=20).failed == 0
        assert f"{LOOPBACK}:{first.api_port}, its address before" in str(lab.cluster.status())
        lab.close()
