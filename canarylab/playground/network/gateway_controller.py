"""Serves the Gateways of class `canarylab` and their HTTPRoutes, and reports it in their status.

All requests arrive on the port of the ingress, whatever port a listener names: a playground has no
further addresses for Gateways. HTTPRoutes have precedence over Ingresses.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from random import Random
from typing import NamedTuple

from canarylab.errors import AlreadyExistsError, ApiError
from canarylab.kube_objects import (
    EndpointIndex,
    Now,
    Object,
    key_of,
    last_transition_time,
    utc_now,
)
from canarylab.playground.kube.api import Api
from canarylab.playground.kube.events import Warnings
from canarylab.playground.kube.kinds import GATEWAY_GROUP
from canarylab.playground.kube.retries import keep_running, notify_of_changes
from canarylab.playground.network.httproute_routing import (
    NO_RULES,
    AttachedRoute,
    Attachment,
    HttpRouteRule,
    HttpRouteRules,
    WeightedBackend,
    build_route_rules,
    count_attached_routes,
    filter_request,
    is_http,
    match_request,
    redirect,
    select_rule,
    service_grants,
)
from canarylab.playground.network.proxy_request import DirectResponse, Forward, RequestHead

logger = logging.getLogger(__name__)

CLASS = "canarylab"
CONTROLLER = "canarylab.dev/gateway-controller"
SYNC_PAUSE_S, RETRY_PAUSE_S = 0.1, 5.0

_FOLLOWED = (
    "GatewayClass",
    "Gateway",
    "HTTPRoute",
    "ReferenceGrant",
    "Service",
    "EndpointSlice",
    "Namespace",
)
_WITHOUT_EFFECT = ("addresses", "allowedListeners", "infrastructure", "tls")
"""Fields of a Gateway's spec that the playground does not serve."""
_SUPPORTED_KINDS = [{"group": GATEWAY_GROUP, "kind": "HTTPRoute"}]
_NOT_ACCEPTED = {
    "NoMatchingParent": "No HTTP listener of the Gateway has this sectionName and port.",
    "NotAllowedByListeners": "No listener allows routes of this kind from this namespace.",
    "NoMatchingListenerHostname": "No listener has a hostname in common with the route.",
}
_UNRESOLVED = {
    "BackendNotFound": "A backend names a Service, or a port of it, that does not exist.",
    "InvalidKind": "A backend is of a kind other than Service.",
    "RefNotPermitted": "A backend is in another namespace, without a ReferenceGrant for it there.",
}


class GatewayController:
    """Watches HTTPRoutes and decides about requests. It has rules only while `run` runs."""

    def __init__(
        self,
        api: Api,
        address: str,
        *,
        random: Random,
        sleep: Callable[[float], Awaitable[None]],
        now: Now = utc_now,
    ) -> None:
        self.rules: HttpRouteRules = NO_RULES
        self._api, self._address, self._random = api, address, random
        self._sleep, self._now = sleep, now
        self._changed = asyncio.Event()
        self._warnings = Warnings(api, CONTROLLER)

    async def run(self) -> None:
        """Sync until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(notify_of_changes(self._api, _FOLLOWED, self._changed))
            tasks.create_task(keep_running(CONTROLLER, self._sync_changes, sleep=self._sleep))

    def decide(self, head: RequestHead) -> DirectResponse | Forward | None:
        """The decision about a request; None if no rule matches it."""
        return decide(self.rules, head, self._random)

    async def _sync_changes(self) -> None:
        await self._create_class()
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

    async def _create_class(self) -> None:
        """Create the class with the controller; it may be deleted afterwards."""
        try:
            await self._api.create(
                {
                    "apiVersion": f"{GATEWAY_GROUP}/v1",
                    "kind": "GatewayClass",
                    "metadata": {"name": CLASS},
                    "spec": {"controllerName": CONTROLLER},
                }
            )
        except AlreadyExistsError:
            return

    async def _sync(self) -> None:
        every_class = await self._api.list("GatewayClass")
        classes = [entry for entry in every_class if entry["spec"]["controllerName"] == CONTROLLER]
        names = {entry["metadata"]["name"] for entry in classes}
        every_gateway = await self._api.list("Gateway")
        gateways = {
            key_of(gateway): gateway
            for gateway in every_gateway
            if gateway["spec"]["gatewayClassName"] in names
        }
        namespaces = {
            entry["metadata"]["name"]: entry for entry in await self._api.list("Namespace")
        }
        services = await self._api.list("Service")
        endpoints = EndpointIndex(services, await self._api.list("EndpointSlice"))
        routes = await self._api.list("HTTPRoute")
        grants = service_grants(await self._api.list("ReferenceGrant"))
        self.rules = build_route_rules(routes, gateways, namespaces, endpoints, grants)
        now = self._now()
        attachments = [each for route in self.rules.routes for each in route.attachments]
        for entry in classes:
            await self._update_status(entry, class_status(entry, now))
        for gateway in gateways.values():
            status = gateway_status(gateway, attachments, self._address, now)
            await self._update_status(gateway, status)
        for route in self.rules.routes:
            await self._update_status(route.route, route_status(route, now))
        attached = {key_of(route.route) for route in self.rules.routes}
        await self._warnings.record(
            [
                *not_served_gateways(every_gateway, every_class),
                *not_served_routes([each for each in routes if key_of(each) not in attached]),
            ]
        )

    async def _update_status(self, obj: Object, status: Object) -> None:
        if obj.get("status") == status:
            return
        try:
            await self._api.update_status({**obj, "status": status})
        except ApiError:
            self._changed.set()  # it changed meanwhile: read it again


def decide(
    rules: HttpRouteRules, head: RequestHead, random: Random
) -> DirectResponse | Forward | None:
    """Decide about a request; None if no rule matches it."""
    if not rules.rules:
        return None
    request = match_request(head.host, head.method, head.target, head.by_name)
    rule = None if request is None else select_rule(rules.rules, request)
    if rule is None:
        return None
    if (redirected := redirect(head, rule.filters, rule.match)) is not None:
        return redirected
    backend = _choose_backend(rule.backends, random)
    if backend is None or backend.endpoints is None:
        return DirectResponse(500)
    if not backend.endpoints:
        return DirectResponse(503)
    sent = filter_request(head, (*rule.filters, *backend.filters), rule.match)
    return Forward(
        (rule.route, backend.service),
        backend.endpoints,
        sent,
        mirrors=_mirrors(rule, sent, random),
        timeouts=rule.timeouts,
    )


def not_served_gateways(
    gateways: Iterable[Object], classes: Iterable[Object]
) -> Iterator[tuple[Object, str, str]]:
    """Warnings about Gateways of a class that nothing here serves, which get no condition."""
    controllers = {entry["metadata"]["name"]: entry["spec"]["controllerName"] for entry in classes}
    for gateway in gateways:
        named = gateway["spec"]["gatewayClassName"]
        controller = controllers.get(named)
        if controller == CONTROLLER:
            continue
        what = f"The controller {controller} of GatewayClass {named} does not run here"
        if controller is None:
            what = f"There is no GatewayClass {named}"
        remedy = f"Set gatewayClassName: {CLASS} in its spec."
        yield gateway, "ClassNotServed", f"{what}, so nothing serves this Gateway. {remedy}"


def not_served_routes(routes: Iterable[Object]) -> Iterator[tuple[Object, str, str]]:
    """Warnings about routes that no served Gateway has, which get no condition."""
    for route in routes:
        names = ", ".join(entry["name"] for entry in route["spec"].get("parentRefs") or [])
        yield (
            route,
            "NoParent",
            f"No Gateway that is served here is among its parentRefs ({names or 'it has none'}), "
            f"so nothing serves this route. Name a Gateway with gatewayClassName: {CLASS}.",
        )


def _choose_backend(backends: Sequence[WeightedBackend], random: Random) -> WeightedBackend | None:
    """Choose at random, by weight; None if all weights are 0."""
    weights = [backend.weight for backend in backends]
    return random.choices(backends, weights)[0] if sum(weights) else None


def _mirrors(rule: HttpRouteRule, sent: RequestHead, random: Random) -> tuple[Forward, ...]:
    return tuple(
        Forward((rule.route, "mirror", mirror.service), mirror.endpoints, sent)
        for mirror, numerator, denominator in rule.mirrors
        if mirror.endpoints
        and (numerator >= denominator or random.randrange(denominator) < numerator)
    )


# Status. Types, reasons and their meaning: https://gateway-api.sigs.k8s.io/geps/gep-1364/


class GatewayCondition(NamedTuple):
    """A condition without its lastTransitionTime."""

    type: str
    is_true: bool
    reason: str
    message: str


def class_status(gateway_class: Object, now: datetime) -> Object:
    """The status of a GatewayClass of this controller."""
    accepted = GatewayCondition(
        "Accepted", True, "Accepted", "The class is served by the playground."
    )
    before = _status(gateway_class)
    return {
        **before,
        "conditions": _conditions(gateway_class, before.get("conditions"), [accepted], now),
    }


def gateway_status(
    gateway: Object, attachments: Sequence[Attachment], address: str, now: datetime
) -> Object:
    """The status of a Gateway, programmed if at least one listener is served."""
    is_served = any(is_http(listener) for listener in gateway["spec"]["listeners"])
    message = "The Gateway is served." if is_served else "None of its listeners can be served."
    if ignored := [f"spec.{name}" for name in _WITHOUT_EFFECT if gateway["spec"].get(name)]:
        message += f" Without effect here: {', '.join(ignored)}."
    conditions = [
        GatewayCondition(
            "Accepted", is_served, "Accepted" if is_served else "ListenersNotValid", message
        ),
        GatewayCondition(
            "Programmed", is_served, "Programmed" if is_served else "Invalid", message
        ),
    ]
    before = _status(gateway)
    listeners = {entry["name"]: entry for entry in before.get("listeners") or []}
    return {
        **before,
        "addresses": [{"type": "IPAddress", "value": address}],
        "conditions": _conditions(gateway, before.get("conditions"), conditions, now),
        "listeners": [
            _listener_status(
                gateway,
                listener,
                count_attached_routes(gateway, listener, attachments),
                listeners.get(listener["name"], {}).get("conditions"),
                now,
            )
            for listener in gateway["spec"]["listeners"]
        ],
    }


def route_status(route: AttachedRoute, now: datetime) -> Object:
    """The status of an HTTPRoute; entries of other controllers stay."""
    before = _status(route.route)
    parents = before.get("parents") or []
    others = [entry for entry in parents if entry["controllerName"] != CONTROLLER]
    by_ref = {str(entry["parentRef"]): entry for entry in parents}
    own = [
        {
            "parentRef": each.parent,
            "controllerName": CONTROLLER,
            "conditions": _conditions(
                route.route,
                by_ref.get(str(each.parent), {}).get("conditions"),
                _parent_conditions(route, each),
                now,
            ),
        }
        for each in route.attachments
    ]
    return {**before, "parents": [*others, *own]}


def _listener_status(
    gateway: Object,
    listener: Object,
    attached_routes: int,
    before: Iterable[Object] | None,
    now: datetime,
) -> Object:
    is_served = is_http(listener)
    message = "The listener is served on the port of the playground's ingress."
    if not is_served:
        message = f"The playground serves HTTP only, not {listener['protocol']}."
    reason = "Accepted" if is_served else "UnsupportedProtocol"
    conditions = [
        GatewayCondition("Accepted", is_served, reason, message),
        GatewayCondition(
            "Programmed", is_served, "Programmed" if is_served else "Invalid", message
        ),
        GatewayCondition("ResolvedRefs", True, "ResolvedRefs", "There is nothing to resolve."),
        GatewayCondition("Conflicted", False, "NoConflicts", "No other listener is in conflict."),
    ]
    return {
        "name": listener["name"],
        "supportedKinds": _SUPPORTED_KINDS if is_served else [],
        "attachedRoutes": attached_routes,
        "conditions": _conditions(gateway, before, conditions, now),
    }


def _parent_conditions(route: AttachedRoute, attachment: Attachment) -> list[GatewayCondition]:
    is_accepted = attachment.reason == "Accepted" and not route.unsupported
    accepted = GatewayCondition("Accepted", is_accepted, attachment.reason, "The route is served.")
    if attachment.reason != "Accepted":
        accepted = accepted._replace(message=_NOT_ACCEPTED[attachment.reason])
    elif route.unsupported:
        accepted = accepted._replace(reason="UnsupportedValue", message=f"{route.unsupported}.")
    resolved = GatewayCondition("ResolvedRefs", True, "ResolvedRefs", "Every backend exists.")
    if route.unresolved:
        message = _UNRESOLVED[route.unresolved]
        resolved = GatewayCondition("ResolvedRefs", False, route.unresolved, message)
    return [accepted, resolved]


def _conditions(
    obj: Object,
    before: Iterable[Object] | None,
    conditions: Iterable[GatewayCondition],
    now: datetime,
) -> list[Object]:
    by_type = {entry["type"]: entry for entry in before or ()}
    return [
        {
            "type": each.type,
            "status": str(each.is_true),
            "reason": each.reason,
            "message": each.message,
            "observedGeneration": obj["metadata"].get("generation", 1),
            "lastTransitionTime": last_transition_time(
                by_type.get(each.type), str(each.is_true), now
            ),
        }
        for each in conditions
    ]


def _status(obj: Object) -> Object:
    return dict(obj.get("status") or {})
