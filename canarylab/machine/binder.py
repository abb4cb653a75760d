"""Is this Binder?"""

from __future__ import annotations

import os
from collections.abc import Mapping

from canarylab.machine.finding import Finding

SET_BY_BINDER = ("BINDER_LAUNCH_HOST", "BINDER_REPO_URL", "BINDER_SERVICE_HOST")


def binder(environment: Mapping[str, str] = os.environ) -> Finding:
    """Where one works on Binder, what that means."""
    needed_for = "keeping your work"
    if not any(name in environment for name in SET_BY_BINDER):
        return Finding("Binder", "fine", "This is not Binder: what you write stays", needed_for)
    words = "This is Binder: it ends after ten idle minutes and keeps nothing"
    remedy = "Download a notebook you have worked in before you leave."
    return Finding("Binder", "note", words, needed_for, remedy)
