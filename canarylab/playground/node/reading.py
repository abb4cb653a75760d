"""Which container is meant, and which of its logs? Refuses in Kubernetes' words."""

from __future__ import annotations

from collections.abc import Sequence

from canarylab.errors import BadRequestError
from canarylab.playground.kube.api import LogOptions, Object
from canarylab.playground.node.container import Container
from canarylab.playground.node.logs import Log
from canarylab.playground.node.records import Record, Waiting

_WITHOUT_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName")


def container_of(pod: Object, containers: Sequence[Container], wanted: str | None) -> Container:
    """The one of that name, or the only one."""
    name = pod["metadata"]["name"]
    if wanted is None and len(pod["spec"]["containers"]) > 1:
        choice = " ".join(container["name"] for container in pod["spec"]["containers"])
        raise BadRequestError(
            f"a container name must be specified for pod {name}, choose one of: [{choice}]"
        )
    for container in containers:
        if wanted in (None, container.name):
            return container
    raise BadRequestError(f"container {wanted} is not valid for pod {name}")


def log_of(pod: Object, container: Container, options: LogOptions) -> Log:
    """Of the run that is going on, or of the one before it."""
    record, name = container.record, pod["metadata"]["name"]
    if not options.previous:
        log = container.logs.of_run(record.restarts)
        problem = (
            f'container "{container.name}" in pod "{name}" is waiting to start: {_why(record)}'
        )
    else:
        # While it waits to be restarted, the run before is the newest there was.
        number = record.restarts - (0 if isinstance(record.state, Waiting) else 1)
        log = None if record.last is None else container.logs.of_run(number)
        problem = f'previous terminated container "{container.name}" in pod "{name}" not found'
    if log is None:
        raise BadRequestError(problem)
    return log


def _why(record: Record) -> str:
    if not isinstance(record.state, Waiting):
        return "ContainerCreating"
    waits_for_image = record.state.reason in _WITHOUT_IMAGE
    return "trying and failing to pull image" if waits_for_image else record.state.reason
