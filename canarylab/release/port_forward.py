"""Samples through `kubectl port-forward`, which sends all connections to one pod of a Service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory

from canarylab import external_tools
from canarylab.display import Report
from canarylab.errors import ClusterError
from canarylab.release.connection import Connection, explain_api_errors
from canarylab.release.endpoints import ready_endpoints, service_remedy
from canarylab.release.service_url import measure_service
from canarylab.runtime import wait_until
from canarylab.traffic import Sample, SamplingPlan

START_TIMEOUT_S = 20.0
_FORWARDING = re.compile(r"^Forwarding from (127\.0\.0\.1:\d+) -> ", re.MULTILINE)


def sample_port_forward(
    connection: Connection, service: str, plan: SamplingPlan, report: Report
) -> Sample:
    """Sample a Service through a port-forward of kubectl, which ends with the sample."""
    with port_forward(connection, service) as url:
        return measure_service(connection, service, url, plan, report)


@contextmanager
def port_forward(connection: Connection, service: str) -> Iterator[str]:
    """Run `kubectl port-forward service/SERVICE` in a `with` block; yield its URL.

    Raise ToolMissingError without kubectl, and ClusterError if the Service has no port or no pod is
    ready, or if kubectl refuses, or ends before the block does.
    """
    with explain_api_errors(f'Service "{service}"', remedy=service_remedy(service)):
        found = connection.core.read_namespaced_service(service, connection.namespace)
    if not found.spec.ports:
        raise ClusterError(
            f"Service {service} has no port, so there is none to forward. Look at its `ports` with "
            f"`kubectl get service {service} --output yaml`."
        )
    if not ready_endpoints(connection, service):
        raise ClusterError(
            f"Service {service} has no ready pod, so kubectl has none to choose. Look at them with "
            "`kubectl get pods`."
        )
    options = ["--kubeconfig", str(connection.kubeconfig), "--namespace", connection.namespace]
    if connection.context:
        options += ["--context", connection.context]
    port = found.spec.ports[0].port
    # Before the colon, kubectl chooses a free port of this machine.
    command = ("port-forward", f"service/{service}", f":{port}", "--address", "127.0.0.1")
    with TemporaryDirectory() as folder:
        output = Path(folder, "output")
        with external_tools.running("kubectl", *options, *command, output=output) as kubectl:
            yield f"http://{_forwarded_address(service, output, kubectl)}/"
            if kubectl.poll() is not None:
                raise ClusterError(
                    f"kubectl ended while requests were sent to Service {service}, so the last of "
                    "them reached no pod. Send them again."
                )


def _forwarded_address(service: str, output: Path, kubectl: Popen[bytes]) -> str:
    def is_decided() -> bool:
        return bool(_FORWARDING.search(output.read_text())) or kubectl.poll() is not None

    wait_until(is_decided, timeout_s=START_TIMEOUT_S)
    written = output.read_text()
    if (found := _FORWARDING.search(written)) is None:
        said = written.strip() or f"it said nothing within {START_TIMEOUT_S:.0f} s"
        raise ClusterError(
            f"kubectl does not forward a port to Service {service}: {said.rstrip('.')}. Look with "
            "`kubectl auth can-i create pods/portforward` whether you may."
        )
    return found[1]
