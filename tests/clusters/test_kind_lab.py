"""The lab on a kind cluster, whose API is the playground's here: nothing above can tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from canarylab import machine, ports
from canarylab.clusters import kind
from canarylab.clusters.adapt_manifest import RETIRED
from canarylab.clusters.base import ServiceAddress
from canarylab.clusters.kind import KindCluster, api_answers, server_url
from canarylab.lab import Lab
from canarylab.playground.home import Home
from canarylab.release.connection import Connection
from tests.clusters.kind_machine import APP
from tests.fakes.installed import FakeTools
from tests.fakes.state import FakeState
from tests.needs import needs
from tests.running_playground import RunningPlayground

pytestmark = needs("linux")
INGRESS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "web", "labels": {"app": "nodeapp"}},
    "spec": {
        "ingressClassName": "nginx",
        "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}},
    },
}


@pytest.fixture
def lab(
    connection: Connection,
    playground: RunningPlayground,
    state: FakeState,
    tools: FakeTools,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Lab]:
    """On kind, with version 1.0 in the node."""
    monkeypatch.setattr(ports, "is_free", lambda _port: True)  # the playground has that node port
    there = ServiceAddress(playground.node_port_url, "node port 32089")  # no other playground's
    monkeypatch.setattr(kind, "local_node_port", lambda _service: there)
    monkeypatch.setattr(machine, "free_bytes", lambda _place: 100 * machine.GB)
    (state.root / "kubeconfig").write_text(playground.kubeconfig.read_text())
    state.add_image(APP)
    with closing(Lab("kind")) as lab:
        lab.cluster.load_image("node_app:1.0", lambda _words: None)
        yield lab
        playground.delete_pods_at_once()


def test_production_answers(lab: Lab, playground: RunningPlayground) -> None:
    lab.apply("manifests/02-production/production.yaml")
    lab.apply("manifests/02-production/service.yaml")
    lab.wait_ready("nodeapp-production")

    sample = lab.sample(requests=30)

    assert lab.url() == playground.node_port_url
    assert sample.by_version == {"1.0": 30}
    assert sample.cluster == "kind"


def test_the_first_ingress_says_who_serves_it(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """The playground's class is that of ingress-nginx, so here it is somebody else's."""
    lab.apply(INGRESS)
    lab.apply(INGRESS)

    assert capsys.readouterr().out == f"{RETIRED}\n"


def test_says_where_it_is(lab: Lab) -> None:
    assert repr(lab).startswith("You are on the kind cluster, because you chose it.")
    assert str(Home.of_user().root / "kind" / "kubeconfig") in repr(lab)


def test_its_status_names_the_container_and_the_api(lab: Lab) -> None:
    said = lab.cluster.status()

    assert said is not None
    assert said.startswith("The kind cluster runs in the container canarylab-control-plane, API on")
    assert said.endswith(f"{server_url(Path(lab.cluster.kubeconfig))}.")


def test_an_api_that_answers_is_known(playground: RunningPlayground) -> None:
    assert api_answers(playground.kubeconfig)


def test_an_api_of_this_machine_is_not_asked_through_a_proxy(
    playground: RunningPlayground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{ports.unused()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert api_answers(playground.kubeconfig)


@pytest.mark.parametrize("text", ["", "a: b", "clusters: [{}]"])
def test_a_file_that_is_no_kubeconfig_does_not_answer(tmp_path: Path, text: str) -> None:
    (tmp_path / "kubeconfig").write_text(text)

    assert not api_answers(tmp_path / "kubeconfig")


def test_nothing_answers_at_a_port_where_nobody_listens(
    playground: RunningPlayground, tmp_path: Path
) -> None:
    server = f"server: https://127.0.0.1:{ports.unused()}"
    lines = playground.kubeconfig.read_text().splitlines()
    elsewhere = [f"    {server}" if "server:" in line else line for line in lines]
    (tmp_path / "kubeconfig").write_text("\n".join(elsewhere))

    assert not api_answers(tmp_path / "kubeconfig")


def test_a_kubeconfig_that_is_not_there_does_not_answer(tmp_path: Path) -> None:
    assert not api_answers(tmp_path / "kubeconfig")


def test_a_second_start_only_asks_the_api(lab: Lab, state: FakeState) -> None:
    calls = state.calls()

    KindCluster().start(lambda _words: None)

    assert state.calls() == calls
