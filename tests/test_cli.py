"""The command line as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from canarylab import resources
from canarylab.manifests import load
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from tests.needs import needs
from tests.running_playground import RunningPlayground

Done = subprocess.CompletedProcess[str]


def canarylab(*words: str, environment: Mapping[str, str] | None = None) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "canarylab", *words],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_playground_status_says_so_and_fails(tmp_path: Path) -> None:
    done = canarylab("status", environment={"CANARYLAB_HOME": str(tmp_path)})
    said = "The playground is not running. Start it with `canarylab up`.\n"
    assert (done.returncode, done.stdout) == (1, said)


@needs("linux")
def test_kubeconfig_prints_a_path_that_works(playground: RunningPlayground) -> None:
    done = canarylab("kubeconfig", environment=playground.environment)
    assert (done.stdout, done.stderr) == (f"{playground.kubeconfig}\n", "")


def test_kubeconfig_without_a_playground_prints_the_path_and_what_is_missing(
    tmp_path: Path,
) -> None:
    done = canarylab("kubeconfig", environment={"CANARYLAB_HOME": str(tmp_path)})
    assert done.stdout == f"{tmp_path / 'playground.kubeconfig'}\n"
    assert "`canarylab up`" in done.stderr


@needs("linux")
def test_url_prints_where_a_service_answers(
    playground: RunningPlayground, connection: Connection
) -> None:
    apply(connection, load(resources.folder("manifests") / "02-production" / "service.yaml"))
    done = canarylab("url", environment=playground.environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout in {"http://127.0.0.1:32089\n", f"{playground.node_port_url}\n"}


@needs("linux")
def test_url_prints_where_an_ingress_answers(
    playground: RunningPlayground, connection: Connection
) -> None:
    apply(connection, load(resources.folder("manifests") / "06-ingress" / "ingress.yaml"))
    done = canarylab("url", "ingress-prod-canary", environment=playground.environment)
    assert (done.stdout, done.stderr) == (f"{playground.running.ingress_url}\n", "")


@needs("linux")
def test_url_of_what_is_not_there_is_refused(playground: RunningPlayground) -> None:
    done = canarylab("url", "nowhere", environment=playground.environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'services "nowhere" not found' in done.stderr


def test_url_without_a_playground_says_so(tmp_path: Path) -> None:
    done = canarylab("url", environment={"CANARYLAB_HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The playground is not running. Start it with `canarylab up`.\n"


@needs("linux")
def test_up_finds_the_running_playground(playground: RunningPlayground) -> None:
    done = canarylab("up", environment=playground.environment)
    assert f"export KUBECONFIG={playground.kubeconfig}" in done.stdout


@needs("linux")
def test_build_says_what_it_built(playground: RunningPlayground) -> None:
    done = canarylab("build", environment=playground.environment)
    assert done.returncode == 0
    assert "node_app:1.0 is built" in done.stdout
    assert "node_app:2.0 is built" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sample", "http://127.0.0.1:1"), "There is no answer at http://127.0.0.1:1"),
        (("sample", "127.0.0.1:80"), "does not start with http"),
        (("sample", "http://127.0.0.1:1", "--count", "0"), "count cannot be 0"),
        (("sample", "http://127.0.0.1:1", "--count", "1", "--seconds", "1"), "both"),
    ],
)
def test_what_cannot_be_done_is_one_clear_message(words: tuple[str, ...], said: str) -> None:
    done = canarylab(*words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_unknown_cluster_is_named_with_the_known_ones(tmp_path: Path) -> None:
    environment = {"CANARYLAB_CLUSTER": "moon", "CANARYLAB_HOME": str(tmp_path)}
    done = canarylab("tour", "--out", str(tmp_path), environment=environment)
    assert done.returncode == 1
    assert 'no kind of cluster called "moon"' in done.stderr


@needs("linux")
@pytest.mark.usefixtures("local_ports")
def test_the_tour_plays_the_whole_story(playground: RunningPlayground, tmp_path: Path) -> None:
    done = canarylab(
        *("tour", "--out", str(tmp_path), "--requests", "200"), environment=playground.environment
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith("! ")]
    assert len(failed) <= 1, done.stdout  # by bad luck one in 2,000 tours, two in 10 million
    assert done.returncode == len(failed), done.stdout + done.stderr
    assert done.stdout.count(", expected ") == 7
    assert {path.name for path in tmp_path.iterdir()} == {"split.png", "pods.png", "sweep.png"}


@needs("linux")
def test_a_sample_as_json_has_every_answer(playground: RunningPlayground) -> None:
    from canarylab.images.builder import app_reference  # noqa: PLC0415  only this test runs one
    from canarylab.images.local_runs import ProcessRuns  # noqa: PLC0415
    from canarylab.playground.images import find  # noqa: PLC0415
    from canarylab.ports import unused  # noqa: PLC0415

    image = find(playground.home.images, app_reference("1.0"))
    assert image is not None
    runs = ProcessRuns(playground.home.root / "local")
    run = runs.start(image, port=unused())
    done = canarylab("sample", run.url, "--count", "20", "--json")
    runs.stop_all()
    results = json.loads(done.stdout)["results"]
    assert [answer["version"] for answer in results] == ["1.0"] * 20
