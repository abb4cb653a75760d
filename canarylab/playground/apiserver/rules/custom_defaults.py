"""What does an object of a custom kind get that nobody wrote down?

A default is filled in only where the field's own parent was written, or was filled in itself.
"""

from __future__ import annotations

from typing import Any

from canarylab.playground.apiserver.custom.kinds import SHAPES
from canarylab.playground.apiserver.custom.shape import Shape
from canarylab.playground.kube.api import Object


def with_defaults(obj: Object) -> Object:
    """The object, complete; its kind is one that `SHAPES` knows."""
    complete: Object = filled(SHAPES[obj["kind"]], obj)
    return complete


def filled(shape: Shape, value: Any) -> Any:
    """The value, and all within it, with what nobody said.

    >>> from canarylab.playground.apiserver.custom.references import PARENT
    >>> filled(PARENT, {"name": "canarylab", "group": ""})
    {'name': 'canarylab', 'group': '', 'kind': 'Gateway'}
    """
    if shape.items is not None and isinstance(value, list):
        return [filled(shape.items, item) for item in value]
    if not isinstance(value, dict):
        return value
    defaults = {
        name: inner.default
        for name, inner in shape.fields.items()
        if inner.default is not None and name not in value
    }
    return {name: _inside(shape, name, part) for name, part in {**value, **defaults}.items()}


def _inside(shape: Shape, name: str, value: Any) -> Any:
    inner = shape.values or shape.fields.get(name)
    return value if inner is None else filled(inner, value)
