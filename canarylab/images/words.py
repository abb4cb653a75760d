"""Words and variables of a Dockerfile, by Docker's rules.

A value is inserted as one word, single quotes keep everything as written, and an unset name is the
empty text.
"""

from __future__ import annotations

import json
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
_IN_DOCUMENT = re.compile(rf"""\\(?P<escaped>\$)|{_VARIABLE}""", re.DOTALL)

Values = Mapping[str, str]


def exec_form(text: str) -> list[str] | None:
    """Return the words of the exec form, a JSON list; None for the shell form.

    >>> exec_form('["node", "src/main.ts"]'), exec_form("node src/main.ts")
    (['node', 'src/main.ts'], None)
    """
    try:
        listed = json.loads(text) if text.startswith("[") else None
    except ValueError:
        return None
    return listed if isinstance(listed, list) and all(isinstance(w, str) for w in listed) else None


def raw_words(text: str) -> list[str]:
    """Split a line where no quotes are; quotes and variables stay as they are.

    >>> raw_words("COPY <<'END OF IT' a")
    ['COPY', "<<'END OF IT'", 'a']
    """
    return _WORD.findall(text)


def split_words(text: str, values: Values) -> list[str]:
    """Split a line into words; raise ValueError for an open quote or an unsupported ${...}.

    >>> split_words("a${X}c 'two words' ${Y:-none}", {"X": "b"})
    ['abc', 'two words', 'none']
    """
    _check_quotes(text)
    return [expand(word, values) for word in raw_words(text)]


def expand_each(text: str, values: Values) -> list[str]:
    """Split a line at its spaces, quotes or not, and expand each word, as COPY and ADD do.

    >>> expand_each("a$X '$X'", {"X": "b"})
    ['ab', '$X']
    """
    for word in text.split():
        _check_quotes(word)
    return [expand(word, values) for word in text.split()]


def expand(text: str, values: Values) -> str:
    r"""Expand the variables and quotes of one word.

    >>> expand(r"$X '$X' \$X", {"X": "b"})
    'b $X $X'
    """

    def outside(found: re.Match[str]) -> str:
        if found["literal"] is not None:
            return found["literal"]
        if found["quoted"] is not None:
            return _IN_QUOTES.sub(lambda inner: _variable_value(inner, values), found["quoted"])
        return _variable_value(found, values)

    return _OUTSIDE.sub(outside, text)


def expand_document(text: str, values: Values) -> str:
    """Expand the variables of a here-document, in which quotes are letters like any other.

    >>> expand_document("'$X'", {"X": "b"})
    "'b'"
    """
    return _IN_DOCUMENT.sub(lambda found: _variable_value(found, values), text)


def parse_assignments(text: str, values: Values) -> dict[str, str]:
    """Parse `A=b C="d e"`, or the old form `A b` that sets one name to the rest of the line.

    >>> parse_assignments("A=b C='d e'", {}), parse_assignments("A b   c", {})
    ({'A': 'b', 'C': 'd e'}, {'A': 'b   c'})
    """
    pieces = raw_words(text)
    if pieces and "=" not in pieces[0]:
        name, *rest = text.split(maxsplit=1)
        if not rest:
            raise ValueError(f"{name} has no value")
        _check_quotes(rest[0])
        return {name: expand(rest[0], values)}
    pairs = [word.partition("=") for word in split_words(text, values)]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise ValueError(f"`{name or '='}` is not an assignment")
    return {name: value for name, _, value in pairs}


def _check_quotes(text: str) -> None:
    rest = _WORD.sub("", text).strip()
    if rest:
        raise ValueError(f"the {rest[0]} has no end")


def _variable_value(found: re.Match[str], values: Values) -> str:
    if found["escaped"] is not None:
        return found["escaped"]
    if found["unknown"] is not None:
        raise ValueError(f"{found['unknown']} is not supported")
    name, how = found["name"] or found["braced"], found["how"] or ""
    empty_counts_as_unset = how.startswith(":")
    is_set = bool(values.get(name)) if empty_counts_as_unset else name in values
    if how.endswith("+"):
        return expand(found["other"], values) if is_set else ""
    if how.endswith("-") and not is_set:
        return expand(found["other"], values)
    return values.get(name, "")
