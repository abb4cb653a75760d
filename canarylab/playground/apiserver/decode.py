"""Decoding of documents, as Go's JSON reader does it, and encoding to JSON.

Null means absent, unknown fields are dropped with a warning, empty values are not written back. A
document with a value of the wrong type is refused, and only the first one is reported. A document
that results from a patch is decoded in `patch.py`.

`omitempty` omits zeros in objects that controllers write.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from canarylab.errors import ApiError, BadRequestError
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.field_sets import duplicates, type_of
from canarylab.playground.apiserver.schema import STRUCTURAL_SCHEMAS
from canarylab.playground.apiserver.schema.builtin import (
    KEPT_WHEN_EMPTY,
    OMITTED_WHEN_ZERO,
    Schema,
    go_name,
    go_type,
    referenced_schema,
    schema_name,
    structure_schema,
)
from canarylab.playground.apiserver.schema.structural import prune
from canarylab.playground.kube.kinds import KINDS, SERVED_KINDS, Kind
from canarylab.playground.kube.quantities import (
    QUANTITY_PATTERN,
    InvalidQuantityError,
    canonical_quantity,
)

FieldValidation = Literal["Strict", "Warn", "Ignore"]
_HEAD = frozenset({"apiVersion", "kind", "metadata"})
_METADATA_SCHEMA = "io.k8s.api.core.v1.ConfigMap"
"""apiVersion, kind and metadata of custom kinds are read by the schema of a built-in kind."""
_OPTIONS = {
    "DeleteOptions": "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "Scale": "io.k8s.api.autoscaling.v1.Scale",
}
_INTERNAL_PACKAGES = {
    "": "core",
    "apps": "apps",
    "rbac.authorization.k8s.io": "rbac",
    "discovery.k8s.io": "discovery",
    "networking.k8s.io": "networking",
}
_HEADER = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
    'Kind string "json:\\"kind,omitempty\\"" }'
)
_INDEX = re.compile(r"\[\d+\]")
_INTEGER_BOUNDS = {"int32": 2**31, "int64": 2**63}
_ZEROS = {
    "string": "", "byte": "", "boolean": False, "int32": 0, "int64": 0, "int-or-string": 0,
    "quantity": "0",
}  # fmt: skip
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
_BASE64_CHARACTERS = frozenset(string.ascii_letters + string.digits + "+/")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class DecodedObject(NamedTuple):
    """A decoded object, and the warnings for the client."""

    obj: Object
    warnings: list[str]


def decode(kind: Kind, document: object, *, validation: FieldValidation = "Warn") -> DecodedObject:
    """The object of a document; raise BadRequestError with Kubernetes' message."""
    if not isinstance(document, dict):
        raise BadRequestError(_not_an_object(kind, document))
    _check_identity(kind, document)
    errors = DecodeErrors()
    obj = read_object(kind, document, errors)
    obj = {"metadata": {}, **obj, "apiVersion": kind.api_version, "kind": kind.kind}
    unknown = [f'unknown field "{path}"' for path in errors.unknown_fields]
    if errors.first_error is not None:
        raise BadRequestError(_decode_error(kind, errors.first_error))
    if unknown and validation == "Strict":
        raise BadRequestError(_decode_error(kind, f"strict decoding error: {', '.join(unknown)}"))
    return DecodedObject(obj, unknown if validation == "Warn" else [])


def decode_options(kind: str, document: object) -> Object:
    """The options of a request, of a kind that is not stored; raise BadRequestError."""
    errors = DecodeErrors()
    known = _OPTIONS[kind]
    read = read_structure(known, document, errors) if isinstance(document, dict) else {}
    problem = errors.first_error
    if not isinstance(document, dict):
        problem = f"json: cannot unmarshal {json_type(document)} into Go value of type v1.{kind}"
    if problem is not None:
        raise BadRequestError(f'{kind} in version "v1" cannot be handled as a {kind}: {problem}')
    return read


def read_object(kind: Kind, document: Object, errors: DecodeErrors) -> Object:
    """Read an object of a built-in or custom kind; problems are added to `errors`.

    A value of the wrong type stays in an object of a custom kind, and validation refuses it.
    """
    if not kind.is_custom:
        return read_structure(schema_name(kind.kind, kind.api_version), document, errors)
    head = {name: value for name, value in document.items() if name in _HEAD}
    body = {name: value for name, value in document.items() if name not in _HEAD}
    return {
        **read_structure(_METADATA_SCHEMA, head, errors),
        **prune(STRUCTURAL_SCHEMAS[kind.kind], body, errors.unknown_fields),
    }


def decode_configuration(kind: Kind, document: object) -> Object:
    """The apply configuration of a document: only what it has, without zeros for the rest.

    Raise ApiError in the words of server-side apply, which knows no unknown fields.
    """
    if not isinstance(document, dict):
        raise BadRequestError(_not_an_object(kind, document))
    errors = DecodeErrors(is_configuration=True)
    obj = read_object(kind, document, errors)
    found = [f".{path}: field not declared in schema" for path in errors.unknown_fields]
    found += (
        [errors.first_error]
        if errors.first_error is not None
        else duplicates(type_of(kind.kind), obj)
    )
    if found:
        meta = obj.get("metadata", {})
        name = "/".join(filter(None, (meta.get("namespace"), meta.get("name"))))
        listed = found[0] if len(found) == 1 else "\n  ".join(["errors:", *found])
        version = f"{kind.api_version}, Kind={kind.kind}"
        raise ApiError(f"failed to create typed patch object ({name}; {version}): {listed}")
    return {"metadata": {}, **obj, "apiVersion": kind.api_version, "kind": kind.kind}


def complete(kind: Kind, obj: Object) -> Object:
    """An object made from configurations, with the zeros that Go writes for required fields."""
    return read_object(kind, obj, DecodeErrors())


def _decode_error(kind: Kind, problem: str) -> str:
    return f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {problem}'


def _not_an_object(kind: Kind, document: object) -> str:
    return (
        f"the object provided is unrecognized (must be of type {kind.kind}): couldn't get "
        f"version/kind; json parse error: json: cannot unmarshal {json_type(document)} into Go "
        f"value of type {_HEADER} ({json.dumps(document).encode()[:64].hex()})"
    )


def _check_identity(kind: Kind, document: Object) -> None:
    """Raise BadRequestError if a given apiVersion or kind is not that of the path."""
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


def _api_versions(kind: Kind) -> list[str]:
    """All groups and versions in which a kind is served."""
    return [served.api_version for served in SERVED_KINDS if served.kind == kind.kind]


@dataclass
class DecodeErrors:
    """What is wrong with a document."""

    unknown_fields: list[str] = field(default_factory=list)
    """Paths of unknown fields, `spec.containers[0].imagee`."""
    first_error: str | None = None
    """The error of the first value of a wrong type, as in Go."""
    from_patch: bool = False
    """Whether the document results from a strategic merge patch; its errors differ."""
    is_configuration: bool = False
    """Whether the document is one to apply: a part of an object, in which zeros count."""

    def add(self, sentence: str) -> None:
        """Keep the error if it is the first, as Go does."""
        self.first_error = self.first_error or sentence


class _FieldLocation(NamedTuple):
    """The structure of a field, its name, and its path."""

    structure: str
    field: str
    path: str

    @property
    def name(self) -> str:
        return f"{go_name(self.structure)}.{self.field}"

    def item(self, index: int) -> _FieldLocation:
        return _FieldLocation(self.structure, self.field, f"{self.path}[{index}]")


def read_structure(
    structure: str, document: Mapping[str, Any], errors: DecodeErrors, path: str = ""
) -> Object:
    """Decode a structure as Go does; problems are added to `errors`."""
    known, required = (
        structure_schema(structure)["properties"],
        structure_schema(structure).get("required", ()),
    )
    kept: Object = {}
    for key, value in document.items():
        location = _FieldLocation(structure, key, f"{path}.{key}" if path else key)
        if key not in known:
            errors.unknown_fields.append(location.path)
        elif value is not None:
            read_value = _read_value(known[key], value, location, errors)
            is_omitted = _is_omitted(known[key], read_value, location.name)
            if errors.is_configuration:
                is_omitted = read_value is None
            elif key in required:
                is_omitted = False
            if not is_omitted:
                kept[key] = read_value
    if errors.is_configuration:
        return kept
    # Go writes required fields that are absent as the zero of their type.
    zeros = {key: zero_value(known[key]) for key in required if key not in kept}
    return kept | {key: value for key, value in zeros.items() if value is not None}


def _is_omitted(schema: Schema, value: Any, name: str) -> bool:
    """Whether Go omits the value when it writes the structure (omitempty)."""
    if value is None:
        return True
    if value:
        return False
    if isinstance(value, bool | int):
        return name in OMITTED_WHEN_ZERO
    if value == "":
        return name not in KEPT_WHEN_EMPTY
    return "items" in schema or "additionalProperties" in schema


def _read_value(schema: Schema, value: Any, location: _FieldLocation, errors: DecodeErrors) -> Any:
    if "items" in schema:
        return _read_list(schema, value, location, errors)
    if "additionalProperties" in schema:
        return _read_map(schema, value, location, errors)
    structure = referenced_schema(schema)
    if structure is not None:
        if isinstance(value, dict):
            return read_structure(structure, value, errors, location.path)
        return _report_wrong_type(schema, value, location, errors)
    return _read_scalar_field(schema, value, location, errors)


def _read_list(schema: Schema, value: Any, location: _FieldLocation, errors: DecodeErrors) -> Any:
    if not isinstance(value, list):
        return _report_wrong_type(schema, value, location, errors)
    return [
        _read_element(schema["items"], item, location.item(index), errors)
        for index, item in enumerate(value)
    ]


def _read_map(schema: Schema, value: Any, location: _FieldLocation, errors: DecodeErrors) -> Any:
    if not isinstance(value, dict):
        return _report_wrong_type(schema, value, location, errors)
    inner = schema["additionalProperties"]
    return {key: _read_element(inner, item, location, errors) for key, item in value.items()}


def _read_element(
    schema: Schema, value: Any, location: _FieldLocation, errors: DecodeErrors
) -> Any:
    """An item of a list or a value of a map; null is the zero of its type."""
    if value is None:
        value = {} if referenced_schema(schema) else zero_value(schema)
    return _read_value(schema, value, location, errors)


def _read_scalar_field(
    schema: Schema, value: Any, location: _FieldLocation, errors: DecodeErrors
) -> Any:
    if schema.get("type") == "object":
        return value  # of any type
    try:
        return read_scalar(schema, value)
    except WrongTypeError:
        return _report_wrong_type(schema, value, location, errors)
    except ValueError as problem:
        errors.add(str(problem))
        return None


def _report_wrong_type(
    schema: Schema, value: Any, location: _FieldLocation, errors: DecodeErrors
) -> None:
    expected = go_type(schema, location.name)
    if errors.is_configuration:
        errors.add(f".{location.path}: {_configuration_error(schema, value)}")
        return
    if errors.from_patch:
        errors.add(_conversion_error(schema, value, expected))
        return
    found = json_type(value)
    owner = f"{go_name(location.structure)}.{_INDEX.sub('', location.path)}"
    errors.add(f"json: cannot unmarshal {found} into Go struct field {owner} of type {expected}")


def _configuration_error(schema: Schema, value: Any) -> str:
    """The error of a value in an apply configuration that is of another type than its field."""
    found = {
        dict: "map[string]interface {}", list: "[]interface {}", str: "string", bool: "bool",
        float: "float64",
    }.get(type(value), "int64")  # fmt: skip
    if "items" in schema:
        return f"expected list, got {found}"
    if "additionalProperties" in schema or referenced_schema(schema) is not None:
        return f"expected map, got {found}"
    if schema["type"] == "string":
        return f"expected string, got &value.valueUnstructured{{Value:{json.dumps(value)}}}"
    if schema["type"] == "boolean":
        return f"expected boolean, got {found}"
    return f"expected numeric (int or float), got {found}"


def _conversion_error(schema: Schema, value: Any, expected: str) -> str:
    """The error of the reader of patched objects, which reads maps instead of JSON."""
    found = {dict: "map", list: "slice", str: "string", bool: "bool", float: "float64"}.get(
        type(value), "int64"
    )
    if "items" in schema:
        return f"cannot restore slice from {found}"
    if "additionalProperties" in schema:
        return f"cannot restore map from {found}"
    if referenced_schema(schema) is not None:
        return f"cannot restore struct from: {found}"
    if (found, expected) in (("float64", "int32"), ("float64", "int64"), ("int64", "string")):
        return f"cannot convert {found} to {expected}"
    return f"unrecognized type: {expected if schema.get('type') != 'string' else 'string'}"


class WrongTypeError(Exception):
    """Raised for a value of another type than its field."""


def json_type(value: Any) -> str:
    """The type of a value as Go's JSON decoder names it.

    >>> json_type([]), json_type(True), json_type(1), json_type(1.5)
    ('array', 'bool', 'number', 'number 1.5')
    """
    if isinstance(value, float):
        return f"number {value}"
    names = {dict: "object", list: "array", str: "string", bool: "bool", int: "number"}
    return names.get(type(value), "null")


def zero_value(schema: Schema) -> Any:
    """Go's zero of a type, or None if it is a nil pointer.

    >>> zero_value({"type": "string"}), zero_value({"format": "quantity"})
    ('', '0')
    """
    return _ZEROS.get(schema.get("format") or schema.get("type", ""))


def read_scalar(schema: Schema, value: Any) -> Any:
    """The value as it is stored; raise WrongTypeError or ValueError if it does not fit.

    >>> read_scalar({"format": "quantity"}, 0.5)
    '500m'
    """
    form = schema.get("format") or schema["type"]
    if form in _INTEGER_BOUNDS:
        return _integer(value, _INTEGER_BOUNDS[form])
    if form in _READERS:
        return _READERS[form](value)
    return _of_type(value, bool if form == "boolean" else str)


def _of_type(value: Any, expected: type) -> Any:
    if not isinstance(value, expected):
        raise WrongTypeError
    return value


def _integer(value: Any, bound: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -bound <= value < bound:
        raise WrongTypeError
    return value


def _int_or_string(value: Any) -> int | str:
    if isinstance(value, str):
        return value
    try:
        return _integer(value, _INTEGER_BOUNDS["int32"])
    except WrongTypeError:
        raise ValueError(
            f"json: cannot unmarshal {json_type(value)} into Go value of type int32"
        ) from None


def _quantity(value: Any) -> str:
    try:
        return canonical_quantity(str(value).strip())
    except InvalidQuantityError:
        raise ValueError(
            f"quantities must match the regular expression '{QUANTITY_PATTERN}'"
        ) from None


def _time(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"json: cannot unmarshal {json_type(value)} into Go value of type string")
    if not _TIME.match(value):
        raise ValueError(
            f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": '
            f'cannot parse "{value}" as "2006"'
        )
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f'parsing time "{value}": day out of range') from None
    precision = "microseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def _base64(value: Any) -> str:
    """The text without the line breaks, which Go's decoder skips."""
    given = str(_of_type(value, str))
    text = re.sub(r"[\r\n]", "", given)
    good = _BASE64.match(text)
    if good is None or good.end() < len(text):
        raise ValueError(f"illegal base64 data at input byte {_illegal_byte(given)}")
    return text


def _illegal_byte(given: str) -> int:
    """The position in Go's message: of the first wrong character, or of an incomplete group.

    >>> _illegal_byte("abc1?"), _illegal_byte("abc12"), _illegal_byte("ab==cd")
    (4, 4, 4)
    """
    data = given.encode()
    kept = [at for at, byte in enumerate(data) if byte not in b"\r\n"]
    for number, at in enumerate(kept):
        if chr(data[at]) in _BASE64_CHARACTERS:
            continue
        place, rest = number % 4, kept[number + 1 :]
        if data[at] != ord("=") or place < 2:
            return at
        if place == 2 and not rest:
            return len(data)
        if place == 2 and data[rest[0]] != ord("="):
            return at
        return rest[place == 2] if rest[place == 2 :] else len(data)
    return len(data) - len(kept) % 4


_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "byte": _base64,
        "date-time": _time,
        "int-or-string": _int_or_string,
        "quantity": _quantity,
    }
)


def omitempty(obj: Object) -> Object:
    """The object without the zeros that Kubernetes does not write.

    >>> omitempty({"kind": "Deployment", "status": {"replicas": 3, "readyReplicas": 0}})
    {'kind': 'Deployment', 'status': {'replicas': 3}}
    """
    for part, structure in (("spec", "Spec"), ("status", "Status")):
        if isinstance(obj.get(part), dict):  # a custom kind may still have anything there
            obj = {**obj, part: _omit_zeros(obj[part], f"{obj['kind']}{structure}")}
    return obj


def _omit_zeros(part: Object, structure: str) -> Object:
    return {
        name: value
        for name, value in part.items()
        if value or f"{structure}.{name}" not in OMITTED_WHEN_ZERO
    }


def encoded(obj: Object) -> bytes:
    """The object as compact JSON.

    >>> encoded({"kind": "Pod", "metadata": {}})
    b'{"kind":"Pod","metadata":{}}'
    """
    return _encode(obj).encode(errors="surrogatepass")
