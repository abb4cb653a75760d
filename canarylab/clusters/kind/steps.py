"""Which step is kind at, going by what it writes?

Away from a terminal kind writes a line ` • Preparing nodes 📦  ...` where a step begins and
` ✓ Preparing nodes 📦 ` or ` ✗ ...` where it ends.
"""

from __future__ import annotations

import re
import unicodedata

BEGUN, FAILED = "•", "✗"
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_PICTURES = {"So", "Sk", "Mn", "Me", "Cf", "Cn", "Co"}  # emoji, and what joins and colours them


def step(line: str) -> str | None:
    """The step in plain words where one begins or fails, else None.

    >>> step(" • Preparing nodes 📦   ...")
    'preparing nodes'
    >>> step(" ✗ Starting control-plane 🕹️")
    'starting control-plane failed'
    >>> step(" ✓ Preparing nodes 📦 ") is None
    True
    """
    mark, _, rest = _ANSI.sub("", line).strip().partition(" ")
    words = _plain(rest)
    if not words or mark not in {BEGUN, FAILED}:
        return None
    return f"{words} failed" if mark == FAILED else words


def ran_out_of_time(line: str) -> bool:
    """Does kind give up waiting for the node here? It ends with exit status 0 all the same.

    >>> ran_out_of_time(" • WARNING: Timed out waiting for Ready ⚠️")
    True
    """
    return "timed out waiting" in line.lower()


def _plain(words: str) -> str:
    kept = "".join(sign for sign in words if unicodedata.category(sign) not in _PICTURES)
    tidy = " ".join(kept.split()).removesuffix("...").strip()
    return tidy[:1].lower() + tidy[1:]
