"""`kubectl apply` of a Gateway and an HTTPRoute, and `curl` through them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.needs import needs
from tests.running_playground import RunningPlayground

SPACE = "gateway-by-kubectl"
APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: app
        image: node_app:{version}
        env: [{{name: DRAIN_S, value: "0"}}]
        readinessProbe: {{httpGet: {{path: /readyz, port: 3333}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app: {name}}}
  ports: [{{port: 80, targetPort: 3333}}]
---
"""
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: canarylab
  listeners: [{name: http, protocol: HTTP, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: web}]
  hostnames: [gateway.test]
  rules:
  - matches: [{headers: [{name: X-Canary, value: always}]}]
    backendRefs: [{name: canary, port: 80}]
  - matches: [{path: {type: PathPrefix, value: /canary}}]
    filters:
    - type: URLRewrite
      urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}
    backendRefs: [{name: canary, port: 80}]
  - backendRefs: [{name: prod, port: 80, weight: 50}, {name: canary, port: 80, weight: 50}]
"""
MANIFEST = (
    APP.format(name="prod", version="1.0") + APP.format(name="canary", version="2.0") + GATEWAY
)

Kubectl = Callable[..., str]
pytestmark = needs("kubectl")


@pytest.fixture(scope="module")
def kubectl(playground: RunningPlayground) -> Iterator[Kubectl]:
    """Runs it in a namespace of the tests' own, with the manifest applied and served."""

    def run(*words: str, given: str | None = None) -> str:
        return subprocess.run(
            ["kubectl", "--namespace", SPACE, *words],
            input=given,
            env=playground.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    run("create", "namespace", SPACE)
    run("apply", "-f", "-", given=MANIFEST)
    for name in ("prod", "canary"):
        run("rollout", "status", f"deployment/{name}", "--timeout=60s")
    run("wait", "gateway/web", "--for=condition=Programmed", "--timeout=30s")
    yield run
    run("delete", "namespace", SPACE)


@pytest.fixture
def curl(playground: RunningPlayground, kubectl: Kubectl) -> Callable[..., str]:
    """Asks the Gateway."""
    kubectl("get", "httproute", "web")
    url = playground.running.ingress_url

    def ask(path: str, *words: str) -> str:
        asking = ["curl", "-s", "--fail", "--retry", "20", "--retry-delay", "1"]
        command = [*asking, "-H", "Host: gateway.test", *words, f"{url}{path}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return ask


def test_weights_send_requests_to_both(curl: Callable[..., str]) -> None:
    """Not one of forty of the other kind: once in 10 to the power of 12."""
    assert {curl("/") for _ in range(40)} == {'"Version 1.0"', '"Version 2.0"'}


def test_a_header_sends_a_tester_to_the_canary(curl: Callable[..., str]) -> None:
    assert {curl("/", "-H", "X-Canary: always") for _ in range(10)} == {'"Version 2.0"'}


def test_a_preview_path_is_taken_off(curl: Callable[..., str]) -> None:
    assert curl("/canary") == '"Version 2.0"'
    assert curl("/canary/healthz") == '"alive"'


def test_get_shows_what_a_real_cluster_shows(
    playground: RunningPlayground, kubectl: Kubectl
) -> None:
    header, row = kubectl("get", "gateway").splitlines()
    assert header.split() == ["NAME", "CLASS", "ADDRESS", "PROGRAMMED", "AGE"]
    assert row.split()[:4] == ["web", "canarylab", playground.running.ingress_host, "True"]
    accepted = '{.status.parents[0].conditions[?(@.type=="Accepted")].status}'
    assert kubectl("get", "httproute", "web", "-o", f"jsonpath={accepted}") == "True"
