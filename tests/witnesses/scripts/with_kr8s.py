"""kr8s; it has neither server-side apply nor strategic patches, and its lists have pages anyway."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import httpx
import kr8s
from kr8s.asyncio.objects import ConfigMap, Deployment, Pod

from tests.witnesses.scripts.steps import (
    CONFIG_MAP,
    DEPLOYMENT,
    FORTY_TWO,
    NAMESPACE,
    SELECTOR,
    TIMEOUT_S,
    annotated,
    report,
    started,
)


async def _web() -> Deployment:
    return await Deployment.get("web", namespace=NAMESPACE)


async def _pods() -> list[Pod]:
    return [pod async for pod in Pod.list(namespace=NAMESPACE, label_selector=SELECTOR)]


async def create() -> str:
    made = await Deployment(DEPLOYMENT)
    await made.create()
    return f"{made.name} has {made.replicas} replicas"


async def wait() -> str:
    made = await _web()
    await made.wait("condition=Available", timeout=TIMEOUT_S)
    return f"{made.status.availableReplicas} are available"


async def get() -> str:
    return str((await _web()).spec.template.spec.containers[0].image)


async def list_all() -> str:
    return f"{len(await _pods())} pods"


async def watch_changes() -> str:
    settings, seen = await ConfigMap(CONFIG_MAP), []
    await settings.create()
    only = {"namespace": NAMESPACE, "field_selector": "metadata.name=settings"}
    api = await kr8s.asyncio.api()
    async for change, _ in api.async_watch("configmaps", **only):
        seen.append(change)
        if change == "ADDED":
            await settings.patch({"data": {"colour": "red"}})
        if change == "MODIFIED":
            await settings.delete()
        if change == "DELETED":
            break
    return " ".join(seen)


async def patch() -> str:
    made = await _web()
    await made.patch(annotated("merge"))
    await made.patch(annotated("json"), type="json")
    return " ".join(sorted(made.annotations.keys() & {"merge", "json"}, reverse=True))


async def scale() -> str:
    made = await _web()
    await made.scale(3)
    await made.wait("jsonpath='{.status.availableReplicas}'=3", timeout=TIMEOUT_S)
    return f"{made.status.availableReplicas} are available"


async def logs() -> str:
    lines = [line async for line in (await _pods())[0].logs()]
    return started(lines[0])


async def execute() -> str:
    done = await (await _pods())[0].exec(FORTY_TWO)
    return str(done.stdout.decode()).strip()


async def forward_port() -> str:
    async with (
        (await _pods())[0].portforward(3333, local_port="auto") as port,
        httpx.AsyncClient() as web,
    ):
        return (await web.get(f"http://127.0.0.1:{port}/")).text


async def refused() -> str:
    try:
        return await create()
    except kr8s.ServerError as exc:
        return f"{exc.response.status_code} {exc.status['reason']}"


async def delete() -> str:
    made = await _web()
    await made.delete(propagation_policy="Foreground")
    await made.wait("delete", timeout=TIMEOUT_S)
    return await list_all()


def main() -> None:
    steps: dict[str, Callable[[], Awaitable[str]]] = {
        "create": create,
        "wait": wait,
        "get": get,
        "list": list_all,
        "watch": watch_changes,
        "patch": patch,
        "scale": scale,
        "logs": logs,
        "exec": execute,
        "port-forward": forward_port,
        "refused": refused,
        "delete": delete,
    }
    with asyncio.Runner() as runner:
        report({name: partial(_run, runner, step) for name, step in steps.items()})


def _run(runner: asyncio.Runner, step: Callable[[], Awaitable[str]]) -> str:
    async def in_time() -> str:
        async with asyncio.timeout(TIMEOUT_S):
            return await step()

    return runner.run(in_time())


if __name__ == "__main__":
    main()
