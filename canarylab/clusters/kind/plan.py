"""What has to be done to have a kind cluster of our own that runs?"""

from __future__ import annotations

from typing import Literal, NamedTuple

Step = Literal["create", "remake", "restart", "wait", "refuse"]


class Node(NamedTuple):
    """The container that is the node of a cluster called canarylab."""

    id: str
    is_running: bool


class Seen(NamedTuple):
    """What was found."""

    is_half_made: bool
    made: str | None
    """The id of the node that we made, as far as we remember."""
    node: Node | None
    """The node that there is."""


def plan(seen: Seen) -> Step:
    """The one step that leads to a running cluster, or `refuse`: the name is somebody else's.

    >>> plan(Seen(is_half_made=False, made="a", node=Node("a", is_running=False)))
    'restart'
    >>> plan(Seen(is_half_made=False, made="a", node=Node("b", is_running=True)))
    'refuse'
    """
    if seen.is_half_made:
        return "remake"
    if seen.node is None:
        return "create"
    if seen.node.id != seen.made:
        return "refuse"
    return "wait" if seen.node.is_running else "restart"
