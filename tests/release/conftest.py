"""What tests of a release share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from canarylab import resources
from canarylab.release.connection import Connection
from canarylab.release.stages import reset_to
from tests.running_playground import RunningPlayground


@pytest.fixture(scope="module")
def production(playground: RunningPlayground) -> Iterator[Connection]:
    """Three pods and their Service, for tests that only look at them."""
    manifests = resources.folder("manifests")
    with closing(Connection(playground.kubeconfig)) as connection:
        reset_to(connection, "empty", manifests)
        reset_to(connection, "02-production", manifests)
        yield connection
        playground.delete_pods_at_once()
        reset_to(connection, "empty", manifests)
