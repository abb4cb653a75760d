"""Who answers this request about objects?"""

from __future__ import annotations

from collections.abc import Mapping

from canarylab.playground.apiserver.http import (
    deleting,
    execute,
    listing,
    logs,
    pods,
    proxying,
    scale,
    statuses,
    writing,
)
from canarylab.playground.apiserver.http.calls import Handler
from canarylab.playground.apiserver.http.paths import ResourcePath

Handlers = Mapping[str, Handler]

_COLLECTION: Handlers = {
    "GET": listing.list_or_watch,
    "POST": writing.create,
    "DELETE": deleting.delete_collection,
}
_ALL_NAMESPACES: Handlers = {"GET": listing.list_or_watch}
_OBJECT: Handlers = {
    "GET": listing.get,
    "PUT": writing.replace,
    "PATCH": writing.patch,
    "DELETE": deleting.delete,
}
_STATUS_SUBRESOURCE: Handlers = {
    "GET": listing.get,
    "PUT": writing.replace_status,
    "PATCH": writing.patch_status,
}
_SCALE_SUBRESOURCE: Handlers = {
    "GET": scale.read_scale,
    "PUT": scale.replace_scale,
    "PATCH": scale.patch_scale,
}
_PROXY_SUBRESOURCE: Handlers = dict.fromkeys(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"), proxying.proxy_to_service
)
_POD_SUBRESOURCES: Mapping[str, Handlers] = {
    "binding": {"POST": pods.bind},
    "eviction": {"POST": pods.evict},
    "exec": {"GET": execute.execute, "POST": execute.execute},
    "log": {"GET": logs.read_log},
}


def find_handler(method: str, target: ResourcePath) -> Handler:
    """The one that answers; raise RequestError, 404 or 405, where nobody does."""
    verbs = _handlers(target)
    if verbs is None:
        raise statuses.path_not_found()
    if method not in verbs:
        raise statuses.method_not_allowed()
    return verbs[method]


def _handlers(target: ResourcePath) -> Handlers | None:
    if target.subresource is not None:
        return _subresource_handlers(target, target.subresource)
    if target.name is not None:
        return _OBJECT
    if target.kind.namespaced and target.namespace is None:
        return _ALL_NAMESPACES
    if target.kind.kind == "Namespace":
        return {method: verb for method, verb in _COLLECTION.items() if method != "DELETE"}
    return _COLLECTION


def _subresource_handlers(target: ResourcePath, subresource: str) -> Handlers | None:
    kind = target.kind
    match subresource:
        case "status" if kind.has_status:
            return _STATUS_SUBRESOURCE
        case "scale" if kind.has_scale:
            return _SCALE_SUBRESOURCE
        case "finalize" if kind.kind == "Namespace":
            return {"PUT": writing.replace_finalizers}
        case "proxy" if kind.kind == "Service":
            return _PROXY_SUBRESOURCE
        case _ if kind.kind == "Pod":
            return _POD_SUBRESOURCES.get(subresource)
    return None
