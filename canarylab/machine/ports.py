"""Is a port free, and if not, who has it?

A program that started this one, such as the Jupyter of a notebook, is no surprise and is not told
to go away; it stands in the way all the same if the port is needed.
"""

from __future__ import annotations

from canarylab import ports
from canarylab.machine.finding import Finding


def port(number: int, needed_for: str) -> Finding:
    """What stands at this port of 127.0.0.1."""
    what = f"port {number}"
    if ports.is_free(number):
        return Finding(what, "fine", f"Port {number} is free", needed_for)
    holder = ports.holder(number)
    words = f"Port {number} is in use by {holder or 'another program'}"
    return Finding(what, "missing", words, needed_for, _how_to_free(number, holder))


def _how_to_free(number: int, holder: str | None) -> str:
    if holder is None:
        return f"End that program; `sudo ss -ltnp 'sport = :{number}'` names it."
    return "End that program, or let it use another port."
