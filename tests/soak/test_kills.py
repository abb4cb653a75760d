"""A playground that is killed at any moment leaves no process, and starts again."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

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
