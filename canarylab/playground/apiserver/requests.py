"""Requests and responses: path, query and body of a request, and the formats of a response.

Bodies are JSON, YAML (curl), or the protobuf that `kubectl create` sends from version 1.32 on.
Answers are JSON; kubectl asks for lists as a Table, whose cells the server fills in. Errors are
Statuses, from which kubectl makes its messages: `reason` chooses the words, `details.kind` is the
plural resource, or the kind if the code is 422.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from aiohttp import web

from canarylab.errors import (
    AlreadyExistsError,
    ApiError,
    ApplyConflictError,
    BadRequestError,
    Cause,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidError,
    NotFoundError,
    StatusError,
)
from canarylab.kube_objects import Key, Object, parse_integer, uid_of
from canarylab.playground.apiserver.conversion import in_version
from canarylab.playground.apiserver.decode import FieldValidation, encoded
from canarylab.playground.apiserver.documents import (
    MAX_JSON_PATCH_VALUES,
    MAX_VALUES,
    check_bounds,
    parse_json,
    parse_yaml,
)
from canarylab.playground.apiserver.local_api import LocalApi
from canarylab.playground.apiserver.managed_fields import FieldManager
from canarylab.playground.apiserver.patch import PatchStyle
from canarylab.playground.apiserver.protobuf import decode_protobuf
from canarylab.playground.apiserver.store import PlannedWrite
from canarylab.playground.apiserver.tables import build_table
from canarylab.playground.kube.api import KubeletClient
from canarylab.playground.kube.kinds import KINDS, ON_KIND, SERVED_KINDS, UNSERVED_KINDS, Kind
from canarylab.playground.kube.selectors import Predicate, by_field_query, by_label_query

Query = Mapping[str, str]
MAX_BODY_BYTES = 3 * 1024 * 1024  # bytes, as on a real server
MAX_WARNING_LENGTH, MAX_WARNINGS_LENGTH = 256, 4096  # characters, of one and of all together
MAX_WARNINGS = 50  # Python's http.client reads a hundred headers
BODY_TIMEOUT_S = 60.0
PROTOBUF = "application/vnd.kubernetes.protobuf"
JSON = "application/json"

_KINDS_BY_PATH = {(kind.api_version, kind.plural): kind for kind in SERVED_KINDS}
_UNSERVED_BY_PATH = {(kind.api_version, kind.plural): kind for kind in UNSERVED_KINDS}
_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
_COMMON_FIELDS = frozenset({"metadata.name", "metadata.namespace"})
_FIELDS_BY_KIND = {
    "Pod": frozenset(
        {
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        }
    ),
    "Event": frozenset(
        {
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "type",
        }
    ),
    "Namespace": frozenset({"status.phase"}),
    "Node": frozenset({"spec.unschedulable"}),
    "Service": frozenset({"spec.clusterIP", "spec.type"}),
    "ReplicaSet": frozenset({"status.replicas"}),
}
_PATCH_TYPES: dict[str, PatchStyle] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
_CUSTOM_PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
)
"""Without strategic merge, which needs Go types."""
APPLY = "application/apply-patch+yaml"
MAX_MANAGER_LENGTH = 128  # characters


_TOO_LONG = Cause(
    "FieldValueTooLong",
    "fieldManager",
    f"Too long: may not be more than {MAX_MANAGER_LENGTH} bytes",
)


@dataclass(frozen=True)
class RequestContext:
    """One request with its path, the API and the kubelet."""

    request: web.Request
    path: ResourcePath
    api: LocalApi
    kubelet: KubeletClient

    @property
    def kind(self) -> Kind:
        """The kind of the path."""
        return self.path.kind

    @property
    def query(self) -> Query:
        """The query of the URL."""
        return self.request.query

    def current(self) -> Object:
        """The object that the path names, in the version of the path, or NotFoundError."""
        obj = self.api.registry.get(self.kind.kind, self.path.key)
        return in_version(obj, self.kind)

    def find(self) -> Object | None:
        """The object that the path names, as it is stored, or None."""
        return self.api.store.find(self.kind.kind, self.path.key)

    def commit(self, write: PlannedWrite) -> Object:
        """Commit a write, unless this is a dry run; the object in the version of the path."""
        obj = write.object if is_dry_run(self.query) else self.api.commit(write)
        return in_version(obj, self.kind)


Handler = Callable[[RequestContext], Awaitable[web.StreamResponse]]


class ResourcePath(NamedTuple):
    """A path of the API, parsed; without a name it is a collection."""

    kind: Kind
    namespace: str | None = None
    """None for all namespaces, and for kinds without namespaces."""
    name: str | None = None
    subresource: str | None = None
    """`scale` or `log`, for example; what follows `proxy` is a path of the pod."""

    @property
    def key(self) -> Key:
        """The key of the object that the path names."""
        return Key(self.namespace or "", self.name or "")


def parse_path(
    path: str, kinds: Mapping[tuple[str, str], Kind] = _KINDS_BY_PATH
) -> ResourcePath | None:
    """Parse a path of the Kubernetes API; None if it names none of the kinds, which are served.

    >>> path = parse_path("/apis/apps/v1/namespaces/lab/deployments/web/scale")
    >>> path.kind.kind, path.namespace, path.name, path.subresource
    ('Deployment', 'lab', 'web', 'scale')
    """
    match path.strip("/").split("/"):
        case ["api", "v1", *rest]:
            return _parse_resource("v1", rest, kinds)
        case ["apis", group, version, *rest]:
            return _parse_resource(f"{group}/{version}", rest, kinds)
    return None


def _parse_resource(
    api_version: str, steps: list[str], kinds: Mapping[tuple[str, str], Kind]
) -> ResourcePath | None:
    namespace = None
    if len(steps) >= 3 and steps[0] == "namespaces" and steps[2] not in _NAMESPACE_SUBRESOURCES:
        _, namespace, *steps = steps
    if steps[2:3] == ["proxy"]:
        steps = steps[:3]
    if not 1 <= len(steps) <= 3 or not all([namespace != "", *steps]):
        return None
    kind = kinds.get((api_version, steps[0]))
    if kind is None or (namespace is not None and not kind.namespaced):
        return None
    if kind.namespaced and namespace is None and len(steps) > 1:
        return None
    return ResourcePath(kind, namespace, *steps[1:])


def dial_error(address: str, port: int, error: OSError) -> str:
    """Describe a connection that failed, in Go's words.

    >>> dial_error("127.64.0.2", 3333, OSError(111, "refused"))
    'dial tcp4 127.64.0.2:3333: connect: connection refused'
    """
    if isinstance(error, TimeoutError) or error.errno is None:
        return f"dial tcp4 {address}:{port}: i/o timeout"
    return f"dial tcp4 {address}:{port}: connect: {os.strerror(error.errno).lower()}"


def is_true(query: Query, name: str) -> bool:
    """Whether a parameter is set. Go writes `true`, the Python client up to version 36 `True`.

    >>> is_true({"watch": "True"}, "watch"), is_true({"watch": "0"}, "watch"), is_true({}, "watch")
    (True, False, False)
    """
    return query.get(name, "false").lower() not in {"false", "0"}


def is_dry_run(query: Query) -> bool:
    """Whether the request is a dry run."""
    value = query.get("dryRun", "")
    if value not in {"", "All"}:
        raise BadRequestError(f'dryRun: Unsupported value: "{value}": supported values: "All"')
    return value == "All"


def field_validation(query: Query) -> FieldValidation:
    """The value of `fieldValidation`, Warn by default."""
    value = query.get("fieldValidation") or "Warn"
    if value not in {"Strict", "Warn", "Ignore"}:
        raise BadRequestError(
            f'fieldValidation: Unsupported value: "{value}": '
            'supported values: "Ignore", "Strict", "Warn"'
        )
    return cast("FieldValidation", value)


def integer_parameter(query: Query, name: str) -> int | None:
    """The integer of a parameter, of at most 64 bits, or None if it is absent."""
    text = query.get(name)
    if not text:
        return None
    number = parse_integer(text)
    if number is None:
        why = "value out of range" if text.lstrip("+-").isdecimal() else "invalid syntax"
        raise BadRequestError(f'strconv.ParseInt: parsing "{text}": {why}')
    return number


def object_selector(query: Query, kind: Kind, namespace: str | None) -> Predicate:
    """A predicate for the objects of the namespace that label and field selector select."""
    by_labels = by_label_query(query.get("labelSelector", ""))
    by_fields = _field_selector(query.get("fieldSelector", ""), kind)
    return lambda obj: (
        (namespace is None or obj["metadata"].get("namespace") == namespace)
        and by_labels(obj)
        and by_fields(obj)
    )


def _field_selector(text: str, kind: Kind) -> Predicate:
    known = _COMMON_FIELDS | _FIELDS_BY_KIND.get(kind.kind, frozenset())
    if kind.kind == "Event" and not kind.is_stored:
        text = text.replace("regarding.", "involvedObject.")
        text = text.replace("reportingController", "reportingComponent")
    for term in filter(None, text.split(",")):
        field = term.partition("!=" if "!=" in term else "=")[0].strip()
        if field not in known:
            raise BadRequestError(_field_not_supported(field, kind))
    return by_field_query(text)


def _field_not_supported(field: str, kind: Kind) -> str:
    if kind.kind in _FIELDS_BY_KIND:
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'


async def read_document(request: web.Request) -> object:
    """The parsed body."""
    body = await _read_bytes(request)
    match request.content_type:
        case "application/json" | "application/octet-stream":
            return parse_json(body)
        case "application/yaml" | "text/yaml":
            return await parse_yaml(body)
        case kind if kind == PROTOBUF:
            document = decode_protobuf(body)
            check_bounds(document)
            return document
        case _:
            raise unsupported_media_type("application/json", "application/yaml", PROTOBUF)


async def read_patch(request: web.Request, kind: Kind) -> tuple[object, PatchStyle]:
    """The patch and its style, which the content type names."""
    if kind.is_custom and request.content_type not in _CUSTOM_PATCH_TYPES:
        raise unsupported_media_type(*_CUSTOM_PATCH_TYPES)
    if request.content_type not in _PATCH_TYPES:
        raise unsupported_media_type(*_PATCH_TYPES, APPLY)
    style = _PATCH_TYPES[request.content_type]
    most = MAX_JSON_PATCH_VALUES if style == "json" else MAX_VALUES
    return parse_json(await _read_bytes(request), most=most), style


async def read_configuration(request: web.Request) -> object:
    """The document of a server-side apply: YAML, or JSON as kubectl sends it."""
    body = await _read_bytes(request)
    return parse_json(body) if body.lstrip().startswith(b"{") else await parse_yaml(body)


def field_manager(request: web.Request, subresource: str = "") -> FieldManager:
    """Who writes: the parameter `fieldManager`, or the name of the client program."""
    name = request.query.get("fieldManager") or request.headers.get("User-Agent", "").split("/")[0]
    if len(name) > MAX_MANAGER_LENGTH:
        raise invalid_options(_TOO_LONG)
    return FieldManager(name, subresource)


def invalid_options(*causes: Cause) -> InvalidError:
    """The error for the parameters of a PATCH."""
    return InvalidError("PatchOptions", "meta.k8s.io", "", list(causes))


async def _read_bytes(request: web.Request) -> bytes:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise StatusError(415, "UnsupportedMediaType", "the body of the request is compressed")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError:
        message = "Timeout: request did not complete within the allotted timeout"
        raise StatusError(504, "Timeout", message) from None
    except web.HTTPRequestEntityTooLarge:
        raise body_too_large(MAX_BODY_BYTES) from None


def json_response(obj: Object, *, code: int = 200, warnings: Iterable[str] = ()) -> web.Response:
    """A JSON document. Each warning becomes a Warning header, which kubectl prints."""
    response = web.Response(body=encoded(obj), status=code, content_type=JSON)
    for warning in shown_warnings(warnings):
        response.headers.add("Warning", warning_header(warning))
    return response


def shown_warnings(warnings: Iterable[str]) -> list[str]:
    r"""The warnings that become headers, as in Kubernetes: none twice, and not too many.

    One with a line break or another control character is left out: a header cannot hold it.

    >>> shown_warnings(["unknown field", "unknown field", "unknown", "un\nknown"])
    ['unknown field', 'unknown']
    """
    shown, size = dict[str, None](), 0
    for warning in dict.fromkeys(warnings):
        short = warning[:MAX_WARNING_LENGTH]
        if short.isprintable():
            size += len(short)
            if size > MAX_WARNINGS_LENGTH or len(shown) == MAX_WARNINGS:
                break
            shown[short] = None
    return list(shown)


def error_response(error: ApiError) -> web.Response:
    """The Status of an error, with its code."""
    return json_response(failure_status(error), code=error.code)


def object_response(context: RequestContext, obj: Object) -> web.Response:
    """One object, as JSON or as a Table."""
    if wants_table(context.request.headers.get("Accept", "")):
        return json_response(_table(context, [obj], obj["metadata"].get("resourceVersion", "")))
    return json_response(obj)


def list_response(
    context: RequestContext, objects: list[Object], metadata: Object | None = None
) -> web.Response:
    """A list of objects, as JSON or as a Table; `metadata` is that of the list."""
    metadata = metadata or {"resourceVersion": str(context.api.store.version)}
    if wants_table(context.request.headers.get("Accept", "")):
        return json_response({**_table(context, objects, ""), "metadata": metadata})
    return json_response(_list_document(context.kind, objects, metadata))


def _list_document(kind: Kind, objects: list[Object], metadata: Object) -> Object:
    return {
        "kind": f"{kind.kind}List",
        "apiVersion": kind.api_version,
        "metadata": metadata,
        "items": [_list_item(in_version(obj, kind)) for obj in objects],
    }


def _table(context: RequestContext, objects: list[Object], version: str) -> Object:
    full = context.query.get("includeObject") == "Object"
    stored = [in_version(obj, KINDS[context.kind.kind]) for obj in objects]
    rows = build_table(context.kind.kind, stored, datetime.now(UTC), full_objects=full)
    return {**rows, "metadata": {"resourceVersion": version}}


def wants_table(accept: str) -> bool:
    """Whether a Table is the client's first choice.

    >>> wants_table("application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
    True
    """
    best = accept.partition(",")[0].replace(" ", "")
    return best.startswith(JSON) and "as=Table" in best.split(";")


def warning_header(text: str) -> str:
    r"""The value of a Warning header.

    >>> print(warning_header('unknown field "spec.replica"'))
    299 - "unknown field \"spec.replica\""
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{escaped}"'


def _list_item(obj: Object) -> Object:
    # The kind is given once, at the top of the list; Go omits it in the items.
    return {name: value for name, value in obj.items() if name not in {"kind", "apiVersion"}}


def failure_status(error: ApiError) -> Object:
    """The Status of an error.

    >>> failure_status(NotFoundError("deployments", "apps", "web"))["details"]
    {'name': 'web', 'group': 'apps', 'kind': 'deployments'}
    """
    status: Object = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": str(error),
    }
    if isinstance(error, GoneError) and error.token is not None:
        status["metadata"] = {"continue": error.token}
    if error.reason:
        status["reason"] = error.reason
    if (details := _error_details(error)) is not None:
        status["details"] = details
    return {**status, "code": error.code}


def deleted_status(obj: Object, kind: Kind) -> Object:
    """The Status of a completed deletion."""
    details = {
        **_object_details(obj["metadata"]["name"], kind.group, kind.plural),
        "uid": uid_of(obj),
    }
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


def path_not_found() -> StatusError:
    """The error for a path that does not exist."""
    return StatusError(404, "NotFound", "the server could not find the requested resource")


def unserved_response(request: web.Request, version: int) -> web.Response:
    """The response to a path of no kind that is served.

    A kind that is known by name has no objects, so its list is empty, with a warning: kubectl lists
    such kinds where they do not matter, as `kubectl apply --prune` does. Raise StatusError for
    everything else. An object of such a kind is not found, so that kubectl goes on and creates it,
    which is refused.
    """
    found = parse_path(request.path, _UNSERVED_BY_PATH)
    if found is None:
        raise path_not_found()
    kind = found.kind
    if found.name is not None:
        not_found = f'{kind.qualified} "{found.name}" not found'
        raise StatusError(404, "NotFound", f"{not_found}: {kind.refusal}")
    if request.method != "GET":
        raise StatusError(405, "MethodNotAllowed", kind.refusal)
    if is_true(request.query, "watch"):
        raise StatusError(404, "NotFound", kind.refusal)
    document = _list_document(kind, [], {"resourceVersion": str(version)})
    # kubectl lists the definitions, in no table, when it meets a kind that it does not know.
    is_lookup = kind.kind == "CustomResourceDefinition" and not wants_table(
        request.headers.get("Accept", "")
    )
    return json_response(document, warnings=[] if is_lookup else [kind.refusal])


def no_token_error() -> StatusError:
    """The error for `kubectl create token`."""
    message = (
        "the playground makes no tokens, because its API server accepts that of the kubeconfig "
        f"alone. Use the kubeconfig, {ON_KIND}."
    )
    return StatusError(404, "NotFound", message)


def method_not_allowed() -> StatusError:
    """The error for a method that the path does not have."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message)


def unsupported_media_type(*accepted: str) -> StatusError:
    """The error for a body of an unknown content type."""
    return StatusError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted),
    )


def body_too_large(limit: int) -> StatusError:
    """The error for a body of more than `limit` bytes."""
    message = f"Request entity is too large: limit is {limit}"
    return StatusError(413, "RequestEntityTooLarge", message)


def unauthorized() -> StatusError:
    """The error for a missing or wrong token."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def internal_error(error: Exception) -> StatusError:
    """The error for an unexpected exception."""
    return StatusError(500, "InternalError", f"Internal error occurred: {error}")


def _error_details(error: ApiError) -> Object | None:
    match error:
        case InvalidError():
            named = _object_details(error.name, error.group, error.kind)
            return {**named, "causes": list(map(_cause, error.causes))}
        case ForbiddenError(causes=[_, *_]):
            named = _object_details(error.name, error.group, error.resource)
            return {**named, "causes": list(map(_cause, error.causes))}
        case NotFoundError() | AlreadyExistsError() | ConflictError() | ForbiddenError():
            return _object_details(error.name, error.group, error.resource)
        case ApplyConflictError() | StatusError(causes=[_, *_]):
            return {"causes": list(map(_cause, error.causes))}
        case StatusError(code=404 | 405 | 415):
            return {}
        case _:
            return None


def _object_details(name: str, group: str, kind: str) -> Object:
    fields: dict[str, Any] = {"name": name, "group": group, "kind": kind}
    return {field: value for field, value in fields.items() if value}


def _cause(cause: Cause) -> Object:
    named = {"reason": cause.reason, "message": cause.message, "field": cause.field}
    return {name: value for name, value in named.items() if value}
