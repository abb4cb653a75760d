"""Whatever is asked for in whatever order, and whatever dies: the cluster settles to it."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from kubernetes.client.exceptions import NotFoundException

from canarylab.kube_objects import is_ready
from canarylab.playground import daemon_control
from canarylab.release.connection import Connection
from canarylab.runtime import wait_until
from tests.needs import needs
from tests.properties import MANY, settings_on_a_cluster
from tests.running_playground import RunningPlayground, running_playground

pytestmark = [needs("linux"), pytest.mark.slow]
SETTLED_S = 60.0
names = st.sampled_from(["a", "b"])
sizes = st.integers(0, 3)
images = st.sampled_from(["node_app:1.0", "node_app:2.0"])


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlayground]:
    """Its daemon may be killed."""
    with running_playground(tmp_path_factory.mktemp("home")) as running:
        yield running


class Requests(RuleBasedStateMachine):
    """Requests in random order, and what was asked for last."""

    def __init__(self, playground: RunningPlayground) -> None:
        super().__init__()
        self.playground = playground
        self.wanted: dict[str, tuple[int, str]] = {}

    @initialize(name=names, size=sizes, image=images)
    def begin(self, name: str, size: int, image: str) -> None:
        self.create(name, size, image)

    @rule(name=names, size=sizes, image=images)
    def create(self, name: str, size: int, image: str) -> None:
        if name in self.wanted:
            return
        with self.connected() as connection:
            connection.apps.create_namespaced_deployment("default", deployment(name, size, image))
        self.wanted[name] = size, image

    @rule(name=names, size=sizes)
    def scale(self, name: str, size: int) -> None:
        if name not in self.wanted:
            return
        with self.connected() as connection:
            connection.apps.patch_namespaced_deployment_scale(
                name, "default", {"spec": {"replicas": size}}
            )
        self.wanted[name] = size, self.wanted[name][1]

    @rule(name=names, image=images)
    def patch(self, name: str, image: str) -> None:
        if name not in self.wanted:
            return
        containers = {"containers": [{"name": "app", "image": image}]}
        with self.connected() as connection:
            connection.apps.patch_namespaced_deployment(
                name, "default", {"spec": {"template": {"spec": containers}}}
            )
        self.wanted[name] = self.wanted[name][0], image

    @rule(name=names)
    def delete(self, name: str) -> None:
        if self.wanted.pop(name, None) is None:
            return
        with self.connected() as connection:
            connection.apps.delete_namespaced_deployment(name, "default")

    @rule(which=st.integers(0, 20), grace_s=st.sampled_from([0, 1]))
    def delete_a_pod(self, which: int, grace_s: int) -> None:
        with self.connected() as connection:
            pods = connection.core.list_namespaced_pod("default").items
            if pods:
                name = sorted(pod.metadata.name for pod in pods)[which % len(pods)]
                with suppress(NotFoundException):  # it may have ended meanwhile
                    connection.core.delete_namespaced_pod(
                        name, "default", grace_period_seconds=grace_s
                    )

    @precondition(lambda self: self.wanted)
    @rule()
    def kill_the_daemon(self) -> None:
        pid = self.playground.running.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: daemon_control.status(self.playground.home) is None, timeout_s=SETTLED_S)
        daemon_control.up(self.playground.home)

    def teardown(self) -> None:
        try:
            wait_until(lambda: self.found() == self.expected(), timeout_s=SETTLED_S)
            assert self.found() == self.expected()
        finally:
            for name in list(self.wanted):
                self.delete(name)
            wait_until(lambda: not self.found(), timeout_s=SETTLED_S)

    def expected(self) -> Counter[tuple[str, str, bool]]:
        return Counter({(name, image, True): size for name, (size, image) in self.wanted.items()})

    def found(self) -> Counter[tuple[str, str, bool]]:
        """Pods by the Deployment and the image that they belong to, and whether they are ready."""
        with self.connected() as connection:
            pods = connection.plain(connection.core.list_namespaced_pod("default").items)
        return Counter(
            (pod["metadata"]["labels"]["app"], pod["spec"]["containers"][0]["image"], is_ready(pod))
            for pod in pods
        )

    def connected(self) -> closing[Connection]:
        return closing(Connection(self.playground.kubeconfig))


def deployment(name: str, size: int, image: str) -> dict[str, object]:
    labels = {"app": name}
    containers = [{"name": "app", "image": image}]
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": size,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": containers, "terminationGracePeriodSeconds": 1},
            },
        },
    }


@pytest.mark.soak(few=3, many=3 * MANY)
def test_it_settles_to_what_was_asked_for(own: RunningPlayground) -> None:
    chosen = settings_on_a_cluster(3, steps=8)
    run_state_machine_as_test(lambda: Requests(own), settings=chosen)  # type: ignore[arg-type]
