"""What does the server say about itself?"""

from __future__ import annotations

from aiohttp import web

from canarylab.playground.apiserver.documents import openapi
from canarylab.playground.apiserver.http import discovery
from canarylab.playground.apiserver.http.answers import JSON, json_response
from canarylab.playground.kube.api import Object

_HEALTH_PATHS = frozenset({"/healthz", "/livez", "/readyz"})
_ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_DISCOVERY_VERSIONS = ("v2", "v2beta1")
_A_YEAR = 365 * 24 * 3600  # seconds


def meta_response(request: web.Request) -> web.Response | None:
    """The answer, or None where the question is not about the server itself."""
    path = request.path.rstrip("/")
    if request.method == "POST" and path == _ACCESS_REVIEWS:
        return _access_review_response()
    if request.method != "GET":
        return None
    if path in _HEALTH_PATHS:
        return web.Response(text="ok")
    if path == "/version":
        return json_response(discovery.VERSION)
    if path.startswith("/openapi/"):
        return _openapi_response(request, path)
    return _discovery_response(request, path)


def _discovery_response(request: web.Request, path: str) -> web.Response | None:
    steps = path.strip("/").split("/")
    match steps:
        case ["api"] | ["apis"]:
            return _root_response(request, core=steps == ["api"])
        case ["api", version]:
            return _response_or_none(discovery.resource_list(version))
        case ["apis", group]:
            return _response_or_none(discovery.api_group(group))
        case ["apis", group, version]:
            return _response_or_none(discovery.resource_list(f"{group}/{version}"))
    return None


def _root_response(request: web.Request, *, core: bool) -> web.Response:
    version = discovery_version(request.headers.get("Accept", ""))
    if version is None:
        return json_response(
            discovery.api_versions_document(request.host) if core else discovery.api_group_list()
        )
    response = json_response(discovery.aggregated_discovery(core=core, version=version))
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


def _openapi_response(request: web.Request, path: str) -> web.Response | None:
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


def _access_review_response() -> web.Response:
    """Whoever has the token may do everything."""
    return json_response(
        {
            "kind": "SelfSubjectAccessReview",
            "apiVersion": "authorization.k8s.io/v1",
            "metadata": {},
            "spec": {},
            "status": {"allowed": True},
        },
        code=201,
    )


def _response_or_none(document: Object | None) -> web.Response | None:
    return None if document is None else json_response(document)
