"""The daemon is started, found, raced for, killed and ended as a user would."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
import yaml

from canarylab import resources
from canarylab.errors import SetupError, TimedOutError
from canarylab.manifests import PRODUCTION, load
from canarylab.playground import daemon_control
from canarylab.playground.address_range import RESERVATION_PORT, LoopbackRange
from canarylab.playground.home import Home
from canarylab.playground.node.reaper import processes_of
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.rollout import wait_until_rolled_out
from tests.built_images import built
from tests.needs import needs
from tests.waiting import until

pytestmark = needs("linux")


def roll_out_two_pods(home: Home) -> None:
    (production,) = load(resources.folder("manifests") / "02-production" / "production.yaml")
    with closing(Connection(home.kubeconfig)) as connection:
        apply(connection, [{**production, "spec": {**production["spec"], "replicas": 2}}])
        wait_until_rolled_out(connection, PRODUCTION)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    daemon_control.down(home)


def test_a_second_up_finds_the_running_one(home: Home) -> None:
    assert daemon_control.up(home) == daemon_control.up(home)


def test_only_its_owner_may_read_the_kubeconfig(home: Home) -> None:
    daemon_control.up(home)
    assert stat.S_IMODE(home.kubeconfig.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "left", [None, "", "{clusters: null, contexts: null, current-context: ''}"]
)
def test_a_kubeconfig_that_is_gone_is_written_again(home: Home, left: str | None) -> None:
    daemon_control.up(home)
    known = home.kubeconfig.read_bytes()
    home.kubeconfig.unlink()
    if left is not None:
        home.kubeconfig.write_text(left)

    assert daemon_control.kubeconfig(home).read_bytes() == known


def test_without_the_credentials_no_kubeconfig_can_be_written(home: Home) -> None:
    daemon_control.up(home)
    home.kubeconfig.unlink()
    home.credentials.unlink()

    with pytest.raises(SetupError, match=r"and its kubeconfig and .* are gone\. End it with"):
        daemon_control.kubeconfig(home)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "- a list",
        "just words",
        "clusters: [1]",
        "clusters: [{name: work, cluster: {server: 'https://127.0.0.1:6443'}}]",
        "clusters: [{name: playground, cluster: {server: 'https://work.example'}}]",
        "users: [{name: work}]",
    ],
)
def test_a_file_of_someone_else_s_is_not_replaced(home: Home, text: str) -> None:
    home.root.mkdir()
    home.kubeconfig.write_text(text)

    for use in (daemon_control.up, daemon_control.kubeconfig):
        with pytest.raises(SetupError) as refused:
            use(home)
        assert str(refused.value) == (
            f"{home.kubeconfig} is the playground's kubeconfig, and what is there now is not of "
            "its making. Move that to another place, such as ~/.kube/config, and try again."
        )
    assert home.kubeconfig.read_text() == text
    assert daemon_control.status(home) is None


def test_a_context_that_was_added_to_the_kubeconfig_is_not_lost(home: Home) -> None:
    daemon_control.up(home)
    daemon_control.down(home)
    document = yaml.safe_load(home.kubeconfig.read_text())
    document["contexts"][0]["context"]["namespace"] = "lessons"
    document["contexts"].append({"name": "web", "context": {"cluster": "playground"}})
    home.kubeconfig.write_text(yaml.safe_dump({**document, "users": None}))

    daemon_control.up(home)

    assert yaml.safe_load(home.kubeconfig.read_text()) == document


def test_up_after_down_keeps_the_api_port(home: Home) -> None:
    first = daemon_control.up(home)
    assert daemon_control.down(home)
    assert daemon_control.status(home) is None
    assert daemon_control.up(home).api_port == first.api_port


def test_down_says_when_there_was_nothing_to_end(home: Home) -> None:
    assert not daemon_control.down(home)


def test_it_outlives_whoever_started_it(home: Home) -> None:
    program = (
        "from canarylab.playground import daemon_control, home;"
        "daemon_control.up(home.Home.of_user())"
    )
    environment = {**os.environ, "CANARYLAB_HOME": str(home.root)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    running = daemon_control.status(home)
    assert running is not None
    assert os.getsid(running.pid) != os.getsid(0)


def test_two_that_start_at_once_get_the_same_one(home: Home) -> None:
    home.prepare()
    program = (
        "from canarylab.playground import daemon_control, home;"
        "print(daemon_control.up(home.Home.of_user()).pid)"
    )
    environment = {**os.environ, "CANARYLAB_HOME": str(home.root)}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    told = {racer.communicate()[0].strip() for racer in racers}
    assert told == {str(daemon_control.holder_of_lock(home))}


async def test_killed_it_leaves_no_pod_process_and_the_next_up_works(home: Home) -> None:
    home.prepare()
    built(home.images)
    first = daemon_control.up(home)
    roll_out_two_pods(home)
    mark = (home.playground / "run-ids").read_text().strip()
    assert len(processes_of(mark)) == 2
    os.kill(first.pid, signal.SIGKILL)
    await until(lambda: not processes_of(mark))
    assert daemon_control.status(home) is None
    assert daemon_control.up(home).pid != first.pid


async def kill(home: Home) -> None:
    running = daemon_control.status(home)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    await until(lambda: daemon_control.holder_of_lock(home) is None)


async def test_killed_it_comes_back_with_everything_that_clients_know(home: Home) -> None:
    first, known = daemon_control.up(home), home.kubeconfig.read_bytes()
    with closing(Connection(home.kubeconfig)) as connection:
        core = connection.core
        core.create_namespaced_config_map("default", {"metadata": {"name": "kept"}})
        await kill(home)
        second = daemon_control.up(home)
        assert core.read_namespaced_config_map("kept", "default").metadata.name == "kept"
    assert (second.api_port, second.node) == (first.api_port, first.node)
    assert second.ingress_url == first.ingress_url
    assert home.kubeconfig.read_bytes() == known


async def test_a_watch_of_the_time_before_gets_410(home: Home) -> None:
    daemon_control.up(home)
    with closing(Connection(home.kubeconfig)) as connection:
        version = connection.core.list_namespaced_config_map("default").metadata.resource_version
        await kill(home)
        daemon_control.up(home)
        watch = connection.core.list_namespaced_config_map(
            "default", watch=True, resource_version=version, _preload_content=False
        )
        assert b'"code":410' in watch.read()


async def test_killed_its_pods_are_started_again(home: Home) -> None:
    home.prepare()
    built(home.images)
    daemon_control.up(home)
    roll_out_two_pods(home)
    await kill(home)
    daemon_control.up(home)
    with closing(Connection(home.kubeconfig)) as connection:

        def restarts_of_ready_pods() -> list[int]:
            pods = connection.core.list_namespaced_pod("default").items
            statuses = [pod.status.container_statuses[0] for pod in pods]
            return [each.restart_count for each in statuses if each.ready]

        await until(lambda: restarts_of_ready_pods() == [1, 1])


async def test_files_of_pods_that_are_gone_are_removed(home: Home) -> None:
    daemon_control.up(home)
    daemon_control.down(home)
    gone = home.pods / "00000000-0000-0000-0000-000000000000"
    gone.mkdir(parents=True)
    daemon_control.up(home)
    await until(lambda: not gone.exists())


def test_what_was_forgotten_does_not_come_back(home: Home) -> None:
    daemon_control.up(home)
    known = home.kubeconfig.read_bytes()
    with closing(Connection(home.kubeconfig)) as connection:
        core = connection.core
        core.create_namespaced_service(
            "default", {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
        )
        daemon_control.down(home)
        assert daemon_control.up(home).restored == {"services": 1}
        daemon_control.down(home)
        daemon_control.forget(home)
        assert daemon_control.up(home).restored == {}
    assert home.kubeconfig.read_bytes() == known


def test_another_range_of_addresses_moves_the_services(home: Home) -> None:
    first = daemon_control.up(home)
    daemon_control.down(home)
    with socket.create_server((first.node, RESERVATION_PORT)):
        second = daemon_control.up(home)
    assert second.node != first.node
    with closing(Connection(home.kubeconfig)) as connection:
        service = connection.core.read_namespaced_service("kubernetes", "default")
    assert service.spec.cluster_ip == str(LoopbackRange.of_node(second.node).services[1])


def test_a_port_that_was_taken_meanwhile_is_replaced(home: Home) -> None:
    first = daemon_control.up(home)
    daemon_control.down(home)
    with socket.create_server(("127.0.0.1", first.api_port)):
        second = daemon_control.up(home)
    assert (second.api_port != first.api_port, second.api_port_before) == (True, first.api_port)


def test_a_damaged_file_is_named_and_can_be_forgotten(home: Home) -> None:
    home.prepare()
    home.objects.write_bytes(b"this is no database, and long enough to be read as one")
    with pytest.raises(SetupError, match=rf"{home.objects} cannot be used: .*down --forget"):
        daemon_control.up(home)
    daemon_control.forget(home)
    daemon_control.up(home)


def test_a_stopped_daemon_is_found_out_and_ended(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_control, "ANSWER_TIMEOUT_S", 0.2)
    os.kill(daemon_control.up(home).pid, signal.SIGSTOP)
    with pytest.raises(SetupError, match=r"does not answer within .*canarylab down"):
        daemon_control.up(home)
    assert daemon_control.down(home)


async def test_a_stuck_daemon_is_killed_with_its_pods(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_control, "STOP_TIMEOUT_S", 0.0)  # it is not given time to end
    home.prepare()
    built(home.images)
    daemon_control.up(home)
    roll_out_two_pods(home)
    mark = home.run_ids.read_text().strip()
    with suppress(TimedOutError):
        daemon_control.down(home)
    await until(lambda: daemon_control.holder_of_lock(home) is None)
    await until(lambda: not processes_of(mark))


async def test_it_ends_when_its_home_is_removed(home: Home) -> None:
    family = psutil.Process(daemon_control.up(home).pid)
    everybody = [family, *family.children(recursive=True)]
    shutil.rmtree(home.root)
    await until(lambda: not any(each.is_running() for each in everybody))


async def test_down_takes_its_pods_and_helpers_with_it(home: Home) -> None:
    home.prepare()
    built(home.images)
    running = daemon_control.up(home)
    family = psutil.Process(running.pid)
    roll_out_two_pods(home)
    below = family.children(recursive=True)
    assert len(below) >= 3  # two pods and the guard
    daemon_control.down(home)
    await until(lambda: not any(each.is_running() for each in below))


def test_an_api_port_in_use_is_refused_with_its_holder(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(SetupError, match=rf"Port {port} .*pid {os.getpid()}"):
            daemon_control.up(home, api_port=port)
    assert daemon_control.holder_of_lock(home) is None


def test_another_api_port_than_the_running_one_is_refused(home: Home) -> None:
    running = daemon_control.up(home)
    with pytest.raises(SetupError, match=f"runs already, on API port {running.api_port}"):
        daemon_control.up(home, api_port=running.api_port + 1)


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"cannot write to .*CANARYLAB_HOME"):
        daemon_control.up(Home(tmp_path / "file" / "home"))


def test_a_daemon_that_dies_at_once_is_explained_by_its_log(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(home.root / "broken"))
    home.prepare()
    broken = home.root / "broken" / "canarylab"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('this install is broken')")
    with pytest.raises(SetupError, match="this install is broken"):
        daemon_control.up(home)
