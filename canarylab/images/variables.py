"""What do the words of a Dockerfile line become once quotes and $NAMES are resolved?

The rules are Docker's, which are a shell's without the surprises: a value is put in as one piece,
single quotes keep everything as it stands, and a name nobody set is the empty text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_BRACES = r"\$\{(?:[^{}]|\$\{[^{}]*\})*\}"
_WORD = re.compile(rf"""(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|{_BRACES}|[^\s'"\\])+""", re.DOTALL)

_VARIABLE = (
    r"\$(?P<name>[A-Za-z_]\w*)"
    r"|\$\{(?P<braced>[A-Za-z_]\w*)(?:(?P<how>:?[-+])(?P<other>(?:[^{}]|\$\{[^{}]*\})*))?\}"
    r"|(?P<unknown>\$\{[^}]*\}?)"
)
_OUTSIDE = re.compile(
    rf"""'(?P<literal>[^']*)'|"(?P<quoted>(?:[^"\\]|\\.)*)"|\\(?P<escaped>.)|{_VARIABLE}""",
    re.DOTALL,
)
_IN_QUOTES = re.compile(rf"""\\(?P<escaped>["\\$])|{_VARIABLE}""", re.DOTALL)


def words(text: str, values: Mapping[str, str]) -> list[str]:
    """The words of a line; raise ValueError where a quote has no end or a ${...} is not known.

    >>> words("a${X}c 'two words' ${Y:-none}", {"X": "b"})
    ['abc', 'two words', 'none']
    """
    rest = _WORD.sub("", text).strip()
    if rest:
        raise ValueError(f"the {rest[0]} has no end")
    return [substituted(word, values) for word in _WORD.findall(text)]


def substituted(text: str, values: Mapping[str, str]) -> str:
    r"""`text` as one word.

    >>> substituted(r"$X '$X' \$X", {"X": "b"})
    'b $X $X'
    """

    def outside(found: re.Match[str]) -> str:
        if found["literal"] is not None:
            return found["literal"]
        if found["quoted"] is not None:
            return _IN_QUOTES.sub(lambda inner: _value(inner, values), found["quoted"])
        return _value(found, values)

    return _OUTSIDE.sub(outside, text)


def assignments(text: str, values: Mapping[str, str]) -> dict[str, str]:
    """`A=b C="d e"`, or the old form `A b` that sets one name to the rest of the line.

    >>> assignments("A=b C='d e'", {}), assignments("A b c", {})
    ({'A': 'b', 'C': 'd e'}, {'A': 'b c'})
    """
    pieces = _WORD.findall(text)
    if pieces and "=" not in pieces[0]:
        name, _, rest = text.partition(" ")
        if not rest.strip():
            raise ValueError(f"{name} is given no value")
        return {name: " ".join(words(rest, values))}
    pairs = [word.partition("=") for word in words(text, values)]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise ValueError(f"`{name or '='}` is no assignment")
    return {name: value for name, _, value in pairs}


def _value(found: re.Match[str], values: Mapping[str, str]) -> str:
    if found["escaped"] is not None:
        return found["escaped"]
    if found["unknown"] is not None:
        raise ValueError(f"{found['unknown']} is not known")
    name, how = found["name"] or found["braced"], found["how"] or ""
    empty_counts_as_unset = how.startswith(":")
    there = bool(values.get(name)) if empty_counts_as_unset else name in values
    if how.endswith("+"):
        return substituted(found["other"], values) if there else ""
    if how.endswith("-") and not there:
        return substituted(found["other"], values)
    return values.get(name, "")
