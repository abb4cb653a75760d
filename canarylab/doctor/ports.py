"""Who has the ports of the lessons?

The lessons' own programs are meant to have them: what they hold is no reproach.
"""

from __future__ import annotations

from canarylab import ports
from canarylab.machine.finding import Finding
from canarylab.machine.ports import port
from canarylab.playground import lifecycle
from canarylab.playground.home import Home

IN_LESSON_ONE = {8888: "version 1.0 in lesson 1", 9999: "version 2.0 in lesson 1"}
IN_A_CLUSTER = {32089: "the Service of the lessons", 8080: "the Ingress of the lessons"}
OF_CONTAINERS = ("docker", "rootlessport", "conmon", "pasta", "com.docke", "vpnkit")


def port_findings(home: Home, *, has_kind: bool) -> list[Finding]:
    """One for each port that is taken, and one for all that are free."""
    found = [_in_lesson_one(number, why) for number, why in IN_LESSON_ONE.items()]
    found += [
        _in_a_cluster(number, why, home, has_kind=has_kind) for number, why in IN_A_CLUSTER.items()
    ]
    free = [each.what.removeprefix("port ") for each in found if each.state == "fine"]
    taken = [each for each in found if each.state != "fine"]
    return [*taken, *([_free(free)] if free else [])]


def _free(numbers: list[str]) -> Finding:
    if len(numbers) == 1:
        return Finding("ports", "fine", f"Port {numbers[0]} is free", "the lessons")
    words = f"{', '.join(numbers[:-1])} and {numbers[-1]} are free"
    return Finding("ports", "fine", words, "the lessons")


def _in_lesson_one(number: int, needed_for: str) -> Finding:
    found = port(number, needed_for)
    if found.is_fine:
        return found
    if ports.is_held_by_parent(number) or "jupyter" in found.words:
        return found._replace(state="note", remedy="The lesson then takes another.")
    remedy = "The lesson replaces what it ran there itself; end anything else."
    return found._replace(state="note", remedy=remedy)


def _in_a_cluster(number: int, needed_for: str, home: Home, *, has_kind: bool) -> Finding:
    found = port(number, needed_for)
    if found.is_fine:
        return found
    if f"(pid {lifecycle.holder_of_lock(home)})" in found.words:
        words = f"Port {number} is in use by the playground, as it should be"
        return found._replace(state="note", words=words, remedy="")
    if has_kind and _is_of_containers(found.words):
        words = f"Port {number} is in use by the kind cluster, as it should be"
        return found._replace(state="note", words=words, remedy="")
    return found


def _is_of_containers(words: str) -> bool:
    return "another program" in words or any(f"by {name}" in words for name in OF_CONTAINERS)
