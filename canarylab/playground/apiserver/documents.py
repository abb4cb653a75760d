"""Parsing of JSON and YAML bodies, with bounds on what one document may hold.

Whatever reads a document afterwards may be recursive, and needs some microseconds for each value.
So a document may be nested `MAX_DEPTH` deep and hold `MAX_VALUES` values; both are far more than
any object in use has. Aliases of YAML count as what they repeat, before anything is repeated.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import Any, NoReturn

import yaml

from canarylab.errors import BadRequestError, StatusError

MAX_DEPTH = 100
"""Lists and objects within each other."""
MAX_VALUES = 20_000
"""Lists, objects and scalars of an object: an Ingress with 2,400 paths, for example."""
MAX_JSON_PATCH_VALUES = 50_000
"""Those of a JSON patch: with all the steps that it may have it has 40,000."""

_MAX_INTEGER_BITS = 1024  # the range of a float of 64 bits, into which Go reads a larger number
_THREAD_BYTES = 32 * 1024  # a larger body of YAML is parsed in a thread: it is parsed in Python
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_MAY_ESCAPE_SURROGATE = re.compile(r"\\u[dD][89abcdefABCDEF]")
_TAG = "tag:yaml.org,2002:"
_JSON_TAGS = frozenset({"bool", "map", "merge", "null", "seq", "str"})
_YAML_INTEGER = re.compile(r"^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$")
_YAML_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
_SHOWN = 40  # characters of a number in a message


def parse_json(body: bytes, *, most: int = MAX_VALUES) -> object:
    r"""Parse JSON of at most so many values; what is not Unicode becomes U+FFFD, as in Go.

    >>> parse_json(b'{"kind": "Pod", "a": "\\ud800"}')
    {'kind': 'Pod', 'a': '\ufffd'}
    """
    text = body.decode(errors="replace")
    if _has_more_values(text, most):  # to parse a million values takes longer
        raise _too_many_values(most)
    try:
        value = _decoder.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as exc:
        raise _unreadable("json", str(exc)) from None
    check_bounds(value, most=most)
    return _without_surrogates(value) if _MAY_ESCAPE_SURROGATE.search(text) else value


def _has_more_values(text: str, most: int) -> bool:
    """Whether a text has more values; it may have a few more if this is False."""
    strings = (text.count('"') - text.count(r"\"")) // 2
    if strings > 2 * most:
        return True  # an object has a key for each of its values
    return _least_values(text) > most and _least_values(_STRING.sub("", text)) > most


def _least_values(text: str) -> int:
    """How many values the text has at least, if it has no strings."""
    return max(text.count("[") + text.count("{"), text.count(","))


async def parse_yaml(body: bytes) -> object:
    """Parse YAML, with the types of JSON: a timestamp is a string, and so is every key."""
    if len(body) <= _THREAD_BYTES:
        return _parse_yaml(body)
    return await asyncio.to_thread(_parse_yaml, body)


def check_bounds(value: object, *, most: int = MAX_VALUES) -> int:
    """The number of values; raise BadRequestError or StatusError if it is too deep or too large."""
    level, depth, count = [value], 0, 1
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list):
                inner += one
            elif isinstance(one, int) and one.bit_length() > _MAX_INTEGER_BITS:
                raise _unreadable(
                    "json", "json: cannot unmarshal number into Go value of type float64"
                )
        level = inner
        count += len(level)
        if count > most:
            raise _too_many_values(most)
    return count


def _parse_yaml(body: bytes) -> object:
    try:
        _check_events(body)
        value = yaml.load(body, Loader=_JsonCompatibleLoader)
    except (yaml.YAMLError, ValueError, KeyError) as exc:
        raise _unreadable("yaml", str(exc)) from None
    check_bounds(value)
    return value


def _check_events(body: bytes) -> None:
    """Bound depth and values of a document before it is composed, which is recursive."""
    sizes: dict[str | None, int] = {}
    """The values below each anchor, aliases included."""
    started: list[tuple[str | None, int]] = []
    """The anchor of each list and object that is open, and how many values came before it."""
    count = 0
    for event in yaml.parse(body, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = started.pop()
            sizes[anchor] = count - before
        elif isinstance(event, yaml.NodeEvent):
            count += sizes.get(event.anchor, 1) if isinstance(event, yaml.AliasEvent) else 1
        if isinstance(event, yaml.CollectionStartEvent):
            started.append((event.anchor, count))
        if len(started) > MAX_DEPTH:
            raise _too_deep("yaml")
        if count > 2 * MAX_VALUES:  # keys are scalars here
            raise _too_many_values(MAX_VALUES)


class _JsonCompatibleLoader(yaml.CSafeLoader):
    """Loads YAML with the types of JSON."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Construct a mapping whose keys are strings, as Go turns YAML into JSON."""
        self.flatten_mapping(node)
        return {
            _key(self.construct_object(key, deep=True)): self.construct_object(value, deep=deep)
            for key, value in node.value
        }

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """Construct a number, or raise ValueError: JSON has no others, and base 60 is slow."""
        text = str(self.construct_scalar(node))
        if _YAML_INTEGER.fullmatch(text):
            return int(self.construct_yaml_int(node))
        return _finite(text)


_JsonCompatibleLoader.yaml_implicit_resolvers = {
    first: [entry for entry in found if entry[0].removeprefix(_TAG) in _JSON_TAGS]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
} | {
    first: [(f"{_TAG}int", _YAML_INTEGER), (f"{_TAG}float", _YAML_FLOAT)]
    for first in "+-.0123456789"
}
_JsonCompatibleLoader.yaml_constructors = {
    tag: construct
    for tag, construct in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.removeprefix(_TAG) in _JSON_TAGS
} | dict.fromkeys((f"{_TAG}int", f"{_TAG}float"), _JsonCompatibleLoader.construct_number)


def _key(key: object) -> str:
    if isinstance(key, list | dict):
        raise ValueError("a key is a list or an object")
    return key if isinstance(key, str) else json.dumps(key)


def _finite(text: str) -> float:
    """The number of a literal; Go reads none that is too large, and JSON has no NaN."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(
            f"json: cannot unmarshal number {text[:_SHOWN]} into Go value of type float64"
        )
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"invalid character '{name[0]}' looking for beginning of value")


_decoder = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant)


def _without_surrogates(value: object) -> object:
    """The value with U+FFFD for each lone surrogate."""
    text = json.dumps(value, ensure_ascii=False)
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value if clean == text else json.loads(clean)


def _unreadable(form: str, why: str) -> BadRequestError:
    return BadRequestError(f"couldn't get version/kind; {form} parse error: {why}")


def _number_too_large(number: str) -> str:
    return f"json: cannot unmarshal number {number} into Go value of type float64"


def _too_deep(form: str = "json") -> BadRequestError:
    return _unreadable(form, "exceeded max depth")


def _too_many_values(most: int) -> StatusError:
    message = f"Request entity too large: limit is {most} values"
    return StatusError(413, "RequestEntityTooLarge", message)
