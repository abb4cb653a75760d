"""What is a single value of a document, and in which form is it kept?"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from canarylab.playground.apiserver.documents import quantity
from canarylab.playground.apiserver.schema.builtin import Schema

_WHOLE = {"int32": 2**31, "int64": 2**63}
_ZEROS = {
    "string": "", "byte": "", "boolean": False, "int32": 0, "int64": 0, "int-or-string": 0,
    "quantity": "0",
}  # fmt: skip
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")


class MismatchError(Exception):
    """The value is of another type than the field."""


def json_type(value: Any) -> str:
    """What Go's reader calls the type of a value.

    >>> json_type([]), json_type(True), json_type(1), json_type(1.5)
    ('array', 'bool', 'number', 'number 1.5')
    """
    if isinstance(value, float):
        return f"number {value}"
    names = {dict: "object", list: "array", str: "string", bool: "bool", int: "number"}
    return names.get(type(value), "null")


def zero(shape: Schema) -> Any:
    """The value that stands for "nothing said"; None where nothing does.

    >>> zero({"type": "string"}), zero({"format": "quantity"})
    ('', '0')
    """
    return _ZEROS.get(shape.get("format") or shape.get("type", ""))


def read(shape: Schema, value: Any) -> Any:
    """The value as it is kept; MismatchError or ValueError where it does not fit.

    >>> read({"format": "quantity"}, 0.5)
    '500m'
    """
    form = shape.get("format") or shape["type"]
    if form in _WHOLE:
        return _integer(value, _WHOLE[form])
    if form in _READERS:
        return _READERS[form](value)
    return _of_type(value, bool if form == "boolean" else str)


def _of_type(value: Any, wanted: type) -> Any:
    if not isinstance(value, wanted):
        raise MismatchError
    return value


def _integer(value: Any, bound: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -bound <= value < bound:
        raise MismatchError
    return value


def _int_or_string(value: Any) -> int | str:
    if isinstance(value, str):
        return value
    try:
        return _integer(value, _WHOLE["int32"])
    except MismatchError:
        raise ValueError(
            f"json: cannot unmarshal {json_type(value)} into Go value of type int32"
        ) from None


def _quantity(value: Any) -> str:
    try:
        return quantity.canonical(str(value).strip())
    except quantity.NotAQuantityError:
        raise ValueError(
            f"quantities must match the regular expression '{quantity.PATTERN}'"
        ) from None


def _time(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"json: cannot unmarshal {json_type(value)} into Go value of type string")
    if not _TIME.match(value):
        raise ValueError(
            f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": '
            f'cannot parse "{value}" as "2006"'
        )
    moment = datetime.fromisoformat(value).astimezone(UTC)
    precision = "microseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def _base64(value: Any) -> str:
    text = str(_of_type(value, str))
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("illegal base64 data at input byte 0") from None
    return text


_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "byte": _base64,
        "date-time": _time,
        "int-or-string": _int_or_string,
        "quantity": _quantity,
    }
)
