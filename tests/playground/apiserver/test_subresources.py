"""scale, and the proxies of Services and Pods."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from canarylab.errors import StatusError
from canarylab.kube_objects import Key
from canarylab.playground.apiserver.subresources import parse_proxy_target
from tests.needs import needs
from tests.playground.apiserver.server import Server, deployment, exchange, pod

SCALE = "/apis/apps/v1/namespaces/default/deployments/web/scale"
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture(autouse=True)
async def _deployed(server: Server) -> None:
    await server.api.create(deployment(replicas=3))


async def replicas(server: Server) -> int:
    return int((await server.api.get("Deployment", Key("default", "web")))["spec"]["replicas"])


async def test_a_scale_has_replicas_and_a_selector(server: Server) -> None:
    response = await server.get(SCALE)
    assert (response["kind"], response["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert response["spec"] == {"replicas": 3}
    assert response["status"] == {"replicas": 0, "selector": "app=nodeapp"}


async def test_a_patch_scales(server: Server) -> None:
    response = await server.request("PATCH", SCALE, {"spec": {"replicas": 5}}, **MERGE)
    assert response.body["spec"] == {"replicas": 5}
    assert await replicas(server) == 5


async def test_the_python_client_patches_a_scale(server: Server) -> None:
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    await server.request("PATCH", SCALE, {"spec": {"replicas": 5}}, **headers)
    assert await replicas(server) == 5


async def test_a_put_scales(server: Server) -> None:
    response = await server.get(SCALE)
    await server.request("PUT", SCALE, {**response, "spec": {"replicas": 2}})
    assert await replicas(server) == 2


async def test_zero_replicas_are_omitted_in_the_spec(server: Server) -> None:
    response = await server.request("PATCH", SCALE, {"spec": {"replicas": 0}}, **MERGE)
    assert response.body["spec"] == {}
    assert await replicas(server) == 0


async def test_a_put_of_an_old_version_is_a_conflict(server: Server) -> None:
    response = await server.get(SCALE)
    await server.request("PATCH", SCALE, {"spec": {"replicas": 5}}, **MERGE)
    response = await server.request("PUT", SCALE, {**response, "spec": {"replicas": 2}})
    assert (response.code, await replicas(server)) == (409, 5)


@pytest.mark.parametrize(("wish", "code"), [(-1, 422), ("x", 400), (True, 400)])
async def test_an_invalid_scale_is_refused(server: Server, wish: Any, code: int) -> None:
    response = await server.request("PATCH", SCALE, {"spec": {"replicas": wish}}, **MERGE)
    assert (response.code, await replicas(server)) == (code, 3)


PROXY = "/api/v1/namespaces/default/services/web:80/proxy"


@asynccontextmanager
async def pods_behind(
    server: Server, *addresses: str, space: str = "default"
) -> AsyncIterator[None]:
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
    await _service(server, addresses, port, space)
    try:
        yield
    finally:
        await runner.cleanup()


async def _service(
    server: Server, addresses: tuple[str, ...], port: int, space: str = "default"
) -> None:
    meta = {"name": "web", "namespace": space}
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
async def test_request_and_response_are_forwarded_unchanged(server: Server, name: str) -> None:
    async with pods_behind(server, "127.0.0.1"):
        path = f"/api/v1/namespaces/default/services/{name}/proxy/a%20b/?c=d%26e"
        response = await server.request("GET", path, **{"X-Colour": "blue"})

    assert (response.code, response.headers["X-Version"]) == (418, "2.0")
    assert response.body["path"] == "/a%20b/?c=d%26e"
    assert response.body["headers"]["X-Colour"] == "blue"


async def test_a_proxy_path_without_a_path_is_the_root(server: Server) -> None:
    async with pods_behind(server, "127.0.0.1"):
        assert (await server.request("GET", PROXY)).body["path"] == "/"


@pytest.mark.parametrize(
    "path",
    ["//127.0.0.3:9020/x", "/@127.0.0.3:9020/", "//evil.example/..", "/%2F/x?y=//z", "/.//x"],
)
async def test_a_proxy_path_leads_to_no_other_address(server: Server, path: str) -> None:
    async with pods_behind(server, "127.0.0.1"):
        fields = f"Authorization: Bearer {server.access.token}\r\nConnection: close".encode()
        answer = await exchange(server, f"GET {PROXY}{path} HTTP/1.1".encode(), fields)

    assert json.loads(answer.partition(b"\r\n\r\n")[2])["path"] == path


@pytest.mark.parametrize("space", ["proxy", "proxy-ns", "a-proxy"])
async def test_a_namespace_may_be_called_like_the_subresource(server: Server, space: str) -> None:
    await server.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    async with pods_behind(server, "127.0.0.1", space=space):
        path = f"/api/v1/namespaces/{space}/services/web:80/proxy/proxy/x"
        response = await server.request("GET", path)

    assert response.body["path"] == "/proxy/x"


async def test_a_compressed_body_is_forwarded_as_it_is(server: Server) -> None:
    body = gzip.compress(b"two pears")
    async with pods_behind(server, "127.0.0.1"):
        response = await server.request("POST", PROXY, body, **{"Content-Encoding": "gzip"})

    assert response.body["body"] == "two pears"


async def test_a_body_is_forwarded(server: Server) -> None:
    async with pods_behind(server, "127.0.0.1"):
        response = await server.request("POST", f"{PROXY}/orders", b"two pears")

    assert (response.body["method"], response.body["body"]) == ("POST", "two pears")


async def test_the_token_is_not_forwarded(server: Server) -> None:
    async with pods_behind(server, "127.0.0.1"):
        response = await server.request("GET", PROXY)

    assert "Authorization" not in response.body["headers"]


@needs("linux")
async def test_a_pod_is_chosen_for_each_request(server: Server) -> None:
    both = ("127.0.0.1", "127.0.0.2")
    async with pods_behind(server, *both), server.session() as session:
        seen = set()
        for _ in range(60):  # one of the two stays unseen once in 2 ** 59 times
            async with session.get(PROXY) as response:
                seen.add((await response.json())["at"])

    assert seen == set(both)


async def test_an_unknown_service_is_not_found(server: Server) -> None:
    response = await server.request("GET", PROXY)

    assert (response.code, response.body["message"]) == (404, 'services "web" not found')


async def test_a_service_without_endpoints_is_unavailable(server: Server) -> None:
    async with pods_behind(server):
        response = await server.request("GET", PROXY)

    assert response.code == 503
    assert response.body["message"] == 'no endpoints available for service "web"'


async def test_an_unknown_service_port_is_unavailable(server: Server) -> None:
    async with pods_behind(server, "127.0.0.1"):
        response = await server.request("GET", PROXY.replace(":80", ":81"))

    assert response.body["message"] == 'no service port 81 found for service "web"'


async def test_a_pod_that_refuses_connections_is_unavailable(server: Server) -> None:
    await _service(server, ("127.0.0.1",), 1)  # nobody listens on port 1

    response = await server.request("GET", PROXY)

    assert (response.code, response.body["reason"]) == (503, "ServiceUnavailable")
    assert response.body["message"] == (
        "error trying to reach service: dial tcp4 127.0.0.1:1: connect: connection refused"
    )


@pytest.mark.parametrize("name", [":80", "a:b:c", "a:b:c:d"])
def test_an_invalid_service_name_is_refused(name: str) -> None:
    with pytest.raises(StatusError, match="invalid service request"):
        parse_proxy_target("service", name)


POD_PROXY = "/api/v1/namespaces/default/pods/{}/proxy"


async def _pod_at(server: Server, address: str, *declared: int) -> None:
    ports = [{"containerPort": port} for port in declared]
    container = {"name": "nodeapp", "image": "node_app:1.0", "ports": ports}
    created = await server.api.create(pod(containers=[container]))
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    await server.api.update_status({**created, "status": status})


async def _port_behind(server: Server) -> int:
    endpoints = await server.api.get("Endpoints", Key("default", "web"))
    return int(endpoints["subsets"][0]["ports"][0]["port"])


@pytest.mark.parametrize("name", ["web:{}", "http:web:{}", "web"])
async def test_a_pod_is_reached_by_its_port_or_the_first_it_declares(
    server: Server, name: str
) -> None:
    async with pods_behind(server, "127.0.0.1"):
        port = await _port_behind(server)
        await _pod_at(server, "127.0.0.1", port, 1)
        path = POD_PROXY.format(name.format(port))
        response = await server.request("POST", f"{path}/a%20b/?c=d%26e", b"two pears")

    assert (response.code, response.headers["X-Version"]) == (418, "2.0")
    assert response.body["path"] == "/a%20b/?c=d%26e"
    assert response.body["body"] == "two pears"
    assert "Authorization" not in response.body["headers"]


@pytest.mark.parametrize("path", ["//127.0.0.3:9020/x", "/@127.0.0.3:9020/", "/../../x", "/.//x"])
async def test_a_path_below_a_pod_leads_to_no_other_address(server: Server, path: str) -> None:
    async with pods_behind(server, "127.0.0.1"):
        port = await _port_behind(server)
        await _pod_at(server, "127.0.0.1")
        fields = f"Authorization: Bearer {server.access.token}\r\nConnection: close".encode()
        line = f"GET {POD_PROXY.format(f'web:{port}')}{path} HTTP/1.1".encode()
        answer = await exchange(server, line, fields)

    assert json.loads(answer.partition(b"\r\n\r\n")[2])["path"] == path


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("nobody:80", 404, 'pods "nobody" not found'),
        ("web:", 503, "error trying to reach service: dial tcp4 127.0.0.1:1: "),
        ("web:http", 400, 'invalid pod request "web:http"'),
        ("web:70000", 400, 'invalid pod request "web:70000"'),
        ("a:b:c:d", 400, 'invalid pod request "a:b:c:d"'),
        ("x@127.0.0.1:80", 404, 'pods "x@127.0.0.1" not found'),
    ],
)
async def test_a_pod_that_cannot_be_reached_is_an_error(
    server: Server, name: str, code: int, message: str
) -> None:
    await _pod_at(server, "127.0.0.1", 1)  # nobody listens on port 1
    response = await server.request("GET", POD_PROXY.format(name))

    assert response.code == code
    assert response.body["message"].startswith(message)


async def test_a_pod_without_an_address_is_not_reached(server: Server) -> None:
    await server.api.create(pod())
    response = await server.request("GET", POD_PROXY.format("web:80"))

    assert (response.code, response.body["message"]) == (400, "address not allowed")


async def test_a_pod_cannot_be_resized(server: Server) -> None:
    await server.api.create(pod("web-0"))
    path = "/api/v1/namespaces/default/pods/web-0/resize"
    assert (await server.request("PATCH", path, {"spec": {}}, **MERGE)).code == 404
    assert "pods/resize" not in {
        each["name"] for each in (await server.get("/api/v1"))["resources"]
    }
