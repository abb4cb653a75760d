"""Structural schemas: prune, default and validate objects whose kind has an OpenAPI v3 schema.

A schema is a dict with the keywords of OpenAPI v3, as in a CustomResourceDefinition. Two keywords
are removed before publishing: `x-kubernetes-validations`, a table of messages and predicates (CEL
in a real definition), and `immutable`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from canarylab.errors import Cause
from canarylab.playground.apiserver import field_errors

Schema = dict[str, Any]
Rules = Mapping[str, Callable[[Any], bool]]
"""A predicate for each message; a rule is broken if its predicate is false."""

VALIDATIONS = "x-kubernetes-validations"
LIST_TYPE, LIST_KEYS = "x-kubernetes-list-type", "x-kubernetes-list-map-keys"

_TYPES = {bool: "boolean", dict: "object", float: "number", list: "array", str: "string"}
_UNPUBLISHED = {VALIDATIONS, "immutable"}


def string(description: str, **keywords: Any) -> Schema:
    """The schema of a string."""
    return {"type": "string", "description": description, **keywords}


def integer(description: str, **keywords: Any) -> Schema:
    """The schema of a number of 32 bits."""
    return {"type": "integer", "description": description, "format": "int32", **keywords}


def structure(
    description: str,
    properties: Mapping[str, Schema],
    *,
    rules: Rules | None = None,
    **keywords: Any,
) -> Schema:
    """The schema of an object with properties."""
    validations = {} if rules is None else {VALIDATIONS: rules}
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        **keywords,
        **validations,
    }


def array(
    description: str,
    items: Schema,
    *,
    keys: Sequence[str] | None = None,
    rules: Rules | None = None,
    **keywords: Any,
) -> Schema:
    """The schema of a list: a map by `keys`, a set if there are none, atomic by default."""
    if keys is None:
        list_type: Schema = {LIST_TYPE: "atomic"}
    else:
        list_type = {LIST_TYPE: "map", LIST_KEYS: list(keys)} if keys else {LIST_TYPE: "set"}
    validations = {} if rules is None else {VALIDATIONS: rules}
    return {
        "type": "array",
        "description": description,
        "items": items,
        **list_type,
        **keywords,
        **validations,
    }


def prune(schema: Schema, value: Any, unknown: list[str], path: str = "") -> Any:
    """The value without nulls and unknown fields; paths of the latter are added to `unknown`."""
    if "items" in schema and isinstance(value, list):
        return [
            prune(schema["items"], item, unknown, f"{path}[{index}]")
            for index, item in enumerate(value)
        ]
    if schema["type"] != "object" or not isinstance(value, dict):
        return value
    kept = {}
    for name, field_value in value.items():
        field, field_path = _field(schema, name), _below(path, name)
        if field is None:
            unknown.append(field_path)
        elif field_value is not None:
            kept[name] = prune(field, field_value, unknown, field_path)
    return kept


def with_defaults(schema: Schema, value: Any) -> Any:
    """The value with the defaults of all fields whose parent exists.

    >>> with_defaults(structure("", {"kind": string("", default="Gateway")}), {"name": "web"})
    {'name': 'web', 'kind': 'Gateway'}
    """
    if "items" in schema and isinstance(value, list):
        return [with_defaults(schema["items"], item) for item in value]
    if not isinstance(value, dict):
        return value
    defaults = {
        name: field["default"]
        for name, field in schema.get("properties", {}).items()
        if "default" in field and name not in value
    }
    complete = {**value, **defaults}
    for name, field_value in complete.items():
        field = _field(schema, name)
        if field is not None:
            complete[name] = with_defaults(field, field_value)
    return complete


def type_errors(schema: Schema, value: Any, path: str = "") -> Iterator[Cause]:
    """The errors of OpenAPI's validator, with its messages: types, required fields, limits."""
    found = "integer" if _is_integer(value) else _TYPES.get(type(value), "null")
    if found != schema["type"]:
        yield _wrong_type(path, found, schema["type"])
    elif isinstance(value, dict):
        yield from _object_errors(schema, value, path)
    elif isinstance(value, list):
        yield from _array_errors(schema, value, path)
    elif isinstance(value, str):
        yield from _string_errors(schema, value, path)
    elif not isinstance(value, bool):
        yield from _number_errors(schema, value, path)
    allowed = schema.get("enum", [])
    if allowed and value not in allowed:
        yield field_errors.unsupported(path, value, [str(one) for one in allowed])


def duplicate_errors(schema: Schema, value: Any, path: str = "") -> Iterator[Cause]:
    """Items that occur twice in lists of the types map and set."""
    for name, field_value in value.items() if isinstance(value, dict) else ():
        field = _field(schema, name)
        if field is not None:
            yield from duplicate_errors(field, field_value, _below(path, name))
    if "items" not in schema or not isinstance(value, list):
        return
    for index, item in enumerate(value):
        yield from duplicate_errors(schema["items"], item, f"{path}[{index}]")
    if schema[LIST_TYPE] != "atomic":
        yield from _repeated(schema.get(LIST_KEYS, []), value, path)


def rule_errors(schema: Schema, value: Any, old: Any, path: str = "") -> Iterator[Cause]:
    """The broken rules of the value, then those of its fields and items.

    The rules are written for values without type errors. `old` is the value that is replaced.
    """
    for message, holds in schema.get(VALIDATIONS, {}).items():
        if not holds(value):
            yield Cause("FieldValueInvalid", path, f"Invalid value: {message}")
    if schema.get("immutable") and old not in (None, value):
        yield field_errors.invalid(path, value, "Value is immutable")
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from rule_errors(schema["items"], item, None, f"{path}[{index}]")
    elif isinstance(value, dict):
        yield from _field_rule_errors(schema, value, old, path)


def published(schema: Any) -> Any:
    """The schema as clients may read it."""
    if isinstance(schema, list):
        return [published(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        keyword: published(value)
        for keyword, value in schema.items()
        if keyword not in _UNPUBLISHED
    }


def _field(schema: Schema, name: str) -> Schema | None:
    """The schema of one field of an object, or None if it is unknown."""
    field: Schema | None = schema.get("additionalProperties")
    return schema.get("properties", {}).get(name) if field is None else field


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _field_rule_errors(
    schema: Schema, value: Mapping[str, Any], old: Any, path: str
) -> Iterator[Cause]:
    before = old if isinstance(old, dict) else {}
    for name, field_value in value.items():
        field = _field(schema, name)
        if field is not None:
            yield from rule_errors(field, field_value, before.get(name), _below(path, name))


def _object_errors(schema: Schema, value: Mapping[str, Any], path: str) -> Iterator[Cause]:
    for name in schema.get("required", ()):
        if name not in value:
            yield field_errors.required(_below(path, name))
    most = schema.get("maxProperties", len(value))
    if len(value) > most:
        yield field_errors.too_many(path, len(value), most)
    for name, field_value in value.items():
        field = _field(schema, name)
        if field is not None:
            yield from type_errors(field, field_value, _below(path, name))


def _array_errors(schema: Schema, value: Sequence[Any], path: str) -> Iterator[Cause]:
    count = len(value)
    for index, item in enumerate(value):
        yield from type_errors(schema["items"], item, f"{path}[{index}]")
    if count < schema.get("minItems", 0):
        yield _in_body(path, count, f"should have at least {schema['minItems']} items")
    if count > schema.get("maxItems", count):
        yield field_errors.too_many(path, count, schema["maxItems"])


def _string_errors(schema: Schema, value: str, path: str) -> Iterator[Cause]:
    """Only the first thing that is wrong, as in OpenAPI's validator."""
    if len(value) > schema.get("maxLength", len(value)):
        yield field_errors.too_long(path, schema["maxLength"])
    elif len(value) < schema.get("minLength", 0):
        yield _in_body(path, value, f"should be at least {schema['minLength']} chars long")
    elif not re.search(schema.get("pattern", ""), value):
        yield _in_body(path, value, f"should match '{schema['pattern']}'")
    if schema.get("format") == "date-time" and not _is_date_time(value):
        yield _wrong_type(path, value, "date-time")


def _number_errors(schema: Schema, value: int, path: str) -> Iterator[Cause]:
    if value < schema.get("minimum", value):
        yield _in_body(path, value, f"should be greater than or equal to {schema['minimum']}")
    if value > schema.get("maximum", value):
        yield _in_body(path, value, f"should be less than or equal to {schema['maximum']}")


def _repeated(keys: Sequence[str], items: Sequence[Any], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        if keys and not isinstance(item, dict):
            continue
        identity = {key: item[key] for key in keys if key in item} if keys else item
        text = json.dumps(identity, sort_keys=True)
        if text in seen:
            yield field_errors.duplicate(f"{path}[{index}]", identity)
        seen.add(text)


def _wrong_type(path: str, found: str, wanted: str) -> Cause:
    sentence = f'{path} in body must be of type {wanted}: "{found}"'
    return field_errors.invalid(path, found, sentence)._replace(reason="FieldValueTypeInvalid")


def _in_body(path: str, value: Any, what: str) -> Cause:
    return field_errors.invalid(path, value, f"{path} in body {what}")


def _is_integer(value: Any) -> bool:
    """JSON does not tell 10 from 10.0."""
    return type(value) is int or (isinstance(value, float) and value.is_integer())


def _is_date_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
