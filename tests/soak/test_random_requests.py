"""Requests that no client sends are refused in words, and the playground goes on.

Objects are those of the lessons with one value in them replaced, in a dry run; requests to the
Ingress are good ones with some bytes changed.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import random
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import aiohttp
import pytest
import yaml

from canarylab import resources
from canarylab.kube_objects import Object
from tests.needs import needs
from tests.running_playground import RunningPlayground
from tests.waiting import until

pytestmark = needs("linux")
VALUES: list[Any] = [
    *(None, True, -1, 0, 1.5, 2**70, "", "x" * 300, "A b", "\x00", "é", "0", "1e9", "-5m"),
    *([], {}, [None], [[]], {"": ""}, {"a": {"b": [1]}}, [{}], "{}", "$(A)", "(?<=a)b", "../.."),
]
PATCHES = ["application/merge-patch+json", "application/strategic-merge-patch+json"]
REQUEST = (
    b"GET /canary?a=1 HTTP/1.1\r\nHost: foo.bar.com\r\nCookie: a=b\r\nConnection: close\r\n\r\n"
)
ANSWER_S = 0.2


class Server(NamedTuple):
    """The API server, as a kubeconfig names it."""

    url: str
    token: str
    tls: ssl.SSLContext

    @classmethod
    def of(cls, playground: RunningPlayground) -> Server:
        """Read from the playground's kubeconfig."""
        read = yaml.safe_load(playground.kubeconfig.read_text())
        cluster, user = read["clusters"][0]["cluster"], read["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        return cls(cluster["server"], user["token"], ssl.create_default_context(cadata=authority))


def objects() -> list[Object]:
    """Everything that the lessons apply."""
    files = sorted(resources.folder("manifests").glob("[0-9]*/*.yaml"))
    read = [each for file in files for each in yaml.safe_load_all(file.read_text())]
    return [each for each in read if each]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a document, with each of its keys."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def with_a_change(good: Object, dice: random.Random) -> Object:
    """The object with one value replaced or left out."""
    changed = copy.deepcopy(good)
    container, key = dice.choice([*places(changed)])
    if dice.random() < 0.2:
        del container[key]
    else:
        container[key] = dice.choice(VALUES)
    return changed


def collection(good: Object) -> str:
    """The path of the objects of its kind."""
    group = good["apiVersion"] if "/" in good["apiVersion"] else ""
    kind = good["kind"].lower()
    plural = kind + ("es" if kind.endswith(("s", "x")) else "s")
    return f"/{f'apis/{group}' if group else 'api/v1'}/namespaces/default/{plural}"


@pytest.mark.soak(few=300, many=20_000)
async def test_an_object_with_any_value_in_it_is_taken_or_refused(
    playground: RunningPlayground, times: int
) -> None:
    dice, good, server = random.Random(times), objects(), Server.of(playground)
    headers = {"Authorization": f"Bearer {server.token}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        for _ in range(times):
            chosen = dice.choice(good)
            sent = with_a_change(chosen, dice)
            path, method, media = collection(chosen), "POST", "application/json"
            if dice.random() < 0.3:
                path, method, media = f"{path}/none", "PATCH", dice.choice(PATCHES)
            async with session.request(
                method,
                f"{path}?dryRun=All",
                data=json.dumps(sent),
                headers={"Content-Type": media},
                ssl=server.tls,
            ) as response:
                answer = await response.text()
            assert response.status < 500, (method, path, sent, answer)
            assert json.loads(answer)["kind"] in {"Status", chosen["kind"]}, (sent, answer)


@pytest.mark.soak(few=300, many=20_000)
async def test_bytes_that_are_no_request_do_not_stop_the_ingress(
    playground: RunningPlayground, times: int
) -> None:
    ingress = (playground.running.ingress_host, playground.running.ingress_port)
    dice = random.Random(times)
    for _ in range(times):
        sent = bytearray(REQUEST)
        for _ in range(dice.randint(1, 6)):
            place = dice.randrange(len(sent))
            sent[place : place + dice.randint(0, 4)] = dice.randbytes(dice.randint(0, 4))
        await answer_to(ingress, bytes(sent))

    async def is_answered() -> bool:
        return b" 404 " in await answer_to(ingress, REQUEST)

    await until(is_answered)


async def answer_to(ingress: tuple[str, int], sent: bytes) -> bytes:
    """What comes back; nothing where the server waits for more."""
    reader, writer = await asyncio.open_connection(*ingress)
    try:
        writer.write(sent)
        async with asyncio.timeout(ANSWER_S):
            return await reader.read()
    except (ConnectionError, TimeoutError):
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
