"""Images run in containers of a real engine, answer, and go away again."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from canarylab.errors import ClusterError, PortInUseError, SetupError
from canarylab.images.choose import remove_containers
from canarylab.images.docker import DockerBuilder
from canarylab.images.local_runs import LABEL
from canarylab.playground.home import Home
from canarylab.ports import is_free, unused
from canarylab.traffic.http import get
from tests.docker.conftest import DockerSetup


def test_each_answers_on_its_port_with_its_version_and_its_name(built: DockerSetup) -> None:
    first = built.builder.run("node_app:1.0", port=unused())
    second = built.builder.run("node_app:2.0", port=unused())
    one, two = get(first.url), get(second.url)
    assert (one.body, two.body) == ('"Version 1.0"', '"Version 2.0"')
    assert (one.headers["X-Version"], two.headers["X-Version"]) == ("1.0", "2.0")
    assert one.headers["X-Pod"] == f"local-{first.port}"
    assert two.headers["X-Pod"] == f"local-{second.port}"
    assert built.builder.running() == [first, second]


def test_it_is_reached_on_this_machine_alone(built: DockerSetup) -> None:
    run = built.builder.run("node_app:1.0", port=unused())
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.2", run.port)) != 0


def test_it_runs_as_the_user_node_under_its_own_name(built: DockerSetup) -> None:
    run = built.builder.run("node_app:1.0", port=unused())
    container = built.client.containers.get(f"canarylab-{run.port}")
    assert container.exec_run(["/usr/local/bin/node", "-p", "process.getuid()"]).output == b"1000\n"


def test_running_on_its_port_again_replaces_it(built: DockerSetup) -> None:
    port = unused()
    built.builder.run("node_app:1.0", port=port)
    again = built.builder.run("node_app:2.0", port=port)
    assert get(again.url).headers["X-Version"] == "2.0"
    assert built.containers() == [f"canarylab-{port}"]


def test_stopping_removes_it_and_frees_the_port(built: DockerSetup) -> None:
    builder, port = built.builder, unused()
    builder.run("node_app:1.0", port=port)
    assert builder.stop(port)
    assert not builder.stop(port)
    assert is_free(port)
    assert built.containers() == []


def test_containers_of_an_earlier_kernel_are_found_and_stopped(built: DockerSetup) -> None:
    ports = sorted([unused(), unused()])
    for port in ports:
        built.builder.run("node_app:1.0", port=port)
    later = DockerBuilder(built.home.root)
    assert sorted(later.stop_all()) == ports
    assert built.containers() == []


def test_canarylab_down_removes_containers(built: DockerSetup) -> None:
    run = built.builder.run("node_app:1.0", port=unused())
    assert remove_containers(built.home) == [run.port]
    assert remove_containers(built.home) == []


def test_another_home_s_containers_are_left_alone(built: DockerSetup, tmp_path: Path) -> None:
    run = built.builder.run("node_app:1.0", port=unused())
    other = DockerBuilder(tmp_path / "other")
    assert other.running() == []
    assert other.stop_all() == []
    assert not other.stop(run.port)
    assert get(run.url).status == 200


def test_a_container_that_was_made_and_never_started_is_replaced(built: DockerSetup) -> None:
    port = unused()
    built.client.containers.create(
        "node_app:1.0", name=f"canarylab-{port}", labels={LABEL: str(built.home.root.resolve())}
    )
    assert get(built.builder.run("node_app:2.0", port=port).url).headers["X-Version"] == "2.0"


def test_a_container_of_that_name_that_is_not_ours_is_refused_and_left(built: DockerSetup) -> None:
    port = unused()
    built.client.containers.create("node_app:1.0", name=f"canarylab-{port}")
    with pytest.raises(SetupError, match=f"container canarylab-{port} that this canarylab did not"):
        built.builder.run("node_app:2.0", port=port)
    assert built.containers() == [f"canarylab-{port}"]


def test_somebody_elses_port_is_refused_and_nothing_is_left(built: DockerSetup) -> None:
    refused = pytest.raises(PortInUseError, match=r"is in use by .*pid \d+")
    with socket.create_server(("127.0.0.1", 0)) as busy, refused:
        built.builder.run("node_app:1.0", port=busy.getsockname()[1])
    assert built.containers() == []


def test_a_port_of_another_container_is_refused_with_its_name(built: DockerSetup) -> None:
    port = unused()
    theirs = built.client.containers.create(
        "node_app:1.0", name="theirs", ports={"3333/tcp": ("127.0.0.1", port)}
    )
    theirs.start()
    with pytest.raises(PortInUseError, match="in use by the container theirs"):
        built.builder.run("node_app:2.0", port=port)
    assert built.containers() == ["theirs"]


def test_an_image_that_is_not_built_is_refused_with_a_remedy(docker: DockerSetup) -> None:
    with pytest.raises(SetupError, match=r"no image node_app:4\.0 yet. `lab\.build"):
        docker.builder.run("node_app:4.0", port=unused())


def test_an_image_that_ends_at_once_is_reported_with_its_last_lines(docker: DockerSetup) -> None:
    script = "console.log('no luck'); process.exit(3)"
    docker.dockerfile("EXPOSE 3333", f'CMD ["node", "-e", "{script}"]')
    docker.build("6.0")
    with pytest.raises(
        ClusterError, match=r"exit status 3 before it answered\. Its last lines: no luck"
    ):
        docker.builder.run("node_app:6.0", port=unused())
    assert docker.containers() == []


def test_an_image_that_cannot_start_is_reported_with_the_engine_s_message(
    docker: DockerSetup,
) -> None:
    docker.dockerfile("EXPOSE 3333", 'CMD ["nothing-of-that-name"]')
    docker.build("6.1")
    with pytest.raises(ClusterError, match="nothing-of-that-name"):
        docker.builder.run("node_app:6.1", port=unused())
    assert docker.containers() == []


def test_an_image_that_never_answers_is_reported_and_removed(
    docker: DockerSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("canarylab.images.local_runs.START_TIMEOUT_S", 0.5)
    docker.dockerfile("EXPOSE 3333", 'CMD ["node", "-e", "setInterval(() => {}, 1000)"]')
    docker.build("6.2")
    with pytest.raises(ClusterError, match="runs but does not answer"):
        docker.builder.run("node_app:6.2", port=unused())
    assert docker.containers() == []


def test_an_image_that_names_no_port_is_refused(docker: DockerSetup) -> None:
    docker.dockerfile('CMD ["node"]')
    docker.build("6.3")
    with pytest.raises(SetupError, match=r"node_app:6\.3 does not say on which port it listens"):
        docker.builder.run("node_app:6.3", port=unused())


def test_canarylab_down_needs_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert remove_containers(Home.of_user()) == []
