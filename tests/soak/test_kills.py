"""A playground that is killed at any moment leaves no process, loses nothing, and starts again."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from urllib3.exceptions import HTTPError

from canarylab import resources
from canarylab.manifests import PRODUCTION, load
from canarylab.playground import daemon_control
from canarylab.playground.home import Home
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.rollout import wait_until_rolled_out
from tests.built_images import built
from tests.needs import needs
from tests.processes import processes_of
from tests.waiting import until

pytestmark = needs("linux")
LATEST_KILL_S = 1.0
"""After the pods were asked for; all of them run by then."""
CLIENTS, NAMES = 4, 20
LONGEST_WRITING_S = 0.5


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    home.prepare()
    built(home.images)
    yield home
    daemon_control.down(home)


@pytest.mark.soak(few=3, many=100)
async def test_it_leaves_no_process_and_starts_again(home: Home, times: int) -> None:
    dice = random.Random(times)
    production = load(resources.folder("manifests") / "02-production" / "production.yaml")
    for _ in range(times):
        daemon = daemon_control.up(home).pid
        with closing(Connection(home.kubeconfig)) as connection:
            apply(connection, production)
        time.sleep(dice.uniform(0, LATEST_KILL_S))  # the kill comes at any moment
        os.kill(daemon, signal.SIGKILL)
        await until(lambda: daemon_control.status(home) is None)
        await until(lambda: processes_of(home.root) == [])

    daemon_control.up(home)
    with closing(Connection(home.kubeconfig)) as connection:
        apply(connection, production)
        wait_until_rolled_out(connection, PRODUCTION)


@dataclass
class Client:
    """Writes ConfigMaps of its own, and notes what the server has acknowledged."""

    connection: Connection
    number: int
    dice: random.Random
    acknowledged: dict[str, str | None] = field(default_factory=dict)
    """The value of each ConfigMap; None for a deleted one."""
    unknown: dict[str, str | None] = field(default_factory=dict)
    """The write that the kill interrupted: it is stored or not."""
    versions: list[int] = field(default_factory=list)

    def write_until_killed(self) -> None:
        """Write until the server does not answer."""
        while not self.unknown:
            name = f"client-{self.number}-{self.dice.randrange(NAMES)}"
            value = None if self.dice.random() < 0.2 else str(self.dice.random())
            try:
                self._write(name, value)
            except HTTPError:
                self.unknown[name] = value

    def _write(self, name: str, value: str | None) -> None:
        core, exists = self.connection.core, self.acknowledged.get(name) is not None
        body = {"metadata": {"name": name}, "data": {"value": value}}
        if value is None and exists:
            core.delete_namespaced_config_map(name, "default")
        elif value is not None:
            written = (
                core.replace_namespaced_config_map(name, "default", body)
                if exists
                else core.create_namespaced_config_map("default", body)
            )
            self.versions.append(int(written.metadata.resource_version))
        else:
            return
        self.acknowledged[name] = value

    def check(self) -> None:
        """Everything acknowledged is there; what was interrupted may be."""
        found = self.connection.core.list_namespaced_config_map("default")
        values = {each.metadata.name: each.data.get("value") for each in found.items}
        for name, value in self.acknowledged.items():
            possible = {value, self.unknown.get(name, value)}
            assert values.get(name) in possible, name
        self.acknowledged |= {name: values.get(name) for name in self.unknown}
        self.unknown.clear()
        self.versions.append(int(found.metadata.resource_version))
        assert self.versions == sorted(set(self.versions))


@pytest.mark.soak(few=20, many=100)
async def test_nothing_acknowledged_is_lost(home: Home, times: int) -> None:
    dice = random.Random(times)
    daemon = daemon_control.up(home)
    clients = [
        Client(Connection(home.kubeconfig), number, random.Random(number))
        for number in range(CLIENTS)
    ]
    for _ in range(times):
        threads = [threading.Thread(target=client.write_until_killed) for client in clients]
        for thread in threads:
            thread.start()
        time.sleep(dice.uniform(0, LONGEST_WRITING_S))  # the kill comes at any moment
        os.kill(daemon.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        await until(lambda: daemon_control.status(home) is None)
        daemon = daemon_control.up(home)
        for client in clients:
            client.check()
    for client in clients:
        client.connection.close()
