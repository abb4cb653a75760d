"""Samples through `kubectl port-forward`: one pod, whatever the number of connections."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from canarylab import external_tools
from canarylab.display import no_report
from canarylab.errors import ApiRefusedError, ClusterError, ToolMissingError
from canarylab.manifests import SERVICE
from canarylab.release.connection import Connection
from canarylab.release.port_forward import port_forward, sample_port_forward
from canarylab.traffic import SamplingPlan
from tests.needs import needs

pytestmark = needs("linux", "kubectl")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Sequence[subprocess.Popen[bytes]]:
    """Every program that was started."""
    running, processes = external_tools.running, []

    @contextmanager
    def noted(*arguments: Any, output: Path) -> Iterator[subprocess.Popen[bytes]]:
        with running(*arguments, output=output) as process:
            processes.append(process)
            yield process

    monkeypatch.setattr(external_tools, "running", noted)
    return processes


def test_one_pod_answers_every_connection(production: Connection) -> None:
    sample = sample_port_forward(production, SERVICE, SamplingPlan(count=60), no_report)

    assert sample.connections == 60
    assert sorted(sample.by_pod.values()) == [0, 0, 60]


def test_kubectl_has_ended_afterwards(
    production: Connection, started: Sequence[subprocess.Popen[bytes]]
) -> None:
    with pytest.raises(RuntimeError, match="interrupted"), port_forward(production, SERVICE):
        assert started[0].poll() is None
        raise RuntimeError("interrupted")

    assert started[0].poll() is not None


def test_it_says_that_kubectl_ended_too_early(
    production: Connection, started: Sequence[subprocess.Popen[bytes]]
) -> None:
    with (
        pytest.raises(ClusterError, match="kubectl ended while requests were sent"),
        port_forward(production, SERVICE),
    ):
        started[0].kill()
        started[0].wait()


def test_a_service_that_is_not_there_is_named(production: Connection) -> None:
    with (
        pytest.raises(ApiRefusedError, match='Service "nosuch"'),
        port_forward(production, "nosuch"),
    ):
        pytest.fail("it has a URL")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"selector": {"app": "nobody"}, "ports": [{"port": 80}]}, "has no ready pod"),
        ({"selector": {"app": "nodeapp"}, "clusterIP": "None"}, "has no port"),
        ({"type": "ExternalName", "externalName": "example.com"}, "has no port"),
    ],
)
def test_without_a_port_or_a_ready_pod_it_says_so(
    production: Connection, spec: dict[str, Any], problem: str
) -> None:
    service = {"metadata": {"name": "nobody"}, "spec": spec}
    production.core.create_namespaced_service(production.namespace, service)

    with pytest.raises(ClusterError, match=problem), port_forward(production, "nobody"):
        pytest.fail("it has a URL")

    production.core.delete_namespaced_service("nobody", production.namespace)


def test_it_has_the_words_of_kubectl(
    production: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = tmp_path / "kubectl"
    refusing.write_text("#!/bin/sh\necho 'error: pods \"web\" is forbidden' >&2; exit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    with (
        pytest.raises(
            ClusterError, match=r'nodeapp-svc: error: pods "web" is forbidden. Look with'
        ),
        port_forward(production, SERVICE),
    ):
        pytest.fail("it has a URL")


def test_without_kubectl_it_says_where_to_get_it(
    production: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(ToolMissingError, match="kubectl"), port_forward(production, SERVICE):
        pytest.fail("it has a URL")
