"""What may we do in this namespace?

Found out before a lesson begins, and without changing anything: what a guest needs to read is
listed, one entry of it, and what it needs to make is made as a dry run, which the API server
judges, quota included, and then forgets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from canarylab.clusters.base import Object
from canarylab.clusters.contexts import Context
from canarylab.errors import SetupError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

TIMEOUT_S = 10.0
_LABELS = {"app": "canarylab-question"}
_QUESTION: Object = {"name": "canarylab-question", "labels": _LABELS}


class Access(NamedTuple):
    """What a guest may do beyond what it must."""

    have_node_ports: bool


class Refused(NamedTuple):
    """One thing that the API server would not do."""

    what: str
    """`list pods`, `create deployments`"""
    code: int
    said: str


def probe(files: str, context: Context) -> Access:
    """What the user of this context may do; raise SetupError where the lessons cannot run."""
    from canarylab.clusters.api_client import api_client  # noqa: PLC0415  loads the slow client

    with api_client(files, context.name, retries=0) as client:
        refused = list(_refused(client, context))
        _ensure_allowed(refused, context)
        return Access(have_node_ports=_try(_service(client, context, "NodePort")) is None)


def _ensure_allowed(refused: list[Refused], context: Context) -> None:
    """Raise SetupError for the most telling refusal.

    >>> _ensure_allowed([], Context("lab", "student-07", "https://127.0.0.1", is_current=True))
    """
    if not refused:
        return
    code, said, namespace = refused[0].code, refused[0].said, context.namespace
    if code == 0:
        raise SetupError(
            f"The cluster of context {context.name} does not answer at {context.server}: {said}. "
            "Is it running, and can this machine reach it?"
        )
    if code == 401:
        raise SetupError(
            f"The cluster of context {context.name} does not know you: {said}. "
            "Log in to it again, or ask whoever runs it for a new kubeconfig."
        )
    if any("namespaces" in each.said and each.code == 404 for each in refused):
        raise SetupError(
            f'There is no namespace "{namespace}" on the cluster of context {context.name}. Ask '
            "for it, or choose another with `kubectl config set-context --current --namespace=…`."
        )
    listed = "".join(f"\n  {each.what}: {each.said}" for each in refused)
    raise SetupError(
        f"In namespace {namespace} of context {context.name} you may not do what the lessons "
        f"need:{listed}\nAsk whoever runs the cluster for a role as in docs/shared-cluster.md."
    )


def _refused(client: ApiClient, context: Context) -> Iterator[Refused]:
    for what, call in _needed(client, context).items():
        answer = _try(call)
        if answer is not None:
            yield Refused(what, *answer)
            if answer[0] in {0, 401}:
                return  # every other question would end the same way


def _needed(client: ApiClient, context: Context) -> Mapping[str, Callable[[], object]]:
    from kubernetes.client import AppsV1Api, CoreV1Api, DiscoveryV1Api  # noqa: PLC0415  slow

    apps, core = AppsV1Api(client), CoreV1Api(client)
    lists = {
        "deployments": apps.list_namespaced_deployment,
        "replicasets": apps.list_namespaced_replica_set,
        "pods": core.list_namespaced_pod,
        "services": core.list_namespaced_service,
        "endpointslices": DiscoveryV1Api(client).list_namespaced_endpoint_slice,
    }
    return {
        **{f"list {name}": _listing(call, context) for name, call in lists.items()},
        "create deployments": _deployment(client, context),
        "create services": _service(client, context, "ClusterIP"),
    }


def _listing(call: Callable[..., Any], context: Context) -> Callable[[], object]:
    return lambda: call(context.namespace, limit=1, _request_timeout=TIMEOUT_S)


def _deployment(client: ApiClient, context: Context) -> Callable[[], object]:
    from kubernetes.client import AppsV1Api  # noqa: PLC0415

    container = {"name": "nodeapp", "image": "node_app:1.0"}
    template = {"metadata": {"labels": _LABELS}, "spec": {"containers": [container]}}
    spec = {"replicas": 0, "selector": {"matchLabels": _LABELS}, "template": template}
    return _dry_run(AppsV1Api(client).create_namespaced_deployment, context, spec)


def _service(client: ApiClient, context: Context, kind: str) -> Callable[[], object]:
    from kubernetes.client import CoreV1Api  # noqa: PLC0415

    spec = {"type": kind, "selector": _LABELS, "ports": [{"port": 80}]}
    return _dry_run(CoreV1Api(client).create_namespaced_service, context, spec)


def _dry_run(create: Callable[..., Any], context: Context, spec: Object) -> Callable[[], object]:
    body = {"metadata": _QUESTION, "spec": spec}
    return lambda: create(context.namespace, body, dry_run="All", _request_timeout=TIMEOUT_S)


def _try(call: Callable[[], object]) -> tuple[int, str] | None:
    """None where it was allowed; else the status, 0 where nobody answered, and the words."""
    from kubernetes.client.exceptions import ApiException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        call()
    except ApiException as exc:
        return exc.status, _message(exc.body) or str(exc.reason)
    except HTTPError as exc:
        return 0, str(getattr(exc, "reason", None) or exc).rpartition(": ")[2]
    return None


def _message(body: Any) -> str:
    try:
        return str(json.loads(body).get("message", ""))
    except (TypeError, ValueError, AttributeError):
        return ""
