"""How is it said which requests a rule of an HTTPRoute is for?"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from canarylab.playground.apiserver.custom.shape import Rule, listing, structure, text, word

PLAIN_PATHS = ("Exact", "PathPrefix")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
ANY_PATH = {"type": "PathPrefix", "value": "/"}
_PLAIN = "type one of ['Exact', 'PathPrefix']"
_CHARACTERS = "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$"

HEADER_NAME = text(
    "The name of the header.",
    minLength=1, maxLength=256, pattern=r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$",
)  # fmt: skip


def _of_plain(holds: Callable[[str], bool]) -> Callable[[Any], bool]:
    """What is asked of a path only if it is no regular expression."""
    return lambda path: path["type"] not in PLAIN_PATHS or holds(path["value"])


def _without(part: str) -> Rule:
    return Rule(
        f"must not contain '{part}' when {_PLAIN}", _of_plain(lambda path: part not in path)
    )


def _not_ending(end: str) -> Rule:
    return Rule(
        f"must not end with '{end}' when {_PLAIN}", _of_plain(lambda path: not path.endswith(end))
    )


_PATH_RULES = (
    Rule(
        f"value must be an absolute path and start with '/' when {_PLAIN}",
        _of_plain(lambda path: path.startswith("/")),
    ),
    *map(_without, ("//", "/./", "/../", "%2f", "%2F", "#")),
    _not_ending("/.."),
    _not_ending("/."),
    Rule(
        "type must be one of ['Exact', 'PathPrefix', 'RegularExpression']",
        lambda path: path["type"] in (*PLAIN_PATHS, "RegularExpression"),
    ),
    Rule(
        f"must only contain valid characters (matching {_CHARACTERS}) "
        "for types ['Exact', 'PathPrefix']",
        _of_plain(lambda path: re.search(_CHARACTERS, path) is not None),
    ),
)
_PATH = (
    structure(
        "The path, without the part behind a question mark.",
        type=word("How it is compared.", *PLAIN_PATHS, "RegularExpression").or_else("PathPrefix"),
        value=text("What it is compared with.", maxLength=1024).or_else("/"),
    )
    .kept_to(*_PATH_RULES)
    .or_else(ANY_PATH)
)
_COMPARED = word("How it is compared.", "Exact", "RegularExpression").or_else("Exact")
_HEADER = structure(
    "One header.",
    {
        "name": HEADER_NAME,
        "value": text("What it is compared with.", minLength=1, maxLength=4096),
    },
    type=_COMPARED,
)
_PARAMETER = structure(
    "One parameter.",
    {
        "name": HEADER_NAME.meant_as("The name of the parameter."),
        "value": text("What it is compared with.", minLength=1, maxLength=1024),
    },
    type=_COMPARED,
)

MATCH = structure(
    "Requests of which all of this is true.",
    headers=listing("Headers they must have.", _HEADER, by=("name",), maxItems=16),
    method=word("Their method.", *METHODS),
    path=_PATH,
    queryParams=listing(
        "What must stand behind the question mark.", _PARAMETER, by=("name",), maxItems=16
    ),
)
