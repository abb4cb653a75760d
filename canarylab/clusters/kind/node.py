"""Which container is the node of the kind cluster, and does it run?

Asked through docker-py. kind itself finds its containers by the same label.
"""

from __future__ import annotations

from canarylab.clusters.kind.plan import Node
from canarylab.clusters.kind.program import NAME
from canarylab.errors import SetupError
from canarylab.machine.engine import engine

LABEL = f"io.x-k8s.kind.cluster={NAME}"


def look() -> Node | None:
    """The node, running or not; raise EngineError where no engine answers."""
    with engine() as client:
        containers = client.api.containers(all=True, filters={"label": LABEL})
    nodes = [Node(found["Id"], is_running=found["State"] == "running") for found in containers]
    return nodes[0] if nodes else None


def restart(node: Node) -> None:
    """Start the container of a node that was stopped, by a reboot for example."""
    from docker.errors import APIError  # noqa: PLC0415  docker-py is slow to import

    with engine() as client:
        try:
            client.api.start(node.id)
        except APIError as exc:
            raise SetupError(
                f"The node of the kind cluster cannot be started again: {exc.explanation}. "
                "Mend what that names, or make a new cluster after `canarylab down --cluster kind`."
            ) from exc


def image_here(pinned: str) -> str:
    """The node image, by digest where it can be; by tag where only a bundle brought it.

    An image that was loaded from an archive has lost its digest, and kind would pull it again.
    """
    from docker.errors import APIError  # noqa: PLC0415

    with engine() as client:
        for name in (pinned, pinned.partition("@")[0]):
            try:
                client.images.get(name)
            except APIError:  # not here; some Podman refuses a name with tag and digest
                continue
            return name
    return pinned
