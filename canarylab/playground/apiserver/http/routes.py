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
from canarylab.playground.apiserver.http.paths import Target

Verbs = Mapping[str, Handler]

_COLLECTION: Verbs = {
    "GET": listing.read_all,
    "POST": writing.create,
    "DELETE": deleting.delete_selected,
}
_EVERYWHERE: Verbs = {"GET": listing.read_all}
_OBJECT: Verbs = {
    "GET": listing.read,
    "PUT": writing.replace,
    "PATCH": writing.patch,
    "DELETE": deleting.delete,
}
_STATUS: Verbs = {
    "GET": listing.read,
    "PUT": writing.replace_status,
    "PATCH": writing.patch_status,
}
_SCALE: Verbs = {"GET": scale.read, "PUT": scale.replace, "PATCH": scale.patch}
_PROXY: Verbs = dict.fromkeys(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"), proxying.to_service
)
_OF_PODS: Mapping[str, Verbs] = {
    "binding": {"POST": pods.bind},
    "eviction": {"POST": pods.evict},
    "exec": {"GET": execute.execute, "POST": execute.execute},
    "log": {"GET": logs.read},
}


def find_handler(method: str, target: Target) -> Handler:
    """The one that answers; raise RequestError, 404 or 405, where nobody does."""
    verbs = _verbs(target)
    if verbs is None:
        raise statuses.no_such_path()
    if method not in verbs:
        raise statuses.wrong_method()
    return verbs[method]


def _verbs(target: Target) -> Verbs | None:
    if target.subresource is not None:
        return _below(target, target.subresource)
    if target.name is not None:
        return _OBJECT
    if target.kind.namespaced and target.namespace is None:
        return _EVERYWHERE
    if target.kind.kind == "Namespace":
        return {method: verb for method, verb in _COLLECTION.items() if method != "DELETE"}
    return _COLLECTION


def _below(target: Target, subresource: str) -> Verbs | None:
    kind = target.kind
    match subresource:
        case "status" if kind.has_status:
            return _STATUS
        case "scale" if kind.has_scale:
            return _SCALE
        case "finalize" if kind.kind == "Namespace":
            return {"PUT": writing.replace_finalizers}
        case "proxy" if kind.kind == "Service":
            return _PROXY
        case _ if kind.kind == "Pod":
            return _OF_PODS.get(subresource)
    return None
