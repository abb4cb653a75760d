"""Commands inside a pod, as `kubectl exec` runs them, and requests from inside the cluster.

Not every user of a shared cluster may run commands in pods, but most may create a Deployment and
read a log. So where exec is forbidden, a helper pod sends the request. It runs the image of a pod
that is there already, so nothing has to be pulled; no Service of the lessons selects its labels.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any, NamedTuple

from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from canarylab.errors import ApiRefusedError, ClusterError, TimedOutError
from canarylab.release.connection import Connection, Object, explain_api_errors
from canarylab.runtime import wait_until

FETCH = (
    "fetch(process.argv[1]).then(a => a.text())"
    ".then(console.log, e => console.log(String(e.cause ?? e)))"
)
"""For Node, which every app image has; curl is not there."""
HELPER = "nodeapp-helper"
_LABELS = {"app": HELPER}
_SELECTOR = f"app={HELPER}"
_DONE = "canarylab: done"
_REMEDY = "Look with `kubectl get pods`."
_BAD_REQUEST = 400  # the log of a container that is not created yet


class ExecResult(NamedTuple):
    """The output of a command, and its exit code."""

    output: str
    exit_code: int
    notes: tuple[str, ...] = ()


def run_in_pod(
    connection: Connection, pod: str, command: list[str], *, timeout_s: float = 20.0
) -> ExecResult:
    """Run a command to its end; stdout and stderr are one text."""
    remedy = "`kubectl get pods` lists the pods there are."
    with explain_api_errors(f"a command inside pod {pod}", remedy=remedy):
        connection.require_answer()  # a WebSocket of this client has no time limit
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
        return ExecResult(output=session.read_all(), exit_code=exit_code)


def get_from_pod(connection: Connection, pod: str, url: str) -> ExecResult:
    """Send a request from inside a pod; from a helper pod where exec is forbidden."""
    return run_program(connection, pod, FETCH, url)


def run_program(connection: Connection, pod: str, program: str, argument: str) -> ExecResult:
    """Run a JavaScript expression, a promise, in a pod; in a helper pod where exec is forbidden."""
    try:
        return run_in_pod(connection, pod, ["node", "-e", program, argument])
    except ApiRefusedError as exc:
        if "(Forbidden)" not in exc.reply:
            raise
    note = f"You may not run commands in {pod} here, so a helper pod sent the request."
    return ExecResult(run_in_helper_pod(connection, pod, program, argument), 0, (note,))


def run_in_helper_pod(
    connection: Connection, like: str, program: str, argument: str, *, timeout_s: float = 60.0
) -> str:
    """Run a JavaScript expression in a new pod with the image of the pod `like`; its output."""
    delete_helper_pod(connection)
    with explain_api_errors(f'pod "{like}"', remedy=_REMEDY):
        pod = connection.core.read_namespaced_pod(like, connection.namespace)
    wanted = helper_deployment(pod.spec.containers[0].image, program, argument)
    try:
        with explain_api_errors(f'Deployment "{HELPER}"', remedy=_REMEDY):
            connection.apps.create_namespaced_deployment(connection.namespace, wanted)
        return _wait_for_output(connection, timeout_s)
    finally:
        delete_helper_pod(connection)


def helper_deployment(image: str, program: str, argument: str) -> Object:
    """A Deployment of one pod that runs the program, prints that it is done, and then idles.

    A container that ends would be started again, and would print everything twice.
    """
    body = f"({program}).finally(() => {{ console.log('{_DONE}'); setInterval(() => 0, 1e6) }})"
    container = {"name": "helper", "image": image, "command": ["node", "-e", body, argument]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    template = {"metadata": {"labels": _LABELS}, "spec": spec}
    return {
        "metadata": {"name": HELPER, "labels": _LABELS},
        "spec": {"selector": {"matchLabels": _LABELS}, "template": template},
    }


def delete_helper_pod(connection: Connection) -> None:
    """Delete the helper Deployment, also one that an interrupted run has left."""
    namespace = connection.namespace
    with explain_api_errors("cleaning up", remedy="Look with `kubectl get deployments`."):
        found = connection.apps.list_namespaced_deployment(namespace, label_selector=_SELECTOR)
        for each in found.items:
            connection.apps.delete_namespaced_deployment(each.metadata.name, namespace)


def _wait_for_output(connection: Connection, timeout_s: float) -> str:
    log = wait_until(
        lambda: text if f"{_DONE}\n" in (text := _helper_log(connection)) else None,
        timeout_s=timeout_s,
        pause_s=0.1,
    )
    if log is None:
        raise TimedOutError(
            f"The pod of {HELPER} printed nothing within {timeout_s:.0f} s. "
            "`kubectl describe pod` says what it waits for."
        )
    return log.partition(f"{_DONE}\n")[0]


def _helper_log(connection: Connection) -> str:
    """The output so far; nothing where there is no container yet."""
    pods = _running_helper_pods(connection)
    if not pods:
        return ""
    with explain_api_errors("the log of a pod", remedy=_REMEDY):
        try:
            log = connection.core.read_namespaced_pod_log(pods[0], connection.namespace)
        except ApiException as exc:
            if exc.status != _BAD_REQUEST:
                raise
            return ""
    return str(log)


def _running_helper_pods(connection: Connection) -> list[str]:
    with explain_api_errors("the pods", remedy=_REMEDY):
        pods: Any = connection.core.list_namespaced_pod(
            connection.namespace, label_selector=_SELECTOR
        )
    return [pod.metadata.name for pod in pods.items if not pod.metadata.deletion_timestamp]
