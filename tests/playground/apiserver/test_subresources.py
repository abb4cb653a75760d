"""The subresource that `kubectl scale` speaks to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from canarylab.errors import RequestError
from canarylab.playground.apiserver.subresources import parse_proxy_target
from canarylab.playground.kube.api import Key
from tests.playground.apiserver.serving import Server, deployment

SCALE = "/apis/apps/v1/namespaces/default/deployments/web/scale"
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture(autouse=True)
async def _deployed(server: Server) -> None:
    await server.api.create(deployment(replicas=3))


async def replicas(server: Server) -> int:
    return int((await server.api.get("Deployment", Key("default", "web")))["spec"]["replicas"])


async def test_it_says_how_many_and_which(server: Server) -> None:
    said = await server.get(SCALE)
    assert (said["kind"], said["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert said["spec"] == {"replicas": 3}
    assert said["status"] == {"replicas": 0, "selector": "app=nodeapp"}


async def test_a_patch_scales(server: Server) -> None:
    reply = await server.ask("PATCH", SCALE, {"spec": {"replicas": 5}}, **MERGE)
    assert reply.body["spec"] == {"replicas": 5}
    assert await replicas(server) == 5


async def test_the_python_client_may_patch_it_its_own_way(server: Server) -> None:
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    await server.ask("PATCH", SCALE, {"spec": {"replicas": 5}}, **headers)
    assert await replicas(server) == 5


async def test_a_put_scales(server: Server) -> None:
    said = await server.get(SCALE)
    await server.ask("PUT", SCALE, {**said, "spec": {"replicas": 2}})
    assert await replicas(server) == 2


async def test_zero_is_left_out_of_the_answer(server: Server) -> None:
    reply = await server.ask("PATCH", SCALE, {"spec": {"replicas": 0}}, **MERGE)
    assert reply.body["spec"] == {}
    assert await replicas(server) == 0


async def test_a_stale_put_is_a_conflict(server: Server) -> None:
    said = await server.get(SCALE)
    await server.ask("PATCH", SCALE, {"spec": {"replicas": 5}}, **MERGE)
    reply = await server.ask("PUT", SCALE, {**said, "spec": {"replicas": 2}})
    assert (reply.code, await replicas(server)) == (409, 5)


@pytest.mark.parametrize(("wish", "code"), [(-1, 422), ("x", 400), (True, 400)])
async def test_nonsense_is_refused_and_changes_nothing(
    server: Server, wish: Any, code: int
) -> None:
    reply = await server.ask("PATCH", SCALE, {"spec": {"replicas": wish}}, **MERGE)
    assert (reply.code, await replicas(server)) == (code, 3)


PROXY = "/api/v1/namespaces/default/services/web:80/proxy"


@asynccontextmanager
async def pods_behind(server: Server, *addresses: str) -> AsyncIterator[None]:
    """A Service with a pod at each address, which says where it is and what it was asked."""

    async def answer(request: web.Request) -> web.Response:
        seen = {
            "at": request.transport.get_extra_info("sockname")[0] if request.transport else "",
            "method": request.method,
            "path": request.raw_path,
            "body": await request.text(),
            "headers": dict(request.headers),
        }
        return web.json_response(seen, status=418, headers={"X-Version": "2.0"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = 0
    for address in addresses:
        site = web.TCPSite(runner, address, port)
        await site.start()
        port = runner.addresses[-1][1]
    await _service(server, addresses, port)
    try:
        yield
    finally:
        await runner.cleanup()


async def _service(server: Server, addresses: tuple[str, ...], port: int) -> None:
    meta = {"name": "web", "namespace": "default"}
    spec = {"ports": [{"name": "http", "port": 80}]}
    await server.api.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    subset = {
        "addresses": [{"ip": address} for address in addresses],
        "ports": [{"name": "http", "port": port}],
    }
    subsets = [subset] if addresses else []
    await server.api.create(
        {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": subsets}
    )


@pytest.mark.parametrize("name", ["web:80", "web:http", "http:web:80"])
async def test_a_request_and_its_answer_pass_as_they_are(server: Server, name: str) -> None:
    async with pods_behind(server, "127.0.0.1"):
        path = f"/api/v1/namespaces/default/services/{name}/proxy/a%20b/?c=d%26e"
        reply = await server.ask("GET", path, **{"X-Colour": "blue"})

    assert (reply.code, reply.headers["X-Version"]) == (418, "2.0")
    assert reply.body["path"] == "/a%20b/?c=d%26e"
    assert reply.body["headers"]["X-Colour"] == "blue"


async def test_without_a_path_the_root_is_asked(server: Server) -> None:
    async with pods_behind(server, "127.0.0.1"):
        assert (await server.ask("GET", PROXY)).body["path"] == "/"


async def test_a_body_passes_too(server: Server) -> None:
    async with pods_behind(server, "127.0.0.1"):
        reply = await server.ask("POST", f"{PROXY}/orders", b"two pears")

    assert (reply.body["method"], reply.body["body"]) == ("POST", "two pears")


async def test_the_pod_never_sees_the_token(server: Server) -> None:
    async with pods_behind(server, "127.0.0.1"):
        reply = await server.ask("GET", PROXY)

    assert "Authorization" not in reply.body["headers"]


async def test_each_request_draws_anew(server: Server) -> None:
    both = ("127.0.0.1", "127.0.0.2")
    async with pods_behind(server, *both), server.session() as session:
        seen = set()
        for _ in range(60):  # one of the two stays unseen once in 2 ** 59 times
            async with session.get(PROXY) as reply:
                seen.add((await reply.json())["at"])

    assert seen == set(both)


async def test_a_service_that_is_not_there(server: Server) -> None:
    reply = await server.ask("GET", PROXY)

    assert (reply.code, reply.body["message"]) == (404, 'services "web" not found')


async def test_nobody_behind_it(server: Server) -> None:
    async with pods_behind(server):
        reply = await server.ask("GET", PROXY)

    assert reply.code == 503
    assert reply.body["message"] == 'no endpoints available for service "web"'


async def test_a_port_it_has_not(server: Server) -> None:
    async with pods_behind(server, "127.0.0.1"):
        reply = await server.ask("GET", PROXY.replace(":80", ":81"))

    assert reply.body["message"] == 'no service port 81 found for service "web"'


async def test_a_pod_that_does_not_answer(server: Server) -> None:
    await _service(server, ("127.0.0.1",), 1)  # nobody listens on port 1

    reply = await server.ask("GET", PROXY)

    assert (reply.code, reply.body["reason"]) == (503, "ServiceUnavailable")
    assert reply.body["message"].startswith("error trying to reach service: ")


@pytest.mark.parametrize("name", [":80", "a:b:c", "a:b:c:d"])
def test_what_names_no_service(name: str) -> None:
    with pytest.raises(RequestError, match="invalid service request"):
        parse_proxy_target(name)
