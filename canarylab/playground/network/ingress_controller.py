"""Serves the Ingresses of class `nginx` or none, and reports it in their status and events.

Follows Ingresses, IngressClasses, Services and EndpointSlices. `canarylab/ingress_rules` holds the
rules: `server_table.py` builds them, `routing.py` applies them to a request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random

from canarylab.errors import ApiError
from canarylab.ingress_rules.affinity import session_of
from canarylab.ingress_rules.ingress_spec import (
    class_problems,
    parse_ingresses,
    served_ingresses,
)
from canarylab.ingress_rules.routing import IngressRequest, route_request
from canarylab.ingress_rules.server_table import EMPTY_TABLE, ServerTable, build_server_table
from canarylab.ingress_rules.warnings import class_warning
from canarylab.kube_objects import EndpointIndex, Key, Object, key_of, uid_of
from canarylab.playground.kube.api import Api
from canarylab.playground.kube.events import EventDetails, Warnings, record_event
from canarylab.playground.kube.retries import keep_running, notify_of_changes
from canarylab.playground.network.proxy_request import (
    DirectResponse,
    Forward,
    RequestHead,
    as_read_by_nginx,
)

logger = logging.getLogger(__name__)

EVENT_SOURCE = "nginx-ingress-controller"
DEFAULT_BACKEND = b"default backend - 404"
"""The body of the default backend of ingress-nginx."""
SYNC_PAUSE_S, RETRY_PAUSE_S = 0.1, 5.0
"""Between two syncs: a rollout changes much at once, and one table is enough for it."""

_FOLLOWED = ("Ingress", "IngressClass", "Service", "EndpointSlice")


class IngressController:
    """Watches Ingresses and decides about requests. It has rules only while `run` runs."""

    def __init__(
        self,
        api: Api,
        address: tuple[str, int],
        *,
        random: Random,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.table: ServerTable = EMPTY_TABLE
        self._api, self._random, self._sleep = api, random, sleep
        ip, port = address
        self._status = {
            "loadBalancer": {"ingress": [{"ip": ip, "ports": [{"port": port, "protocol": "TCP"}]}]}
        }
        self._changed = asyncio.Event()
        self._warnings = Warnings(api, EVENT_SOURCE)
        self._synced: dict[Key, str] = {}

    async def run(self) -> None:
        """Sync until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(notify_of_changes(self._api, _FOLLOWED, self._changed))
            tasks.create_task(keep_running(EVENT_SOURCE, self._sync_changes, sleep=self._sleep))

    def decide(self, head: RequestHead) -> DirectResponse | Forward:
        """Route a request; chooses at random for each, like `math.random` in balancer.lua."""
        request = IngressRequest(head.host, head.target, head.by_name)
        route = route_request(self.table, request)
        upstream = route.upstream(lambda total: self._random.randint(1, total))
        if route.status == 404:
            return DirectResponse(404, DEFAULT_BACKEND)
        if route.status or upstream is None or route.location is None:
            return DirectResponse(route.status or 503)
        sent = as_read_by_nginx(head)._replace(target=route.target)
        forward = Forward(upstream.backend, upstream.endpoints, sent, route.location.body_limit)
        if upstream.affinity is None:
            return forward
        path = route.location.cookie_path
        session = session_of(upstream.affinity, upstream.backend, request.cookies, path)
        return forward._replace(session=session)

    async def _sync_changes(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._sync()
            except Exception:  # the rules stay as they are; one object must not end the daemon
                logger.exception("The rules could not be read; next try in %s s.", RETRY_PAUSE_S)
                self._changed.set()
                await self._sleep(RETRY_PAUSE_S)
            await self._sleep(SYNC_PAUSE_S)

    async def _sync(self) -> None:
        classes = await self._api.list("IngressClass")
        every = await self._api.list("Ingress")
        ingresses = served_ingresses(every, classes)
        services = await self._api.list("Service")
        slices = await self._api.list("EndpointSlice")
        result = build_server_table(parse_ingresses(ingresses), EndpointIndex(services, slices))
        self.table = result.table
        by_key = {key_of(ingress): ingress for ingress in every}
        for ingress in ingresses:
            await self._report(ingress)
        self._synced = {key: seen for key, seen in self._synced.items() if key in by_key}
        of_classes = [class_warning(problem) for problem in class_problems(every, classes)]
        await self._warnings.record(
            (by_key[ingress], reason, message)
            for ingress, reason, message in (*result.warnings, *of_classes)
        )

    async def _report(self, ingress: Object) -> None:
        seen = f"{uid_of(ingress)} {ingress['metadata'].get('generation')} {_annotations(ingress)}"
        if self._synced.get(key_of(ingress)) != seen:
            self._synced[key_of(ingress)] = seen
            await self._record(ingress, EventDetails("Sync", "Scheduled for sync", EVENT_SOURCE))
        if ingress.get("status") != self._status:
            try:
                await self._api.update_status({**ingress, "status": self._status})
            except ApiError:
                self._changed.set()  # it changed meanwhile: read it again

    async def _record(self, ingress: Object, details: EventDetails) -> None:
        try:
            await record_event(self._api, ingress, details)
        except ApiError:
            return  # its namespace is terminating, and so is the Ingress


def _annotations(ingress: Object) -> str:
    return str(sorted((ingress["metadata"].get("annotations") or {}).items()))
