"""Requests that no client sends are refused in words, and the playground goes on.

Objects are those of the lessons with some values in them replaced; most are really created, so that
controllers, kubelet and proxies meet them too. Bodies are also damaged as bytes, sent in other
formats and encodings, and under other content types, paths, methods and parameters. Requests to the
Ingress are good ones with some bytes changed.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import gzip
import io
import json
import random
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import psutil
import pytest
import yaml

from canarylab import resources
from canarylab.kube_objects import Object
from tests.needs import needs
from tests.running_playground import RunningPlayground, running_playground
from tests.waiting import until

pytestmark = needs("linux")
LONG = 20_000
MAX_PLACES = 3_000
MAX_BODY = 3 * 1024 * 1024 + 1  # bytes: one more than the server takes
VALUES: list[Any] = [
    *(None, True, -1, 0, 1, 1.5, 2**31 - 1, 2**63 - 1, 2**70, -(2**63), 1e300, 65_536, 110),
    *("", "x" * 300, "A b", "\x00", "é", "0", "1e9", "-5m", "\r\nX: y", "\u2028", "²", "x" * LONG),
    *("9" * 5_000, "9" * 5_000 + "%", "1e99999999", "100%", "$(A)", "$(A)" * LONG, "None", "~"),
    *("(?<=a)b", "(a+)+$", "a{1000}", "(a{999}){999}", "(" * 1_000 + ")" * 1_000, "../..", "/"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "127.0.0.1", "::1", "255.255.255.255"),
    *([], {}, [None], [[]], {"": ""}, {"a": {"b": [1]}}, [{}], ["a\x00"], [1] * 1_000, "{}"),
    *([{"name": "a"}] * 3, {"name": "a", "value": "b"}, {f"k{n}": "v" for n in range(1_000)}),
]
MEDIA = [
    *("application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "text/plain"),
    *("application/merge-patch+json", "application/strategic-merge-patch+json"),
    *("application/json-patch+json", "application/apply-patch+yaml", "application/json; charset=x"),
    "",
]
PATCHES = MEDIA[4:7]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]
SUBRESOURCES = ["status", "scale", "binding", "eviction", "log", "exec", "proxy/", "finalize", "x"]
PARAMETERS = [
    *("dryRun", "fieldValidation", "limit", "continue", "resourceVersion", "labelSelector"),
    *("fieldSelector", "gracePeriodSeconds", "propagationPolicy", "timeoutSeconds", "container"),
    *("tailLines", "sinceSeconds", "sinceTime", "limitBytes", "previous", "timestamps", "pretty"),
    *(
        "includeObject",
        "sendInitialEvents",
        "allowWatchBookmarks",
        "command",
        "resourceVersionMatch",
    ),
]
QUERY_VALUES = [
    *(
        "",
        "1",
        "0",
        "-1",
        "true",
        "All",
        "Strict",
        "abc",
        "²",
        "9" * 30,
        "9" * 5_000,
        "a=b",
        "a in (b",
    ),
    *(
        "a in (b,c),!d",
        "metadata.name=x",
        "spec.nodeName!=",
        "\x00",
        "é",
        "\n",
        "Foreground",
        "x" * 2_000,
    ),
    *("2026-01-01T00:00:00Z", "9999-99-99", "(", "a,,b", "=", "sh"),
]
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
MEANT = {501, 503, 504}
"""Answers of the API itself: for a Service without endpoints, for example."""
NO_MERGE_KEY = "does not contain declared merge key"
"""Kubernetes answers 500 to a strategic merge patch of which an item has no name."""
MAX_GROWTH_MB = 20
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


class HostileRequest(NamedTuple):
    """A request, and whether its answer ends by itself."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    ends: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.query} {self.headers} {self.body[:2_000]!r}"


def objects() -> list[Object]:
    """Everything that the lessons apply, and kinds that they only read."""
    files = sorted(resources.folder("manifests").glob("[0-9]*/*.yaml"))
    read = [each for file in files for each in yaml.safe_load_all(file.read_text())]
    return [each for each in read if each] + MORE_OBJECTS


MORE_OBJECTS: list[Object] = [
    {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"},
        "count": 1,
        "lastTimestamp": "2026-01-01T00:00:00Z",
    },
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {"app": "nodeapp"}},
        "spec": {
            "containers": [{"name": "a", "image": "none", "env": [{"name": "A", "value": "$(A)"}]}],
            "nodeName": "playground",
        },
        "status": {"phase": "Running", "containerStatuses": [{"name": "a", "restartCount": 1}]},
    },
    {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "s", "labels": {"kubernetes.io/service-name": "nodeapp-svc"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.9"], "conditions": {"ready": True}}],
        "ports": [{"name": "", "port": 1, "protocol": "TCP"}],
    },
    {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "nodeapp-svc"},
        "subsets": [{"addresses": [{"ip": "127.0.0.9"}], "ports": [{"port": 1}]}],
    },
]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a document, with each of its keys."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def with_changes(good: Object, dice: random.Random) -> Object:
    """The object with one value or more replaced, repeated, left out or added."""
    changed = copy.deepcopy(good)
    for _ in range(dice.choice([0, 0, 1, 1, 1, 2, 5])):
        found = [*islice(places(changed), MAX_PLACES)]
        container, key = dice.choice(found)
        match dice.random():
            case chance if chance < 0.15:
                del container[key]
            case chance if chance < 0.25 and isinstance(container, list) and len(found) < 100:
                container += [container[key]] * dice.choice([1, 60])
            case chance if chance < 0.35 and isinstance(container, dict):
                container[str(dice.choice(VALUES))] = copy.deepcopy(dice.choice(VALUES))
            case _:
                container[key] = copy.deepcopy(dice.choice(VALUES))
        if not changed:
            return {}
    return changed


def collection(good: Object) -> str:
    """The path of the objects of its kind."""
    group = good["apiVersion"] if "/" in good["apiVersion"] else ""
    kind = good["kind"].lower()
    plural = kind if kind == "endpoints" else kind + ("es" if kind.endswith(("s", "x")) else "s")
    return f"/{f'apis/{group}' if group else 'api/v1'}/namespaces/default/{plural}"


def json_patch(dice: random.Random, good: Object) -> list[Any]:
    """Steps of a JSON patch, few of which can be done."""
    paths = ["", "/", "/spec", "/metadata/labels/a", "/spec/a/b", "/-", "/spec/ports/0", "a", 5]
    step = {
        "op": dice.choice(["add", "remove", "replace", "move", "copy", "test", "x", None]),
        "path": dice.choice(paths),
        "from": dice.choice(paths),
        "value": dice.choice([*VALUES, good]),
    }
    return [step] * dice.choice([1, 1, 30, 10_001])


def body_of(dice: random.Random, good: Object) -> bytes:
    """A document in one of several formats, sometimes damaged."""
    sent: Any = json_patch(dice, good) if dice.random() < 0.1 else with_changes(good, dice)
    return dice.choice(FORMATS)(sent, dice)[:MAX_BODY]


def plain(sent: Any, dice: random.Random) -> bytes:
    """As JSON."""
    return json.dumps(sent).encode()


def damaged(sent: Any, dice: random.Random) -> bytes:
    """As JSON with some bytes changed."""
    body = bytearray(json.dumps(sent).encode())
    for _ in range(dice.randint(1, 6)):
        place = dice.randrange(len(body) + 1)
        body[place : place + dice.randint(0, 4)] = dice.randbytes(dice.randint(0, 4))
    return bytes(body)


def nested(sent: Any, dice: random.Random) -> bytes:
    """Nothing but the beginnings of lists or objects."""
    return dice.choice([b"[", b'{"a":', b"- ", b"a: &a [*a]\n"]) * dice.choice([9, 900, LONG])


FORMATS: list[Callable[[Any, random.Random], bytes]] = [
    *[plain] * 20,
    *[damaged] * 3,
    nested,
    lambda sent, dice: yaml.dump(sent, Dumper=yaml.CSafeDumper).encode(errors="replace"),
    lambda sent, dice: b"k8s\x00" + dice.randbytes(dice.choice([1, 50, LONG])),
    lambda sent, dice: json.dumps(sent).encode(dice.choice(["utf-16", "utf-32", "utf-8-sig"])),
    lambda sent, dice: gzip.compress(json.dumps(sent).encode()),
    lambda sent, dice: json.dumps([sent] * dice.choice([2, 50])).encode(),
]


def hostile_request(dice: random.Random, good: list[Object]) -> HostileRequest:
    """Any request that can be sent with the token."""
    chosen = dice.choice(good)
    path, name = collection(chosen), chosen["metadata"]["name"]
    method, headers = (
        dice.choice(["POST", "POST", *METHODS[:5]]),
        {"Content-Type": "application/json"},
    )
    if method != "POST":
        path = f"{path}/{dice.choice([*[name] * 9, 'none', 'é', 'x' * 300])}"
        headers["Content-Type"] = dice.choice(PATCHES) if method == "PATCH" else "application/json"
    if method == "GET" and dice.random() < 0.5:
        path, headers["Accept"] = path.rpartition("/")[0], TABLE
    if dice.random() < 0.1:
        path = f"{path}/{dice.choice(SUBRESOURCES)}"
    if dice.random() < 0.05:
        method, headers = dice.choice(METHODS), {"Content-Type": dice.choice(MEDIA)}
    query = {"dryRun": "All"} if dice.random() < 0.4 and method != "GET" else {}
    for _ in range(dice.choice([0, 0, 0, 1, 1, 3])):
        query[dice.choice(PARAMETERS)] = dice.choice(QUERY_VALUES)
    ends = dice.random() < 0.9 or method != "GET"
    if not ends:
        query["watch"] = "true"
    body = b"" if method in ("GET", "HEAD") else body_of(dice, chosen)
    return HostileRequest(method, path, query, headers, body, ends)


@pytest.mark.soak(few=2_000, many=20_000)
@pytest.mark.timeout(900)
async def test_any_request_gets_an_answer_and_leaves_the_daemon_as_it_was(
    tmp_path: Path, times: int
) -> None:
    dice, good = random.Random(times), objects()
    with running_playground(tmp_path / "home", images=False) as playground:
        daemon, server = psutil.Process(playground.running.pid), Server.of(playground)
        before_mb = 0.0
        async with session_to(server) as session:
            for number in range(times):
                if number == times // 4:  # each kind has been there once
                    before_mb = await memory_without_objects(session, daemon, good)
                asked = hostile_request(dice, good)
                status, answer = await answer_of(session, asked)
                is_meant = status < 500 or status in MEANT or NO_MERGE_KEY in answer
                assert is_meant, (number, str(asked), answer)
                assert 200 <= status < 300 or status == 400 or is_status(answer) or not answer, (
                    f"{number} {asked} {status} {answer}"
                )
            after_mb = await memory_without_objects(session, daemon, good)
        log = (playground.home.playground / "daemon.log").read_text(errors="replace")
        assert "Traceback" not in log, log.partition("Traceback")[2][:5_000]
        assert after_mb - before_mb < MAX_GROWTH_MB


def session_to(server: Server) -> aiohttp.ClientSession:
    """A client with the token, and a time limit for each answer."""
    return aiohttp.ClientSession(
        server.url,
        headers={"Authorization": f"Bearer {server.token}"},
        connector=aiohttp.TCPConnector(ssl=server.tls),
        timeout=aiohttp.ClientTimeout(total=30),
    )


async def answer_of(session: aiohttp.ClientSession, asked: HostileRequest) -> tuple[int, str]:
    """The status and the body; a dropped connection is an aiohttp.ClientError."""
    async with session.request(
        asked.method,
        asked.path,
        params=asked.query,
        headers=asked.headers,
        data=io.BytesIO(asked.body),
    ) as response:
        return response.status, await response.text() if asked.ends else ""


def is_status(answer: str) -> bool:
    """Whether it is the Status of an error."""
    with suppress(ValueError):
        return bool(json.loads(answer)["kind"] == "Status")
    return False


async def memory_without_objects(
    session: aiohttp.ClientSession, daemon: psutil.Process, good: list[Object]
) -> float:
    """The daemon's memory in MB, after everything that was created has been deleted."""
    paths = {collection(each) for each in good} | {"/api/v1/namespaces/default/events"}
    for path in sorted(paths):
        async with session.delete(path, params={"gracePeriodSeconds": "0"}) as response:
            assert response.status == 200, await response.text()
    return float(daemon.memory_info().rss) / 1024 / 1024


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
