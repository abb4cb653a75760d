"""Lists in chunks: consistent, counted, and continued when their version is too old."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from canarylab.kube_objects import Key
from canarylab.playground.apiserver.store import Limit, Store
from tests.needs import needs
from tests.playground.apiserver.server import Server, config_map, running_server

MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


@pytest.fixture
async def filled(server: Server) -> Server:
    for number in range(5):
        await server.api.create(config_map(f"c{number}"))
    return server


def names(listed: Any) -> list[str]:
    return [item["metadata"]["name"] for item in listed["items"]]


async def test_a_chunk_has_a_token_and_what_is_left(filled: Server) -> None:
    first = await filled.get(f"{MAPS}?limit=2")
    second = await filled.get(f"{MAPS}?limit=2&continue={first['metadata']['continue']}")
    third = await filled.get(f"{MAPS}?limit=2&continue={second['metadata']['continue']}")
    assert [names(chunk) for chunk in (first, second, third)] == [
        ["c0", "c1"],
        ["c2", "c3"],
        ["c4"],
    ]
    assert [chunk["metadata"].get("remainingItemCount") for chunk in (first, second)] == [3, 1]
    assert third["metadata"].keys() == {"resourceVersion"}


async def test_every_chunk_shows_the_version_of_the_first(filled: Server) -> None:
    first = await filled.get(f"{MAPS}?limit=1")
    await filled.api.delete("ConfigMap", Key("default", "c1"))
    await filled.api.create(config_map("c3a"))
    await filled.request("PUT", f"{MAPS}/c4", config_map("c4", colour="red"))
    rest = await filled.get(f"{MAPS}?continue={first['metadata']['continue']}")
    assert names(rest) == ["c1", "c2", "c3", "c4"]
    assert not rest["items"][-1].get("data")
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_with_a_selector_nothing_is_counted(filled: Server) -> None:
    chunk = await filled.get(f"{MAPS}?limit=1&fieldSelector=metadata.name!=c0")
    assert names(chunk) == ["c1"]
    assert "remainingItemCount" not in chunk["metadata"]


async def test_a_table_comes_in_chunks_too(filled: Server) -> None:
    table = await filled.get(f"{MAPS}?limit=2", **TABLE)
    assert (len(table["rows"]), table["metadata"]["remainingItemCount"]) == (2, 3)


async def test_version_zero_gives_everything(filled: Server) -> None:
    assert len(names(await filled.get(f"{MAPS}?limit=2&resourceVersion=0"))) == 5


@pytest.fixture
async def forgetful(tmp_path: Path) -> AsyncIterator[Server]:
    async with running_server(tmp_path, Store(history=Limit(2))) as server:
        for number in range(3):
            await server.api.create(config_map(f"c{number}"))
        yield server


async def test_a_version_that_is_too_old_comes_with_another_token(forgetful: Server) -> None:
    first = await forgetful.get(f"{MAPS}?limit=1")
    for number in range(3, 8):
        await forgetful.api.create(config_map(f"c{number}"))
    token = first["metadata"]["continue"]
    expired = await forgetful.request("GET", f"{MAPS}?continue={token}")
    assert (expired.code, expired.body["reason"]) == (410, "Expired")
    assert expired.body["message"].startswith("The provided continue parameter is too old")
    again = expired.body["metadata"]["continue"]
    assert names(await forgetful.get(f"{MAPS}?continue={again}")) == [f"c{n}" for n in range(1, 8)]


@pytest.mark.parametrize("token", ["%FF", "abc", "bnVsbA", "W10", "eyJ2IjoxfQ", "e30%3D"])
async def test_a_token_of_another_server_is_refused(server: Server, token: str) -> None:
    refused = await server.request("GET", f"{MAPS}?continue={token}")
    assert (refused.code, refused.body["reason"]) == (400, "BadRequest")
    assert "continue key is not valid" in refused.body["message"]


async def test_a_version_beside_a_token_is_refused(filled: Server) -> None:
    token = (await filled.get(f"{MAPS}?limit=1"))["metadata"]["continue"]
    refused = await filled.request("GET", f"{MAPS}?continue={token}&resourceVersion=7")
    message = "specifying resource version is not allowed when using continue"
    assert (refused.code, refused.body["message"]) == (400, message)


@needs("kubectl")
async def test_kubectl_puts_the_chunks_together(filled: Server) -> None:
    shown = await filled.kubectl("get configmaps --chunk-size 2 --no-headers")
    assert [line.split()[0] for line in shown.out.splitlines()] == [f"c{n}" for n in range(5)]
