"""How does an image get to a cluster that is not on this machine?

Through a registry that both reach: it is tagged with the registry's name and pushed.
"""

from __future__ import annotations

from canarylab.clusters.base import Report
from canarylab.commands import answer, follow
from canarylab.errors import SetupError, ToolFailedError
from canarylab.images.app import NAME
from canarylab.machine.engine import program


def named(reference: str, registry: str | None) -> str:
    """What an image of ours is called in the registry; other images keep their names.

    >>> named("node_app:1.0", "registry.example/team"), named("nginx:1", "registry.example")
    ('registry.example/team/node_app:1.0', 'nginx:1')
    """
    is_ours = reference.partition(":")[0] == NAME
    return f"{registry.rstrip('/')}/{reference}" if registry and is_ours else reference


def push(reference: str, registry: str, report: Report) -> str:
    """Tag and push, and say so; raise SetupError in words where the registry refuses."""
    tool = program()
    pushed = named(reference, registry)
    report(f"pushing {pushed}")
    try:
        answer(tool, "tag", reference, pushed)
        follow(tool, "push", pushed, report=lambda line: report(f"pushing {pushed}: {line}"))
    except ToolFailedError as exc:
        raise SetupError(
            f"{exc.output}\n{pushed} could not be pushed. "
            f"Log in with `{tool} login`, or name another registry with CANARYLAB_REGISTRY."
        ) from exc
    return f"{reference} is pushed as {pushed}."
