"""When is it clear which part of which Gateway a route is attached to?"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from canarylab.playground.apiserver.custom.shape import Rule

_OF_ONE = "when parentRefs includes 2 or more references to the same parent"


def _sections(references: Any) -> list[list[str]]:
    """The sections that are named of each parent."""
    found: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for one in references:
        parent = (one["group"], one["kind"], one["name"], one.get("namespace", ""))
        found[parent].append(one.get("sectionName", ""))
    return list(found.values())


def _all_or_none(references: Any) -> bool:
    return all(all(named) or not any(named) for named in _sections(references))


def _differ(references: Any) -> bool:
    return all(len(named) == len(set(named)) for named in _sections(references))


PARENT_RULES = (
    Rule(f"sectionName must be specified {_OF_ONE}", _all_or_none),
    Rule(f"sectionName must be unique {_OF_ONE}", _differ),
)
"""Of all parents of one route."""
