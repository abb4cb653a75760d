"""What does the server say about itself?"""

from __future__ import annotations

from aiohttp import web

from canarylab.playground.apiserver.documents import openapi
from canarylab.playground.apiserver.http import discovery
from canarylab.playground.apiserver.http.answers import JSON, answer
from canarylab.playground.kube.api import Object

_HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_DISCOVERY_VERSIONS = ("v2", "v2beta1")
_A_YEAR = 365 * 24 * 3600  # seconds


def reply(request: web.Request) -> web.Response | None:
    """The answer, or None where the question is not about the server itself."""
    path = request.path.rstrip("/")
    if request.method == "POST" and path == _REVIEWS:
        return _allowed()
    if request.method != "GET":
        return None
    if path in _HEALTH:
        return web.Response(text="ok")
    if path == "/version":
        return answer(discovery.VERSION)
    if path.startswith("/openapi/"):
        return _openapi(request, path)
    return _discovered(request, path)


def _discovered(request: web.Request, path: str) -> web.Response | None:
    steps = path.strip("/").split("/")
    match steps:
        case ["api"] | ["apis"]:
            return _roots(request, core=steps == ["api"])
        case ["api", version]:
            return _found(discovery.resource_list(version))
        case ["apis", group]:
            return _found(discovery.group(group))
        case ["apis", group, version]:
            return _found(discovery.resource_list(f"{group}/{version}"))
    return None


def _roots(request: web.Request, *, core: bool) -> web.Response:
    version = discovery_version(request.headers.get("Accept", ""))
    if version is None:
        return answer(discovery.core_versions(request.host) if core else discovery.group_list())
    response = answer(discovery.aggregated(core=core, version=version))
    as_ = "as=APIGroupDiscoveryList"
    response.headers["Content-Type"] = f"{JSON};g=apidiscovery.k8s.io;v={version};{as_}"
    return response


def discovery_version(accept: str) -> str | None:
    """Which form of the one big document the client reads, if it does.

    >>> discovery_version("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
    'v2'
    """
    for version in _DISCOVERY_VERSIONS:
        for offer in accept.replace(" ", "").split(","):
            if {"g=apidiscovery.k8s.io", f"v={version}"} <= set(offer.split(";")):
                return version
    return None


def _openapi(request: web.Request, path: str) -> web.Response | None:
    if path == "/openapi/v2":
        return web.Response(body=openapi.V2_STUB, headers={"Content-Type": openapi.V2_TYPE})
    if path == "/openapi/v3":
        return web.Response(body=openapi.index(), content_type=JSON)
    body = openapi.document(path.removeprefix("/openapi/v3/"))
    if body is None:
        return None
    response = web.Response(body=body, content_type=JSON)
    if wanted := request.query.get("hash"):
        response.headers["ETag"] = f'"{wanted}"'
        response.headers["Cache-Control"] = f"public, immutable, max-age={_A_YEAR}"
    return response


def _allowed() -> web.Response:
    """Whoever has the token may do everything."""
    return answer(
        {
            "kind": "SelfSubjectAccessReview",
            "apiVersion": "authorization.k8s.io/v1",
            "metadata": {},
            "spec": {},
            "status": {"allowed": True},
        },
        code=201,
    )


def _found(document: Object | None) -> web.Response | None:
    return None if document is None else answer(document)
