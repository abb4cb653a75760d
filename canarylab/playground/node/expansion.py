"""What does `$(NAME)` stand for in a command, an argument or an environment value?"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TERM = re.compile(r"\$(?:\$|\((?P<name>[^()]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """With every `$(NAME)` replaced by the variable; an unknown one stays as it is.

    Two dollar signs stand for one, so that `$$(NAME)` is not replaced.

    >>> expand("--port=$(PORT) $(NOBODY) $$(PORT)", {"PORT": "3333"})
    '--port=3333 $(NOBODY) $(PORT)'
    """

    def meaning(term: re.Match[str]) -> str:
        if term["name"] is None:
            return "$"
        return variables.get(term["name"], term[0])

    return _TERM.sub(meaning, text)
