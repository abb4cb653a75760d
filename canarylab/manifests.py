"""Manifests: the names in those of the lessons, the objects in a YAML file, and differences."""

from __future__ import annotations

from pathlib import Path

import yaml

from canarylab.errors import ManifestError
from canarylab.kube_objects import Object

PRODUCTION, CANARY, SERVICE = "nodeapp-production", "nodeapp-canary", "nodeapp-svc"
CANARY_INGRESS = "ingress-canary"
RELEASE_STATE = "canarylab.dev/release"
"""The annotation of the canary with the state of a release in steps."""
CONTAINER = "nodeapp"
PRODUCTION_REPLICAS = 3
SELECTOR = "app=nodeapp"
"""Selects everything of the lessons."""


def load(path: Path) -> list[Object]:
    """The objects in a file, in its order; raise ManifestError if it holds none.

    Only the cluster checks whether it accepts them.
    """
    try:
        text = path.read_text()
    except OSError as exc:
        raise ManifestError(
            f"{path} cannot be read: {exc.strerror}. Check the name and the folder."
        ) from exc
    return parse(text, name=str(path))


def parse(text: str, *, name: str = "manifest") -> list[Object]:
    r"""The objects in a YAML text.

    >>> [entry["kind"] for entry in parse("apiVersion: v1\nkind: Service")]
    ['Service']
    """
    try:
        documents = [entry for entry in yaml.safe_load_all(text) if entry is not None]
    except yaml.YAMLError as exc:
        raise ManifestError(
            f"{name} is not YAML{_place(exc)}. Look at the indentation and the colons there."
        ) from exc
    if not documents:
        raise ManifestError(
            f"{name} holds no object. Write at least apiVersion, kind and metadata."
        )
    for number, document in enumerate(documents, start=1):
        _require_object(document, f"{name}, document {number}")
    return documents


def differences(old: str, new: str) -> list[tuple[str, bool]]:
    r"""Every line of `new`, and whether it differs from `old` at that place.

    >>> differences("a: 1\nb: 2", "a: 1\nb: 3")
    [('a: 1', False), ('b: 3', True)]
    """
    import difflib  # noqa: PLC0415  only lessons compare

    before, after = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changed = [True] * len(after)
    for block in matcher.get_matching_blocks():
        changed[block.b : block.b + block.size] = [False] * block.size
    return list(zip(after, changed, strict=True))


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None)
    return f": line {mark.line + 1}, {problem}" if mark and problem else ""


def _require_object(document: object, name: str) -> None:
    if not isinstance(document, dict):
        raise ManifestError(
            f"{name} is {type(document).__name__}, not an object. "
            "Start it with `apiVersion:` and `kind:`."
        )
    missing = [field for field in ("apiVersion", "kind") if not document.get(field)]
    if missing:
        raise ManifestError(f"{name} has no {' and no '.join(missing)}. Every object needs both.")
