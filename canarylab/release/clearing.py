"""Take away what the lessons made in a namespace, and nothing else.

Everything of the lessons carries `app: nodeapp`. A kind that this cluster does not know, or does
not show to a guest, has nothing of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import DynamicApiError, ResourceNotFoundError

from canarylab.release.connection import Connection, refusals
from canarylab.release.pods import OURS

_NOT_OURS_TO_SEE = (403, 404)
_ROUTES = ("gateway.networking.k8s.io/v1", "HTTPRoute")


class Kept(NamedTuple):
    """The names that stay."""

    deployments: Collection[str] = ()
    services: Collection[str] = ()


class _Kind(NamedTuple):
    listed: Callable[..., Any]
    delete: Callable[..., Any]
    kept: Collection[str] = ()


def clear(connection: Connection, kept: Kept) -> None:
    """Delete Deployments, Services, Ingresses and HTTPRoutes of the lessons, but for those kept."""
    apps, core, networking = connection.apps, connection.core, connection.networking
    kinds = [
        _Kind(networking.list_namespaced_ingress, networking.delete_namespaced_ingress),
        _Kind(apps.list_namespaced_deployment, apps.delete_namespaced_deployment, kept.deployments),
        _Kind(core.list_namespaced_service, core.delete_namespaced_service, kept.services),
    ]
    with refusals("cleaning up", remedy="Look with `kubectl get deployments,services,ingresses`."):
        for kind in kinds:
            _clear(connection, kind)
        _clear_routes(connection)


def _clear(connection: Connection, kind: _Kind) -> None:
    try:
        found = kind.listed(connection.namespace, label_selector=OURS).items
    except ApiException as exc:
        if exc.status not in _NOT_OURS_TO_SEE:
            raise
        return
    for each in found:
        if each.metadata.name not in kind.kept:
            kind.delete(each.metadata.name, connection.namespace)


def _clear_routes(connection: Connection) -> None:
    api_version, kind = _ROUTES
    place: Mapping[str, Any] = {"namespace": connection.namespace}
    try:
        routes = connection.dynamic.resources.get(api_version=api_version, kind=kind)
        found = routes.get(label_selector=OURS, **place).items
    except ResourceNotFoundError:
        return
    except DynamicApiError as exc:
        if exc.status not in _NOT_OURS_TO_SEE:
            raise
        return
    for each in found:
        routes.delete(name=each.metadata.name, **place)
