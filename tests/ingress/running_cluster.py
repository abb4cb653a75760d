"""Asks a running cluster the requests of the table: what came, against what must come?

Needs a kubeconfig, the URL of the cluster's ingress, and an image that has Node. Everything it
makes lies in a namespace of its own, which it removes again.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client, config

from canarylab.kube_objects import Object
from tests.ingress.scenarios import Case, Scenario

SPACE = "ingress-table"
IMAGE = "node_app:1.0"
PODS = ("prod", "canary", "other")
MARKER = "marker.test"
SETTLED_TIMEOUT_S, ASK_EVERY_S = 30.0, 0.02
DRAWS = 40
_ECHO = """
require("node:http").createServer((request, response) => {
  response.end(JSON.stringify({ name: process.env.NAME, target: request.url }));
}).listen(3333);
"""


@dataclass(frozen=True)
class Came:
    """An answer."""

    status: int
    backend: str = ""
    target: str = ""


class Live:
    """A cluster and the URL of its ingress."""

    def __init__(self, kubeconfig: str, url: str) -> None:
        connection = config.new_client_from_config(kubeconfig)
        # Any: the client takes plain objects too, which its types do not say.
        self._core: Any = client.CoreV1Api(connection)
        self._networking: Any = client.NetworkingV1Api(connection)
        self._address = urlsplit(url).netloc

    @contextmanager
    def backends(self) -> Iterator[None]:
        """The Services that the table speaks of."""
        self._core.create_namespace({"metadata": {"name": SPACE}})
        try:
            for name in PODS:
                self._core.create_namespaced_pod(SPACE, _pod(name))
            for name in (*PODS, "empty", "marker"):
                self._core.create_namespaced_service(SPACE, _service(name))
            self._wait_for_pods()
            yield
        finally:
            self._core.delete_namespace(SPACE)

    @contextmanager
    def scenario(self, scenario: Scenario) -> Iterator[None]:
        """Its Ingresses, once the ingress has heard of them."""
        for ingress in (*scenario.ingresses, _marker()):
            self._networking.create_namespaced_ingress(SPACE, ingress)
        try:
            self._wait_for_marker(200)
            yield
        finally:
            self._networking.delete_collection_namespaced_ingress(SPACE)
            self._wait_for_marker(404)

    def complaint(self, case: Case) -> str | None:
        """What came instead; a cluster that is still settling is asked again."""
        deadline = time.monotonic() + SETTLED_TIMEOUT_S
        while complaint := self._complaint(case):
            if time.monotonic() > deadline:
                return complaint
            time.sleep(ASK_EVERY_S)
        return None

    def ask(self, case: Case) -> Came:
        """One request, on a connection of its own."""
        connection = http.client.HTTPConnection(self._address, timeout=10)
        try:
            connection.putrequest("GET", case.target, skip_host=True)
            connection.putheader("Host", case.host)
            for name, value in case.headers.items():
                connection.putheader(name, value)
            if case.cookies:
                pairs = (f"{name}={value}" for name, value in case.cookies.items())
                connection.putheader("Cookie", "; ".join(pairs))
            connection.endheaders()
            return _came(connection.getresponse())
        finally:
            connection.close()

    def _complaint(self, case: Case) -> str | None:
        times = DRAWS if len(case.shares) > 1 else 1
        for _ in range(times):
            came = self.ask(case)
            fits = came.status == case.status and (
                came.backend in case.shares and came.target == case.path
                if case.shares
                else not came.backend
            )
            if not fits:
                return f"{case}: {came}, but {dict(case.shares) or case.status} as {case.path}"
        return None

    def _wait_for_marker(self, status: int) -> None:
        case = Case(scenario="", host=MARKER, target="/", source="")
        deadline = time.monotonic() + SETTLED_TIMEOUT_S
        while self.ask(case).status != status:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the ingress at {self._address} does not take in changes")
            time.sleep(ASK_EVERY_S)

    def _wait_for_pods(self) -> None:
        deadline = time.monotonic() + SETTLED_TIMEOUT_S
        while not all(_is_ready(pod) for pod in self._core.list_namespaced_pod(SPACE).items):
            if time.monotonic() > deadline:
                raise TimeoutError("the pods of the table did not become ready")
            time.sleep(ASK_EVERY_S)


def _came(answer: http.client.HTTPResponse) -> Came:
    body = answer.read()
    if answer.status != 200:
        return Came(answer.status)
    said = json.loads(body)
    return Came(200, said["name"], said["target"])


def _is_ready(pod: Any) -> bool:
    conditions = pod.status.conditions or []
    return any(entry.type == "Ready" and entry.status == "True" for entry in conditions)


def _pod(name: str) -> Object:
    container = {
        "name": "echo",
        "image": IMAGE,
        "command": ["node", "-e", _ECHO],
        "env": [{"name": "NAME", "value": name}],
        "readinessProbe": {"httpGet": {"path": "/", "port": 3333}, "periodSeconds": 1},
    }
    # The marker stands before the pod of prod, but is a Service of its own: rules share a canary
    # by their Service.
    labels = {"backend": name} | ({"marker": "yes"} if name == "prod" else {})
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }


def _service(name: str) -> Object:
    selector = {"marker": "yes"} if name == "marker" else {"backend": name}
    ports = [{"port": 80, "targetPort": 3333}]
    return {"metadata": {"name": name}, "spec": {"selector": selector, "ports": ports}}


def _marker() -> Object:
    backend = {"service": {"name": "marker", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {
        "metadata": {"name": "a-marker"},
        "spec": {
            "ingressClassName": "nginx",
            "rules": [{"host": MARKER, "http": {"paths": paths}}],
        },
    }
