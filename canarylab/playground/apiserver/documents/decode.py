"""What does a client mean by this document?

Unknown fields are dropped, and said so; a value of the wrong type refuses the whole document, in
the words of Go's JSON reader. A document that a patch made is read by `patching/patched.py`.
"""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

from canarylab.errors import BadRequestError
from canarylab.playground.apiserver.documents.reading import Findings, read
from canarylab.playground.apiserver.documents.scalars import json_type
from canarylab.playground.apiserver.schema import STRUCTURAL_SCHEMAS
from canarylab.playground.apiserver.schema.builtin import name_of
from canarylab.playground.apiserver.schema.structural import prune
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.kinds import KINDS, Kind

FieldValidation = Literal["Strict", "Warn", "Ignore"]

_HEAD = frozenset({"apiVersion", "kind", "metadata"})
_SAME_HEAD = "io.k8s.api.core.v1.ConfigMap"
"""A built-in kind: the head of a custom kind is read as its own."""

_INTERNAL_PACKAGES = {
    "": "core",
    "apps": "apps",
    "discovery.k8s.io": "discovery",
    "networking.k8s.io": "networking",
}
_HEADER = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
    'Kind string "json:\\"kind,omitempty\\"" }'
)


class Decoded(NamedTuple):
    """An object that fits its schema, and what to warn its sender of."""

    obj: Object
    warnings: list[str]


def decode(kind: Kind, document: object, *, validation: FieldValidation = "Warn") -> Decoded:
    """The object in the document; raise BadRequestError in Kubernetes' words."""
    if not isinstance(document, dict):
        raise BadRequestError(_not_an_object(kind, document))
    _check_identity(kind, document)
    findings = Findings()
    obj = read_object(kind, document, findings)
    obj = {"metadata": {}, **obj, "apiVersion": kind.api_version, "kind": kind.kind}
    unknown = [f'unknown field "{path}"' for path in findings.unknown]
    if findings.wrong is not None:
        raise BadRequestError(_refusal(kind, findings.wrong))
    if unknown and validation == "Strict":
        raise BadRequestError(_refusal(kind, f"strict decoding error: {', '.join(unknown)}"))
    return Decoded(obj, unknown if validation == "Warn" else [])


def read_object(kind: Kind, document: Object, findings: Findings) -> Object:
    """Read an object of a built-in or a custom kind; what is wrong with it goes into `findings`.

    A value of the wrong type cannot be read into a Go structure, but it stays in an object of a
    custom kind, and validation refuses it.
    """
    if not kind.is_custom:
        return read(name_of(kind.kind, kind.group), document, findings)
    head = {name: value for name, value in document.items() if name in _HEAD}
    body = {name: value for name, value in document.items() if name not in _HEAD}
    return {
        **read(_SAME_HEAD, head, findings),
        **prune(STRUCTURAL_SCHEMAS[kind.kind], body, findings.unknown),
    }


def _refusal(kind: Kind, problem: str) -> str:
    return f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {problem}'


def _not_an_object(kind: Kind, document: object) -> str:
    return (
        f"the object provided is unrecognized (must be of type {kind.kind}): couldn't get "
        f"version/kind; json parse error: json: cannot unmarshal {json_type(document)} into Go "
        f"value of type {_HEADER} ({json.dumps(document).encode()[:64].hex()})"
    )


def _check_identity(kind: Kind, document: Object) -> None:
    """A document may leave out what it is, but may not claim to be something else."""
    claimed = document.get("kind") or kind.kind
    api_version = document.get("apiVersion") or kind.api_version
    if (claimed, api_version) == (kind.kind, kind.api_version):
        return
    if claimed == kind.kind and api_version in _api_versions(kind):
        raise BadRequestError(
            f"the API version in the data ({api_version}) does not match the expected API version "
            f"({kind.api_version})"
        )
    known = KINDS.get(claimed) if isinstance(claimed, str) else None
    version = str(api_version).rpartition("/")[2]
    if known is None or known.api_version != api_version:
        problem = f'no kind "{claimed}" is registered for version "{api_version}"'
    else:
        package = _INTERNAL_PACKAGES.get(kind.group, kind.group)
        problem = f"converting ({version}.{claimed}) to ({package}.{kind.kind}): unknown conversion"
    raise BadRequestError(
        f'{claimed} in version "{version}" cannot be handled as a {kind.kind}: {problem}'
    )


def _api_versions(kind: Kind) -> set[str]:
    """All versions in which a kind is served."""
    stored = KINDS[kind.kind]
    return {f"{kind.group}/{version}" for version in (stored.version, *stored.other_versions)}
