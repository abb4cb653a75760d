"""Learn canary releases on Kubernetes.

`Lab` is the one object a notebook holds, and `check` says what holds and what does not yet. Both
are imported when they are first asked for, so that `import canarylab` itself loads nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from canarylab.checks import check
    from canarylab.lab import Lab

__all__ = ["Lab", "__version__", "check"]
__version__ = "0.1.0"

_HOMES = {"Lab": "canarylab.lab", "check": "canarylab.checks"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'canarylab' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
