"""Clients that nobody here wrote do with the playground what they do with a cluster.

Each runs as a program of its own, with its version on the path, and prints what it got; the scripts
are in scripts/, the versions in clients.py.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kubernetes.client import V1Namespace, V1ObjectMeta

from canarylab.release.connection import Connection
from tests.needs import missing
from tests.running_playground import RunningPlayground
from tests.witnesses.clients import CLIENTS, KUBECTLS, Client

LONGEST_S = 200
EXPECTED = {
    "create": "web has 2 replicas",
    "wait": "2 are available",
    "get": "node_app:1.0",
    "list": "2 pods",
    "list in pages": "2 pods",
    "watch": "ADDED MODIFIED DELETED",
    "patch": "strategic merge json",
    "apply": "witness applied it: Apply",
    "scale": "3 are available",
    "logs": "Server started on port 3333",
    "exec": "42",
    "port-forward": '"Version 1.0"',
    "refused": "409 AlreadyExists",
    "delete": "0 pods",
}
OWN_WORDS = {
    "kubectl": {
        "refused": 'Error from server (AlreadyExists): error when creating "STDIN": '
        'deployments.apps "web" already exists',
    },
    "kr8s": {"patch": "merge json"},
    # It shows logs as bytes, on every cluster: kubernetes-client/python#2596.
    "kubernetes-36.0.3": {"logs": "b'Server started on port 3333"},
}
LACKS = {"kr8s": {"list in pages", "apply"}, "lightkube": {"port-forward"}}


def steps() -> Iterator[tuple[Client, str]]:
    """Each client with all that it can do."""
    for client in CLIENTS:
        lacks = LACKS.get(client.name, set())
        yield from ((client, step) for step in EXPECTED if step not in lacks)


@pytest.fixture(scope="module")
def said(playground: RunningPlayground) -> Callable[[Client], dict[str, str]]:
    """What a client printed; it runs once, in a namespace of its own."""

    @functools.cache
    def run(client: Client) -> dict[str, str]:
        namespace = f"witness-{client}".replace(".", "-")
        with closing(Connection(playground.kubeconfig)) as connection:
            body = V1Namespace(metadata=V1ObjectMeta(name=namespace))
            connection.core.create_namespace(body)
            try:
                return printed(client, playground.kubeconfig, namespace)
            finally:
                connection.core.delete_namespace(namespace)

    return run


def printed(client: Client, kubeconfig: Path, namespace: str) -> dict[str, str]:
    """What came of each step; why the script failed, where it did."""
    ran = subprocess.run(
        [sys.executable, str(client.script)],
        env=client.environment(kubeconfig) | {"WITNESS_NAMESPACE": namespace},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(line) for line in ran.stdout.splitlines())


def needed(client: Client) -> pytest.MarkDecorator:
    """Skip with a sentence where the client is not installed, unless it is required."""
    why = missing("kubectls" if client in KUBECTLS else "clients") if not client.is_there else ""
    return pytest.mark.skipif(bool(why), reason=why or "there")


@pytest.mark.parametrize(
    ("client", "step"),
    [pytest.param(*each, id=" ".join(map(str, each)), marks=needed(each[0])) for each in steps()],
)
def test_a_client_gets_what_it_gets_of_a_cluster(
    client: Client, step: str, said: Callable[[Client], dict[str, str]]
) -> None:
    own_words = OWN_WORDS.get(client.name, {}) | OWN_WORDS.get(str(client), {})

    assert said(client).get(step) == own_words.get(step, EXPECTED[step])
