"""Run a command inside a pod, as `kubectl exec` does.

A guest of a shared cluster often may not. What is asked from inside is then asked by a pod of its
own (`errand.py`), which anyone who may make Deployments can start.
"""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from kubernetes.stream import stream

from canarylab.errors import ClusterError, RefusedError
from canarylab.release.connection import Connection, refusals
from canarylab.release.errand import run_errand

FETCH = (
    "fetch(process.argv[1]).then(a => a.text())"
    ".then(console.log, e => console.log(String(e.cause ?? e)))"
)
"""For Node, which is in every app image; curl is not."""


class Said(NamedTuple):
    """What a command printed, and how it ended."""

    output: str
    exit_code: int
    notes: tuple[str, ...] = ()


def run_in(
    connection: Connection, pod: str, command: list[str], *, timeout_s: float = 20.0
) -> Said:
    """Run to the end; stdout and stderr in one text."""
    remedy = "`kubectl get pods` lists the pods there are."
    with refusals(f"a command inside pod {pod}", remedy=remedy):
        session = stream(
            connection.core.connect_get_namespaced_pod_exec,
            pod,
            connection.namespace,
            command=command,
            stdout=True,
            stderr=True,
            stdin=False,
            tty=False,
            _preload_content=False,
        )
    with closing(session):
        session.run_forever(timeout=timeout_s)
        if session.is_open():
            raise ClusterError(
                f"`{' '.join(command)}` inside {pod} did not end within {timeout_s:.0f} s. "
                "Give it more time, or a command that ends."
            )
        exit_code = session.returncode or 0  # before read_all, which forgets it
        return Said(output=session.read_all(), exit_code=exit_code)


def fetch_from(connection: Connection, pod: str, url: str) -> Said:
    """Ask a URL from inside a pod, or from one beside it where we may not step into this one."""
    try:
        return run_in(connection, pod, ["node", "-e", FETCH, url])
    except RefusedError as exc:
        if "(Forbidden)" not in exc.reply:
            raise
    note = f"You may not run commands in {pod} here, so a pod of its own has asked."
    return Said(run_errand(connection, pod, FETCH, url), 0, (note,))
