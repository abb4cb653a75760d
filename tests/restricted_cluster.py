"""A playground as a cluster that somebody else runs: a proxy that enforces the student's Role.

The proxy stands before the API server of a playground that runs already. A request with the
student's token may do what the student's Role says, in the student's namespace, within its quota;
all else is refused in the words of a real API server. What is allowed is sent on with the
playground's own token. The Role and the quota are read from the manifest that a teacher applies.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from canarylab import resources, runtime
from canarylab.errors import ForbiddenError, StatusError
from canarylab.kube_objects import Object
from canarylab.playground.apiserver import requests
from canarylab.playground.apiserver.requests import ResourcePath, parse_path, read_document
from canarylab.playground.credentials import Credentials, make_credentials, write_kubeconfig
from canarylab.release.connection import Connection
from tests.running_playground import RunningPlayground

NAMESPACE = "student-07"
CONTEXT = "student-07@workshop"
USER = f"system:serviceaccount:{NAMESPACE}:student"
MANIFEST = resources.folder("manifests") / "workshop" / "student-namespace.yaml"
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
UPSTREAM = web.AppKey("upstream", aiohttp.ClientSession)
"""Connections to the API server of the playground, kept as a load balancer keeps them."""
AnyWebSocket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse
_NOT_FORWARDED = frozenset(
    {"host", "authorization", "content-length", "transfer-encoding", "connection"}
)


@dataclass
class StudentRules:
    """What a student may do, as the manifest says."""

    role: list[Object]
    quota: dict[str, str]
    cluster_role: set[str] = field(default_factory=set)
    """What a ClusterRole would allow in addition: `list ingressclasses`."""
    missing_group: str = ""
    """An API group that this cluster does not have: `gateway.networking.k8s.io`."""
    hides_ingress_addresses: bool = False
    """Whether its controller writes no address into the status of an Ingress, as many do."""
    has_gone: bool = False
    """Whether it answers nothing any more."""
    refused: list[str] = field(default_factory=list)
    """The requests that were refused."""

    @classmethod
    def from_manifest(cls, manifest: Path = MANIFEST) -> StudentRules:
        """From a Role and a ResourceQuota."""
        documents = {each["kind"]: each for each in yaml.safe_load_all(manifest.read_text())}
        return cls(documents["Role"]["rules"], dict(documents["ResourceQuota"]["spec"]["hard"]))

    def check(self, method: str, found: ResourcePath, *, body: object) -> None:
        """Raise ForbiddenError as a real API server does."""
        verb = _verb(method, found)
        resource = "/".join(filter(None, [found.kind.plural, found.subresource]))
        is_theirs = found.namespace == NAMESPACE and self._allows(verb, found.kind.group, resource)
        if not is_theirs and f"{verb} {resource}" not in self.cluster_role:
            where = (
                f'in the namespace "{found.namespace}"'
                if found.namespace
                else "at the cluster scope"
            )
            why = (
                f'User "{USER}" cannot {verb} resource "{resource}" in API group '
                f'"{found.kind.group}" {where}'
            )
            self.refused.append(f"{verb} {resource}")
            raise ForbiddenError(resource, found.kind.group, found.name or "", why)
        if resource == "services" and isinstance(body, dict):
            self._check_node_ports(body)

    def _allows(self, verb: str, group: str, resource: str) -> bool:
        return any(
            group in rule["apiGroups"] and resource in rule["resources"] and verb in rule["verbs"]
            for rule in self.role
        )

    def _check_node_ports(self, service: Object) -> None:
        most, key = self.quota.get("services.nodeports"), "services.nodeports"
        wanted = len(service["spec"].get("ports") or [])
        if most != "0" or service["spec"].get("type") != "NodePort":
            return
        why = (
            f"exceeded quota: canarylab, requested: {key}={wanted}, used: {key}=0, limited: {key}=0"
        )
        raise ForbiddenError("services", "", service["metadata"]["name"], why)


@dataclass(frozen=True)
class RestrictedCluster:
    """The cluster as a student has it: a kubeconfig and nothing more."""

    kubeconfig: Path
    rules: StudentRules

    def environment(self, home: Path) -> dict[str, str]:
        """For a lab that is to run there."""
        return {
            "CANARYLAB_HOME": str(home),
            "CANARYLAB_CLUSTER": "kubeconfig",
            "KUBECONFIG": str(self.kubeconfig),
        }


@contextmanager
def running_restricted_cluster(
    playground: RunningPlayground, folder: Path, rules: StudentRules | None = None
) -> Iterator[RestrictedCluster]:
    """Open for the length of a `with`; the namespace is made, and emptied by whoever used it."""
    rules = rules or StudentRules.from_manifest()
    _make_namespace(playground)
    access, kubeconfig = make_credentials(), folder / "student.kubeconfig"
    proxy = _AuthorizingProxy(playground, access, rules)
    runner = web.AppRunner(proxy.app(), access_log=None, handler_cancellation=True)
    port = runtime.run(_listen(runner, access))
    write_kubeconfig(kubeconfig, access, port)
    _rename(kubeconfig)
    try:
        yield RestrictedCluster(kubeconfig, rules)
    finally:
        runtime.run(runner.cleanup())


@dataclass(frozen=True)
class _AuthorizingProxy:
    playground: RunningPlayground
    access: Credentials
    rules: StudentRules

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        app.cleanup_ctx.append(self._upstream)
        return app

    async def _upstream(self, app: web.Application) -> AsyncIterator[None]:
        server, token, tls = _credentials(self.playground.kubeconfig)
        connector = aiohttp.TCPConnector(limit=0, ssl=tls)
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(
            server,
            auto_decompress=False,
            connector=connector,
            headers=headers,
            timeout=aiohttp.ClientTimeout(),  # a watch has none
        ) as app[UPSTREAM]:
            yield

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if self.rules.has_gone and request.transport is not None:
            request.transport.abort()
        try:
            await self._check(request)
        except (StatusError, ForbiddenError) as error:
            return web.json_response(requests.failure_status(error), status=error.code)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await _forward_websocket(request)
        return await self._forward(request, body)

    async def _check(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.access.token}":
            raise requests.unauthorized()
        found = parse_path(request.path)
        group = self.rules.missing_group
        if group and request.path.startswith(f"/apis/{group}"):
            raise requests.path_not_found()
        if found is not None:
            made = await read_document(request) if request.method == "POST" else None
            self.rules.check(request.method, found, body=made)

    async def _forward(self, request: web.Request, body: bytes) -> web.StreamResponse:
        headers = {n: v for n, v in request.headers.items() if n.lower() not in _NOT_FORWARDED}
        async with request.app[UPSTREAM].request(
            request.method, request.rel_url, headers=headers, data=body or None
        ) as answer:
            if self.rules.missing_group and request.path == "/apis":
                return web.json_response(_without_group(await answer.json(), self.rules))
            is_list = request.method == "GET" and request.path.endswith("/ingresses")
            if is_list and self.rules.hides_ingress_addresses:
                return web.json_response(_without_addresses(await answer.json()))
            return await _copy_response(request, answer)


async def _forward_websocket(request: web.Request) -> web.StreamResponse:
    """Both directions of a port-forward of kubectl, until one side closes."""
    protocols = request.headers.get("Sec-WebSocket-Protocol", "").split(", ")
    upstream = request.app[UPSTREAM].ws_connect(
        request.rel_url, protocols=protocols, max_msg_size=0
    )
    async with upstream as server:
        client = web.WebSocketResponse(protocols=[server.protocol or ""], max_msg_size=0)
        await client.prepare(request)
        directions = [
            asyncio.create_task(_copy_messages(client, server)),
            asyncio.create_task(_copy_messages(server, client)),
        ]
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for each in directions:
            each.cancel()
        await client.close()
    return client


async def _copy_messages(source: AnyWebSocket, destination: AnyWebSocket) -> None:
    async for message in source:
        await destination.send_bytes(message.data)


def _without_group(found: Object, rules: StudentRules) -> Object:
    groups = [each for each in found["groups"] if each["name"] != rules.missing_group]
    return {**found, "groups": groups}


def _without_addresses(found: Object) -> Object:
    items = [{**each, "status": {"loadBalancer": {}}} for each in found["items"]]
    return {**found, "items": items}


async def _copy_response(
    request: web.Request, answer: aiohttp.ClientResponse
) -> web.StreamResponse:
    headers = {n: v for n, v in answer.headers.items() if n.lower() not in _NOT_FORWARDED}
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    async for piece in answer.content.iter_any():  # a watch goes on for as long as the client does
        await response.write(piece)
    await response.write_eof()
    return response


def _verb(method: str, found: ResourcePath) -> str:
    if method in {"GET", "HEAD"}:
        return "get" if found.name else "list"
    return "deletecollection" if method == "DELETE" and not found.name else _VERBS[method]


def _credentials(kubeconfig: Path) -> tuple[str, str, ssl.SSLContext]:
    document: Mapping[str, Any] = yaml.safe_load(kubeconfig.read_text())
    cluster, token = document["clusters"][0]["cluster"], document["users"][0]["user"]["token"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return cluster["server"], token, ssl.create_default_context(cadata=authority)


async def _listen(runner: web.AppRunner, access: Credentials) -> int:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=access.ssl_context()).start()
    return int(runner.addresses[0][1])


def _make_namespace(playground: RunningPlayground) -> None:
    owner = Connection(playground.kubeconfig)
    try:
        names = [each.metadata.name for each in owner.core.list_namespace().items]
        if NAMESPACE not in names:
            owner.core.create_namespace({"metadata": {"name": NAMESPACE}})
    finally:
        owner.close()


def _rename(kubeconfig: Path) -> None:
    """Give the context the name and the namespace that a teacher would hand out."""
    document = yaml.safe_load(kubeconfig.read_text())
    (context,) = document["contexts"]
    context["name"], context["context"]["namespace"] = CONTEXT, NAMESPACE
    document["current-context"] = CONTEXT
    kubeconfig.write_text(yaml.safe_dump(document))
