"""Faults of running pods: the share of a pod's answers that fail or are slow.

The app sets them at its path /faults, where FAULTS=allowed is set (docs/app.md), and only for
requests to the pod's own address. That address is reached from inside the cluster: by exec in one
of the pods, or from a helper pod where exec is forbidden. The API server's proxy is no way: it adds
the header fields of a proxy, and the app refuses these.

All pods are read before one is changed, so that a refusal leaves all of them as they were. Limits
are checked by the app alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import NamedTuple

from canarylab.display import Table
from canarylab.errors import ApiRefusedError, ClusterError
from canarylab.kube_objects import Object, controller_of, is_terminating
from canarylab.release.connection import Connection, explain_api_errors
from canarylab.release.pod_exec import run_program
from canarylab.release.rollout import pods_of, read_deployment
from canarylab.stats.arguments import is_number, shown
from canarylab.text import count_noun

FAULTS = ("error_rate", "latency_ms", "latency_jitter_ms", "latency_share")
PORT = 3333
"""The app's port, if the pod names none."""
_PROGRAM = """
(async ({ urls, changes }) => {
  const send = (options) => Promise.all(urls.map((url) =>
    fetch(url, { ...options, signal: AbortSignal.timeout(5000) })
      .then(async (answer) => [answer.status, await answer.text()])
      .catch((error) => [0, String(error.cause ?? error)])));
  const headers = { "Content-Type": "application/json" };
  let answers = await send({});
  if (changes && answers.every(([status]) => status === 200))
    answers = await send({ method: "PUT", headers, body: JSON.stringify(changes) });
  console.log(JSON.stringify(answers));
})(JSON.parse(process.argv[1]))
""".strip()
_LOOK = "Look with `kubectl get pods`."
_OK, _BAD_REQUEST, _NOT_FOUND = 200, 400, 404


class Answer(NamedTuple):
    """What the app of a pod answered."""

    status: int
    """0 if there was no answer; then `text` has the reason."""
    text: str


def set_faults(connection: Connection, name: str, changes: Mapping[str, object]) -> Table:
    """Change the faults of a pod, or of each running pod of a Deployment, and show them all.

    Without changes they are only shown. Raise ValueError for a value that the app refuses, and
    ClusterError where there is no such pod, or where it does not let faults be set.
    """
    values = {fault: json_value(value) for fault, value in changes.items()}
    pods = _running_pods(connection, name)
    urls = [faults_url(pod) for pod in pods]
    names = [str(pod["metadata"]["name"]) for pod in pods]
    argument = json.dumps({"urls": urls, "changes": values or None})
    result = run_program(connection, names[0], _PROGRAM, argument)
    answers = _answers(result.output, names[0])
    rows = [
        (pod["metadata"]["name"], *faults_of(pod, answer))
        for pod, answer in zip(pods, answers, strict=True)
    ]
    where = count_noun(len(pods), "pod")
    sentence = f"Set in {where}, until it ends." if values else f"The faults of {where}."
    if len(pods) > 1:
        sentence = sentence.replace("it ends", "they end")
    return Table(sentence, ("pod", *FAULTS), rows, notes=result.notes)


def json_value(value: object) -> float | str:
    """A number as JSON has it; anything else as text, which the app refuses by its name.

    >>> json_value(1), json_value(float("nan")), json_value(True)
    (1.0, 'nan', 'True')
    """
    if is_number(value, -sys.float_info.max, sys.float_info.max):
        return float(value)  # type: ignore[arg-type]
    return shown(value)


def faults_url(pod: Object) -> str:
    """Where the app of a pod shows and takes its faults.

    >>> faults_url({"status": {"podIP": "10.1.0.7"}, "spec": {"containers": [{}]}})
    'http://10.1.0.7:3333/faults'
    """
    ports = pod["spec"]["containers"][0].get("ports") or [{"containerPort": PORT}]
    address = pod["status"]["podIP"]
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{ports[0]['containerPort']}/faults"


def faults_of(pod: Object, answer: Answer) -> list[str]:
    """The values in an answer, in the order of `FAULTS`.

    >>> pod = {"metadata": {"name": "web-1"}}
    >>> faults_of(pod, Answer(0, "connect ECONNREFUSED"))
    Traceback (most recent call last):
    canarylab.errors.ClusterError: web-1 did not answer: connect ECONNREFUSED. ...
    """
    name = pod["metadata"]["name"]
    if answer.status == _OK:
        values = json.loads(answer.text)
        return [f"{values[fault]:g}" for fault in FAULTS]
    if answer.status == _NOT_FOUND:
        raise ClusterError(f"{name} does not let its faults be set. {_how_to_allow(pod)}")
    if answer.status == _BAD_REQUEST:
        raise ValueError(json.loads(answer.text))
    said = f"did not answer: {answer.text}" if not answer.status else f"refused: {answer.text}"
    raise ClusterError(f"{name} {said.rstrip('.')}. `kubectl logs {name}` may say more.")


def _running_pods(connection: Connection, name: str) -> list[Object]:
    """The pod of this name, or those of the Deployment."""
    if not name:
        raise ValueError("The name of the pod is empty. `kubectl get pods` lists them.")
    pods = _pods_named(connection, name)
    if pods is None:
        raise ClusterError(
            f'There is no pod and no Deployment "{name}". `kubectl get pods,deployments` '
            "lists what there is."
        )
    running = [pod for pod in pods if is_running(pod)]
    if not running:
        raise ClusterError(f'"{name}" has no running pod, so no faults can be set. {_LOOK}')
    return running


def _pods_named(connection: Connection, name: str) -> list[Object] | None:
    """None where there is neither."""
    try:
        with explain_api_errors(f'pod "{name}"', remedy=_LOOK):
            found = connection.core.read_namespaced_pod(name, connection.namespace)
        return [connection.plain(found)]
    except ApiRefusedError as exc:
        _raise_unless_not_found(exc)
    try:
        return pods_of(connection, read_deployment(connection, name))
    except ApiRefusedError as exc:
        _raise_unless_not_found(exc)
    return None


def _raise_unless_not_found(error: ApiRefusedError) -> None:
    if not error.is_not_found:
        raise error


def is_running(pod: Object) -> bool:
    """Whether its containers run now, and it is not about to end."""
    status = pod.get("status") or {}
    states = [each.get("state") or {} for each in status.get("containerStatuses") or []]
    is_started = status.get("phase") == "Running" and "podIP" in status
    return is_started and all("running" in each for each in states) and not is_terminating(pod)


def _answers(output: str, pod: str) -> list[Answer]:
    """What the program printed; other output, a warning of Node for example, is left out."""
    for line in reversed(output.splitlines()):
        if line.startswith("[["):
            return [Answer(status, text) for status, text in json.loads(line)]
    raise ClusterError(
        f"A program inside {pod} that should send the faults ended early: {output.strip()}. "
        "The image has to have Node 22 or later as `node`."
    )


def _how_to_allow(pod: Object) -> str:
    """The command that allows it in the Deployment of a pod, if it has one."""
    owner = controller_of(pod)
    if owner is None:
        return "Set FAULTS to allowed in the environment of its manifest, and make it again."
    suffix = pod["metadata"].get("labels", {}).get("pod-template-hash", "")
    deployment = owner["name"].removesuffix(f"-{suffix}")
    command = f"kubectl set env deployment/{deployment} FAULTS=allowed"
    return f"`{command}` allows it, and starts new pods."
