"""What all tests share, and which of them xdist keeps together."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from canarylab import resources
from canarylab.release.connection import Connection
from canarylab.release.stages import reset_to
from tests.leftover_processes import reaper
from tests.processes import wait_until_only_the_playground_runs
from tests.properties import SOAK
from tests.restricted_cluster import NAMESPACE, RestrictedCluster, running_restricted_cluster
from tests.running_playground import RunningPlayground, running_playground
from tests.waiting import exclusive

TESTS = Path(__file__).parent
SLOW_FOLDERS = ("docker", "browser", "soak")
"""Left out by `make test`."""
GROUPS = {
    # One engine; and its bridge must not come while a browser loads a page, which it gives up then.
    "docker and browser": ("tests/browser/", "tests/docker/"),
    "local ports": ("tests/test_cli.py", "tests/test_examples.py"),  # or one waits for the other
}
LONG_FIRST = tuple(f"tests/{each}/" for each in ("browser", "docker", "conformance", "lessons"))
LONGEST_SOAK_S = 3600


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak`: as often as it takes to find what is rare; `--cluster kind`: the lessons there."""
    parser.addoption("--soak", action="store_true", help="repeat the soak tests many times")
    parser.addoption("--cluster", help="where tests/lessons/test_on_a_cluster.py runs the lessons")


def pytest_configure(config: pytest.Config) -> None:
    """Watch over this run; the workers of xdist belong to it."""
    # A shell's background job ignores Ctrl-C, and so would what the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("soak"):
        os.environ[SOAK] = "yes"
    if not hasattr(config, "workerinput"):
        watching = ExitStack()
        watching.enter_context(reaper())
        config.add_cleanup(watching.close)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByGroup | None:
    """With `--dist loadgroup`: groups by name, as xdist loses its own with pytest 9.2 (#1386)."""
    return ByGroup(config, log) if config.getvalue("dist") == "loadgroup" else None


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
    """One worker runs a group of tests."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def group(nodeid: str) -> str:
    """The file, for fixtures of a module; a name for files that one worker has to run.

    >>> group("tests/docker/test_building.py::test_a"), group("tests/test_text.py::test_a[1]")
    ('docker and browser', 'tests/test_text.py')
    """
    file = nodeid.partition("::")[0]
    return next((name for name, files in GROUPS.items() if file.startswith(files)), file)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is slow; the long groups begin first."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
        if folder in SLOW_FOLDERS:
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("soak") and config.getoption("soak"):
            item.add_marker(pytest.mark.timeout(LONGEST_SOAK_S))
    items.sort(key=lambda item: not item.nodeid.startswith(LONG_FIRST))


@pytest.fixture(scope="session")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlayground]:
    """One playground for the whole session; a test cleans up what it made there."""
    with running_playground(tmp_path_factory.mktemp("home")) as running:
        yield running
    wait_until_only_the_playground_runs(running.home.root)  # and that has ended


@pytest.fixture
def connection(playground: RunningPlayground) -> Iterator[Connection]:
    """To that playground, with nothing of the lessons in it before and after the test."""
    manifests = resources.folder("manifests")
    with closing(Connection(playground.kubeconfig)) as connection:
        reset_to(connection, "empty", manifests)
        yield connection
        playground.delete_pods_at_once()
        reset_to(connection, "empty", manifests)


@pytest.fixture
def local_ports() -> Iterator[None]:
    """Ports 8888, 9999 and 7777 of this machine, for one worker at a time."""
    with exclusive("local-ports"):
        yield


@pytest.fixture
def restricted_cluster(
    playground: RunningPlayground,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[RestrictedCluster]:
    """That playground as somebody else's cluster, and an environment in which a lab uses it."""
    rules = getattr(request, "param", None)
    with running_restricted_cluster(playground, tmp_path, rules) as cluster:
        for name, value in cluster.environment(tmp_path / "home").items():
            monkeypatch.setenv(name, value)
        yield cluster
    playground.delete_pods_at_once(NAMESPACE)


@pytest.fixture
def times(request: pytest.FixtureRequest) -> int:
    """How often a soak test goes round: `@pytest.mark.soak(few=2, many=100)`."""
    counts = request.node.get_closest_marker("soak").kwargs
    return int(counts["many" if request.config.getoption("soak") else "few"])


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test touches the home, or the Docker, of whoever runs it."""
    monkeypatch.setenv("CANARYLAB_HOME", str(tmp_path_factory.getbasetemp() / "unused-home"))
    monkeypatch.delenv("CANARYLAB_CLUSTER", raising=False)
    monkeypatch.setenv("CANARYLAB_BUILDER", "process")  # tests/docker has an engine of its own
