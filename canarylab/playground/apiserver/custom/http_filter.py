"""How is it said what an HTTPRoute does to requests and answers on their way?"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from canarylab.playground.apiserver.custom.http_cors import CORS
from canarylab.playground.apiserver.custom.http_match import HEADER_NAME
from canarylab.playground.apiserver.custom.references import (
    BACKEND,
    LOCAL_OBJECT,
    PORT,
    PRECISE_HOSTNAME,
)
from canarylab.playground.apiserver.custom.shape import (
    Rule,
    Shape,
    listing,
    number,
    structure,
    text,
    word,
)

_HEADER = structure(
    "One header.",
    {"name": HEADER_NAME, "value": text("Its value.", minLength=1, maxLength=4096)},
)
_HEADERS = structure(
    "Which headers change.",
    add=listing("Values to add to what is there.", _HEADER, by=("name",), maxItems=16),
    remove=listing("Headers to leave out.", text("The name."), by=(), maxItems=16),
    set=listing("Values to put in place of what is there.", _HEADER, by=("name",), maxItems=16),
)


def _goes_with(field: str, type_: str) -> tuple[Rule, Rule]:
    """Where the type is said, the field must be there; and where the field is, the type."""
    return (
        Rule(
            f"{field} must be specified when type is set to '{type_}'",
            lambda value: value["type"] != type_ or field in value,
        ),
        Rule(
            f"type must be '{type_}' when {field} is set",
            lambda value: field not in value or value["type"] == type_,
        ),
    )


_NEW_PATH = structure(
    "The path it becomes.",
    {"type": word("What is replaced.", "ReplaceFullPath", "ReplacePrefixMatch")},
    replaceFullPath=text("In place of the whole path.", maxLength=1024),
    replacePrefixMatch=text("In place of what the rule matched.", maxLength=1024),
).kept_to(
    *_goes_with("replaceFullPath", "ReplaceFullPath"),
    *_goes_with("replacePrefixMatch", "ReplacePrefixMatch"),
)
_FRACTION = structure(
    "A part of the requests.",
    {"numerator": number("How many of them.", minimum=0)},
    denominator=number("Of how many.", minimum=1).or_else(100),
).kept_to(
    Rule(
        "numerator must be less than or equal to denominator",
        lambda part: part["numerator"] <= part["denominator"],
    )
)
_MIRROR = structure(
    "Where copies of the requests go; nobody reads the answers.",
    {"backendRef": BACKEND},
    fraction=_FRACTION,
    percent=number("How many of a hundred.", minimum=0, maximum=100),
).kept_to(
    Rule(
        "Only one of percent or fraction may be specified in HTTPRequestMirrorFilter",
        lambda mirror: not {"percent", "fraction"} <= mirror.keys(),
    )
)
_REDIRECT = structure(
    "Where clients are sent instead.",
    hostname=PRECISE_HOSTNAME,
    path=_NEW_PATH,
    port=PORT,
    scheme=word("The scheme.", "http", "https"),
    statusCode=Shape(
        "integer", "The status of the answer.", {"enum": [301, 302, 303, 307, 308]}
    ).or_else(302),
)
_REWRITE = structure(
    "What the Service sees in place of what was asked.",
    hostname=PRECISE_HOSTNAME.meant_as("The host."),
    path=_NEW_PATH,
)

_BY_TYPE = {
    "CORS": ("cors", CORS),
    "RequestHeaderModifier": ("requestHeaderModifier", _HEADERS),
    "ResponseHeaderModifier": ("responseHeaderModifier", _HEADERS),
    "RequestMirror": ("requestMirror", _MIRROR),
    "RequestRedirect": ("requestRedirect", _REDIRECT),
    "URLRewrite": ("urlRewrite", _REWRITE),
    "ExtensionRef": ("extensionRef", LOCAL_OBJECT),
}
_TYPES = (
    "RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "RequestRedirect",
    "URLRewrite", "ExtensionRef", "CORS",
)  # fmt: skip
_ONLY_ONCE = (
    "CORS", "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite",
)  # fmt: skip


def _belongs(type_: str, field: str) -> tuple[Rule, Rule]:
    return (
        Rule(
            f"filter.{field} must be nil if the filter.type is not {type_}",
            lambda step: field not in step or step["type"] == type_,
        ),
        Rule(
            f"filter.{field} must be specified for {type_} filter.type",
            lambda step: field in step or step["type"] != type_,
        ),
    )


_FILTER = structure(
    "One step.",
    {"type": word("What is done.", *_TYPES)},
    **dict(sorted(_BY_TYPE.values(), key=itemgetter(0))),
).kept_to(*(rule for type_, (field, _) in _BY_TYPE.items() for rule in _belongs(type_, field)))


def _not_both(steps: Any) -> bool:
    return not {"RequestRedirect", "URLRewrite"} <= {step["type"] for step in steps}


def _once(type_: str) -> Rule:
    return Rule(
        f"{type_} filter cannot be repeated",
        lambda steps: sum(step["type"] == type_ for step in steps) <= 1,
    )


FILTERS = listing("What is done on the way.", _FILTER, maxItems=16).kept_to(
    Rule(
        "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, "
        "but not both",
        _not_both,
    ),
    *map(_once, _ONLY_ONCE),
)
