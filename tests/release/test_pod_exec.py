"""Commands inside pods."""

from __future__ import annotations

import pytest

from canarylab.errors import ClusterError
from canarylab.release.connection import Connection
from canarylab.release.endpoints import ready_endpoints
from canarylab.release.pod_exec import run_in_pod
from tests.needs import needs

pytestmark = needs("linux")


def test_a_command_inside_a_pod_gives_its_output_and_its_exit_code(production: Connection) -> None:
    pod = ready_endpoints(production, "nodeapp-svc")[0].pod
    program = "console.log(require('os').hostname()); process.exit(3)"
    assert run_in_pod(production, pod, ["node", "-e", program]) == (f"{pod}\n", 3, ())


def test_a_command_inside_a_pod_that_is_not_there_is_refused(production: Connection) -> None:
    with pytest.raises(ClusterError):
        run_in_pod(production, "nobody", ["true"])
