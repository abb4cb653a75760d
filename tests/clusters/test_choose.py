"""Which cluster the lessons run on, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab import machine
from canarylab.clusters.base import Cluster, advice_without_answer
from canarylab.clusters.choose import choose, choose_to_stop, describe, describe_absence
from canarylab.clusters.kind import KindCluster
from canarylab.clusters.kubeconfig import Kubeconfig
from canarylab.clusters.playground import Playground
from canarylab.errors import SetupError
from canarylab.machine import loopback
from canarylab.playground.home import Home


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Of this test alone, without any cluster."""
    monkeypatch.setenv("CANARYLAB_HOME", str(tmp_path))
    return Home(tmp_path)


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one context."""
    file = tmp_path / "kubeconfig"
    file.write_text("{contexts: [{name: lab, context: {namespace: seat-3}}], current-context: lab}")
    monkeypatch.setenv("KUBECONFIG", str(file))


def with_a_kind_cluster(home: Home) -> None:
    folder = home.root / "kind"
    folder.mkdir(parents=True)
    (folder / "kubeconfig").touch()
    (folder / "made.json").write_text('{"node": "the id of its node", "loaded": {}}')


@pytest.fixture
def _running(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the API of the kind cluster answered."""
    monkeypatch.setattr(KindCluster, "status", lambda self: "It runs.")


def on(monkeypatch: pytest.MonkeyPatch, *, linux: bool) -> None:
    address = "127.64.0.1" if linux else "192.0.2.1"  # the second is nobody's
    monkeypatch.setattr(machine, "loopback", lambda: loopback(address))


def test_a_cluster_that_is_not_there_is_started_with_the_option_that_names_it() -> None:
    clusters: dict[str, Cluster] = {
        "`canarylab up`": Playground(),
        "`canarylab up --cluster kind`": KindCluster(),
    }
    for command, cluster in clusters.items():
        assert describe_absence(cluster).endswith(f" is not running. Start it with {command}.")
        assert advice_without_answer(cluster).endswith(f", {command} starts it.")


def test_unasked_it_is_the_playground(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, linux=True)

    chosen = choose()

    assert isinstance(chosen.cluster, Playground)
    assert chosen.reason == "the playground, because it needs only Python"


@pytest.mark.usefixtures("_running")
def test_a_kind_cluster_that_runs_comes_first() -> None:
    chosen = choose()

    assert isinstance(chosen.cluster, KindCluster)
    assert chosen.reason == "the kind cluster, because it is running"


def test_with_a_stopped_kind_cluster_the_playground_is_chosen(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, linux=True)
    with_a_kind_cluster(home)

    assert choose().reason == "the playground, because the kind cluster is not running"


def test_where_the_playground_cannot_run_it_is_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, linux=False)

    chosen = choose()

    assert isinstance(chosen.cluster, KindCluster)
    assert chosen.reason == "the kind cluster, because the playground needs Linux"


@pytest.mark.usefixtures("kubeconfig")
def test_somebody_elses_cluster_is_never_chosen_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    for linux in (True, False):
        on(monkeypatch, linux=linux)
        assert not isinstance(choose().cluster, Kubeconfig)


@pytest.mark.usefixtures("kubeconfig")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("playground", "the playground, because"),
        ("kind", "the kind cluster, because"),
        ("kubeconfig", "context lab, namespace seat-3, because"),
    ],
)
def test_each_can_be_named(name: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose(name).reason == f"{why} you chose it"

    monkeypatch.setenv("CANARYLAB_CLUSTER", name)
    assert choose().reason == f"{why} the variable CANARYLAB_CLUSTER says so"


def test_a_name_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARYLAB_CLUSTER", "kind")

    assert isinstance(choose("playground").cluster, Playground)


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(SetupError) as refused:
        choose("moon")

    assert str(refused.value) == (
        'There is no kind of cluster called "moon". Choose one of: playground, kind, kubeconfig.'
    )


def test_what_is_ended_unasked_is_never_the_kind_cluster(home: Home) -> None:
    with_a_kind_cluster(home)

    assert describe(choose_to_stop()) == "the playground"
    assert describe(choose_to_stop("kind")) == "the kind cluster"
