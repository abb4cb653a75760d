"""The health of the API server; on a full disk it is in `test_persistence.py`."""

from __future__ import annotations

import aiohttp
import pytest

from tests.needs import needs
from tests.playground.apiserver.server import Server

CHECKS = {
    "healthz": "[+]ping ok\n[+]database ok\n",
    "livez": "[+]ping ok\n",
    "readyz": "[+]ping ok\n[+]database ok\n",
}


@pytest.mark.parametrize("name", CHECKS)
async def test_it_is_ok(server: Server, name: str) -> None:
    assert await server.get(f"/{name}") == "ok"
    assert await server.get(f"/{name}/ping") == "ok"
    assert (await server.request("GET", f"/{name}/etcd")).code == 404


@pytest.mark.parametrize("name", CHECKS)
async def test_its_checks_are_listed(server: Server, name: str) -> None:
    assert await server.get(f"/{name}?verbose") == f"{CHECKS[name]}{name} check passed\n"


async def test_a_check_can_be_left_out(server: Server) -> None:
    assert await server.get("/readyz?verbose&exclude=database&exclude=etcd&exclude=log") == (
        "[+]ping ok\n"
        "[+]database excluded: ok\n"
        'warn: some health checks cannot be excluded: no matches for "etcd","log"\n'
        "readyz check passed\n"
    )


async def test_the_list_is_public_and_a_single_check_is_not(server: Server) -> None:
    connector = aiohttp.TCPConnector(ssl=server.tls)
    async with aiohttp.ClientSession(server.url, connector=connector) as anonymous:
        codes = [(await anonymous.get(path)).status for path in ("/readyz?verbose", "/readyz/ping")]
    assert codes == [200, 401]


@needs("kubectl")
async def test_kubectl_shows_the_checks(server: Server) -> None:
    shown = await server.kubectl("get --raw /readyz?verbose")
    assert shown.out == f"{CHECKS['readyz']}readyz check passed\n"
