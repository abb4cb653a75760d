"""Which version of the objects a list, a watch or a read may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.playground.apiserver.store import Limit, Store
from tests.playground.apiserver.server import Server, config_map, running_server

MAPS = "/api/v1/namespaces/default/configmaps"
MATCH = "resourceVersionMatch"
LISTED = 'Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""'


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (f"{MATCH}=Foo&resourceVersion=1", f"{MATCH}: {LISTED}"),
        (
            f"{MATCH}=Exact",
            f"{MATCH}: Forbidden: {MATCH} is forbidden unless resourceVersion is provided",
        ),
        (
            f"{MATCH}=Foo",
            f"[{MATCH}: Forbidden: {MATCH} is forbidden unless resourceVersion is provided, "
            f"{MATCH}: {LISTED}]",
        ),
        (
            f"{MATCH}=NotOlderThan&resourceVersion=1&continue=a",
            f"{MATCH}: Forbidden: {MATCH} is forbidden when continue is provided",
        ),
        (
            f"{MATCH}=Exact&resourceVersion=0",
            f'{MATCH}: Forbidden: {MATCH} "exact" is forbidden for resourceVersion "0"',
        ),
        (
            "sendInitialEvents=true",
            "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list",
        ),
        (
            "watch=true&sendInitialEvents=true",
            f"{MATCH}: Forbidden: sendInitialEvents requires setting {MATCH} to NotOlderThan",
        ),
        (
            f"watch=true&{MATCH}=NotOlderThan",
            f"{MATCH}: Forbidden: {MATCH} is forbidden for watch unless sendInitialEvents is "
            "provided",
        ),
        (
            f"watch=true&{MATCH}=Exact&sendInitialEvents=true",
            f"[{MATCH}: Forbidden: sendInitialEvents requires setting {MATCH} to NotOlderThan, "
            f'{MATCH}: Unsupported value: "Exact": supported values: "NotOlderThan"]',
        ),
        (
            f"watch=true&{MATCH}=NotOlderThan&sendInitialEvents=true&continue=a",
            f"{MATCH}: Forbidden: {MATCH} is forbidden when continue is provided",
        ),
    ],
)
async def test_options_that_exclude_each_other_are_refused(
    server: Server, query: str, problem: str
) -> None:
    refused = await server.request("GET", f"{MAPS}?{query}")
    message = f'ListOptions.meta.k8s.io "" is invalid: {problem}'
    assert (refused.code, refused.body["message"]) == (422, message)


@pytest.mark.parametrize("path", [MAPS, f"{MAPS}/colours"])
async def test_a_version_that_is_not_there_yet_is_refused(server: Server, path: str) -> None:
    await server.api.create(config_map())
    current = server.api.store.version
    assert (await server.request("GET", f"{path}?resourceVersion={current}")).code == 200
    refused = await server.request("GET", f"{path}?resourceVersion={current + 1000}")
    message = f"Timeout: Too large resource version: {current + 1000}, current: {current}"
    assert (refused.code, refused.body["message"]) == (504, message)
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    assert (refused.body["reason"], refused.body["details"]) == ("Timeout", {"causes": [cause]})


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (f"{MATCH}=Exact", ["old"]),
        ("limit=5", ["old"]),
        (f"{MATCH}=NotOlderThan", ["new", "old"]),
        (f"{MATCH}=NotOlderThan&limit=5", ["new", "old"]),
        ("", ["new", "old"]),
    ],
)
async def test_a_list_is_of_a_version_or_of_a_later_one(
    server: Server, query: str, names: list[str]
) -> None:
    await server.api.create(config_map("old"))
    version = server.api.store.version
    await server.api.create(config_map("new"))
    listed = await server.get(f"{MAPS}?resourceVersion={version}&{query}")
    assert [one["metadata"]["name"] for one in listed["items"]] == names


async def test_a_version_that_is_no_longer_kept_is_expired(tmp_path: Path) -> None:
    async with running_server(tmp_path, Store(history=Limit(2))) as server:
        for number in range(5):
            await server.api.create(config_map(f"c{number}"))
        refused = await server.request("GET", f"{MAPS}?{MATCH}=Exact&resourceVersion=1")
    message = "The resourceVersion for the provided list is too old."
    assert (refused.code, refused.body["message"]) == (410, message)
