"""Are the resources a container asks for things there are amounts of?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from canarylab.errors import Cause
from canarylab.playground.apiserver.documents.quantity import amount
from canarylab.playground.apiserver.field_errors import each, invalid
from canarylab.playground.apiserver.validation import names
from canarylab.playground.kube.api import Object

_OF_CONTAINERS = ("cpu", "memory", "ephemeral-storage")


def of_container(field: str, resources: Object) -> Iterator[Cause]:
    """What is wrong with its limits and requests."""
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    yield from _section(f"{field}.limits", limits)
    yield from _section(f"{field}.requests", requests)
    for name, value in sorted(requests.items()):
        if name in limits and amount(value) > amount(limits[name]):
            yield invalid(
                f"{field}.requests",
                value,
                f"must be less than or equal to {name} limit of {limits[name]}",
            )


def _section(field: str, amounts: Mapping[str, str]) -> Iterator[Cause]:
    for name, value in sorted(amounts.items()):
        here = f"{field}[{name}]"
        yield from each(here, name, _name_problems(name))
        if amount(value) < 0:
            yield invalid(here, value, "must be greater than or equal to 0")


def _name_problems(name: str) -> list[str]:
    problems = names.qualified(name)
    if problems or "/" in name or name in _OF_CONTAINERS or name.startswith("hugepages-"):
        return problems
    return [
        "must be a standard resource type or fully qualified",
        "must be a standard resource for containers",
    ]
