"""How is it said what the fields of a custom kind may hold?

Kubernetes knows some kinds from a definition alone: fields, limits, defaults and rules. Here such a
definition is a tree of shapes. What each shape leads to stands where it is done: what is dropped in
`documents/structural.py`, what is filled in in `rules/custom_defaults.py`, what is refused in
`validation/custom.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Type = Literal["array", "boolean", "integer", "object", "string"]


class Rule(NamedTuple):
    """What must hold beyond the form of a value, and what is said when it does not."""

    message: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Shape:
    """What one value may be."""

    type: Type
    meaning: str
    limits: Mapping[str, Any] = field(default_factory=dict)
    """By their names in OpenAPI: `pattern`, `maxLength`, `minimum`, `enum`, ..."""
    fields: Mapping[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    values: Shape | None = None
    """Of an object that may have any field: what each of them holds."""
    items: Shape | None = None
    keys: tuple[str, ...] | None = None
    """Of a list: the fields that tell its items apart; none when the items are plain values."""
    default: Any = None
    rules: tuple[Rule, ...] = ()
    is_fixed: bool = False
    """Once set, it stays."""

    def meant_as(self, meaning: str) -> Shape:
        """The same, with another meaning."""
        return replace(self, meaning=meaning)

    def or_else(self, default: Any) -> Shape:
        """The same, with a value for who says nothing."""
        return replace(self, default=default)

    def kept_to(self, *rules: Rule) -> Shape:
        """The same, with more rules."""
        return replace(self, rules=self.rules + rules)


def text(meaning: str, **limits: Any) -> Shape:
    """A string."""
    return Shape("string", meaning, limits)


def word(meaning: str, *words: str) -> Shape:
    """A string out of a few."""
    return Shape("string", meaning, {"enum": list(words)})


def number(meaning: str, **limits: Any) -> Shape:
    """A whole number."""
    return Shape("integer", meaning, {"format": "int32", **limits})


def flag(meaning: str) -> Shape:
    """True or false."""
    return Shape("boolean", meaning)


def structure(
    meaning: str, needs: Mapping[str, Shape] = MappingProxyType({}), /, **may_have: Shape
) -> Shape:
    """An object with fields; those it needs come first."""
    return Shape("object", meaning, fields={**needs, **may_have}, required=tuple(needs))


def mapping(meaning: str, values: Shape, **limits: Any) -> Shape:
    """An object whose fields have any name."""
    return Shape("object", meaning, limits, values=values)


def listing(
    meaning: str, items: Shape, *, by: tuple[str, ...] | None = None, **limits: Any
) -> Shape:
    """A list. With `by` no two items may be alike in these fields, or, with (), alike at all."""
    return Shape("array", meaning, limits, items=items, keys=by)
