"""Is what a patch made still an object of its kind?

A patch that leaves something unreadable is refused as invalid, not as a bad request, and the
refusal shows the patch itself: Kubernetes has its own words for each style.
"""

from __future__ import annotations

from typing import Any

from canarylab.errors import InvalidError
from canarylab.playground.apiserver.documents.decode import (
    Decoded,
    FieldValidation,
    read_object,
)
from canarylab.playground.apiserver.documents.reading import Findings
from canarylab.playground.apiserver.encoding import encoded
from canarylab.playground.apiserver.field_errors import invalid
from canarylab.playground.apiserver.patching.patch import PatchStyle
from canarylab.playground.apiserver.patching.strategic import shown
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import Kind


def decode_patched(
    kind: Kind,
    patched: Object,
    patch: Any,
    style: PatchStyle,
    *,
    validation: FieldValidation = "Warn",
) -> Decoded:
    """The object that `apply_patch` made, read as `decode` reads a whole one."""
    findings = Findings(converting=style == "strategic")
    obj = read_object(kind, patched, findings)
    unknown = [f'unknown field "{path}"' for path in findings.unknown]
    problem = findings.wrong
    if problem is None and unknown and validation == "Strict":
        problem = f"strict decoding error: {', '.join(unknown)}"
    if problem is not None:
        what = shown(patch) if style == "strategic" else encoded(patched).decode()
        raise InvalidError("", "", "", [invalid("patch", what, problem)])
    obj = {"metadata": {}, **obj, "apiVersion": kind.api_version, "kind": kind.kind}
    return Decoded(obj, unknown if validation == "Warn" else [])
