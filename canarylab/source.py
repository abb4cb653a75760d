"""Which file makes this happen? Shows the code that is running, so that text and code agree."""

from __future__ import annotations

from pathlib import Path

import canarylab
from canarylab.display import FileView

_PACKAGE = Path(canarylab.__file__).parent


def source(name: str) -> FileView:
    """The file of this name, `replicaset` or `release/rollout`, as it runs here.

    >>> source("source").title
    'canarylab/source.py'
    """
    found = sorted(_PACKAGE.glob(f"**/{name}.py"), key=lambda path: len(path.parts))
    if not found:
        close = sorted(path.stem for path in _PACKAGE.glob("**/*.py") if name in path.stem)
        hint = f"Did you mean one of: {', '.join(close)}?" if close else "Look into canarylab/."
        raise ValueError(f'There is no file "{name}.py" in canarylab. {hint}')
    lines = found[0].read_text().splitlines()
    title = str(found[0].relative_to(_PACKAGE.parent))
    return FileView(title, [(line, False) for line in lines])
