"""Finding the controls and the text of a widget, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def controls(view: Any) -> dict[str, Any]:
    """The controls, by their labels."""
    return {each.description: each for each in leaves(view) if each.description}


def leaves(view: Any) -> Iterator[Any]:
    """The widgets that hold no others."""
    for child in getattr(view, "children", ()):
        yield from leaves(child)
    if not hasattr(view, "children"):
        yield view


def html(view: Any) -> str:
    """All text of a view, as it is sent to the page."""
    values = (getattr(each, "value", None) for each in leaves(view))
    return " ".join(value for value in values if isinstance(value, str))


def failing(exc: Exception) -> Any:
    """A function that raises."""

    def fail() -> None:
        raise exc

    return fail
