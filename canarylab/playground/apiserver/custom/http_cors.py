"""How is it said which web pages of other hosts may ask?"""

from __future__ import annotations

from canarylab.playground.apiserver.custom.http_match import HEADER_NAME, METHODS
from canarylab.playground.apiserver.custom.shape import (
    Rule,
    Shape,
    flag,
    listing,
    number,
    structure,
    text,
    word,
)

_ORIGIN = text(
    "A scheme, a host and perhaps a port; or `*`.",
    minLength=1,
    maxLength=253,
    pattern=r"(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)"
    r"(:([0-9]{1,5}))?)$)",
)


def _all_or_some(field: str, others: str, shape: Shape) -> Shape:
    """`*` is for all; then nothing else stands beside it."""
    return shape.kept_to(
        Rule(
            f"{field} cannot contain '*' alongside other {others}",
            lambda values: "*" not in values or len(values) == 1,
        )
    )


CORS = structure(
    "Which web pages of other hosts may ask.",
    allowCredentials=flag("Whether cookies come along."),
    allowHeaders=_all_or_some(
        "AllowHeaders",
        "methods",
        listing("Headers they may send.", HEADER_NAME, by=(), maxItems=64),
    ),
    allowMethods=_all_or_some(
        "AllowMethods",
        "methods",
        listing("Methods they may use.", word("A method.", *METHODS, "*"), by=(), maxItems=9),
    ),
    allowOrigins=_all_or_some(
        "AllowOrigins", "origins", listing("Which pages.", _ORIGIN, by=(), maxItems=64)
    ),
    exposeHeaders=listing("Headers they may read.", HEADER_NAME, by=(), maxItems=64),
    maxAge=number("How many seconds this may be remembered.", minimum=1).or_else(5),
)
