"""`kubectl apply` of an Ingress, and `curl` through it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.needs import needs
from tests.running_playground import RunningPlayground

SPACE = "ingress-by-kubectl"
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: node_app:1.0
        env: [{name: DRAIN_S, value: "0"}]
        readinessProbe: {httpGet: {path: /readyz, port: 3333}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 3333}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}
spec:
  ingressClassName: nginx
  rules:
  - host: foo.bar.com
    http:
      paths:
      - {path: /shop, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
"""

Kubectl = Callable[..., str]


@pytest.fixture
def kubectl(playground: RunningPlayground) -> Iterator[Kubectl]:
    """Runs it in a namespace of the test's own, with the manifest applied and rolled out."""

    def run(*words: str, given: str | None = None) -> str:
        command = ["kubectl", "--namespace", SPACE, *words]
        return subprocess.run(
            command,
            input=given,
            env=playground.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    run("create", "namespace", SPACE)
    run("apply", "-f", "-", given=MANIFEST)
    run("rollout", "status", "deployment/web", "--timeout=60s")
    run("wait", "ingress/web", "--for=jsonpath={.status.loadBalancer.ingress}", "--timeout=30s")
    yield run
    run("delete", "namespace", SPACE)


@pytest.fixture
def url(playground: RunningPlayground) -> str:
    """Of the ingress."""
    return playground.running.ingress_url


def curl(*words: str) -> str:
    """What it prints; a pod that is ready since a moment ago is asked again."""
    command = ["curl", "--silent", "--retry", "20", "--retry-delay", "1", "--fail", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@needs("kubectl")
def test_curl_gets_an_answer_with_the_path_rewritten(kubectl: Kubectl, url: str) -> None:
    kubectl("get", "ingress", "web")
    assert json.loads(curl("-H", "Host: foo.bar.com", f"{url}/shop/anything")) == "Version 1.0"


@needs("kubectl")
def test_get_shows_where_it_answers(playground: RunningPlayground, kubectl: Kubectl) -> None:
    header, row = kubectl("get", "ingress").splitlines()
    assert header.split() == ["NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"]
    assert row.split()[:5] == ["web", "nginx", "foo.bar.com", playground.running.ingress_host, "80"]


@needs("kubectl")
def test_describe_shows_what_is_wrong(kubectl: Kubectl) -> None:
    """Its name comes first: of two of the same second, the last name counts as the older one."""
    kubectl("create", "ingress", "a-younger", "--class=nginx", "--rule=foo.bar.com/shop*=web:80")
    kubectl("wait", "ingress/a-younger", "--for=jsonpath={.status.loadBalancer.ingress}")
    kubectl("wait", "event", "--field-selector=reason=AlreadyClaimed", "--for=jsonpath={.count}=1")
    assert "The older Ingress" in kubectl("describe", "ingress", "a-younger")
