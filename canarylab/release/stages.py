"""The stages of a release that lessons start from, and the two ways to promote a canary.

Everything of the lessons has the label `app: nodeapp`; nothing else in the namespace is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import DynamicApiError, ResourceNotFoundError
from urllib3.exceptions import HTTPError

from canarylab.display import Report, no_report
from canarylab.errors import ClusterError, TimedOutError
from canarylab.manifests import (
    CANARY,
    CONTAINER,
    PRODUCTION,
    PRODUCTION_REPLICAS,
    RELEASE_STATE,
    SELECTOR,
    SERVICE,
    load,
)
from canarylab.release.apply import apply
from canarylab.release.connection import Connection, Object, explain_api_errors
from canarylab.release.httproute import API_VERSION, KIND
from canarylab.release.rollout import (
    image_of,
    read_deployment,
    scale,
    set_image,
    wait_until_rolled_out,
)
from canarylab.runtime import wait_until

Stage = Literal["empty", "02-production", "03-canary", "09-production"]
PromotionMethod = Literal["replicas", "image"]

PODS_GONE_TIMEOUT_S = 60.0
_NOT_LISTABLE = (403, 404)  # the user may not list them; a cluster without that kind


class StageContent(NamedTuple):
    """The manifests of a stage, and the names of the objects in them."""

    manifests: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


_STAGES: dict[Stage, StageContent] = {
    "empty": StageContent(),
    "02-production": StageContent(
        ("02-production/production.yaml", "02-production/service.yaml"),
        (PRODUCTION,),
        (SERVICE,),
    ),
    "03-canary": StageContent(
        ("02-production/production.yaml", "02-production/service.yaml", "03-canary/canary.yaml"),
        (PRODUCTION, CANARY),
        (SERVICE,),
    ),
    "09-production": StageContent(
        ("09-judge/production.yaml", "02-production/service.yaml"), (PRODUCTION,), (SERVICE,)
    ),
}


def reset_to(
    connection: Connection, stage: Stage, manifests: Path, report: Report = no_report
) -> None:
    """Bring the namespace to a stage, whatever is in it."""
    if stage not in get_args(Stage):
        raise ValueError(f'There is no stage "{stage}". Choose one of: {", ".join(_STAGES)}.')
    files, deployments, services = _STAGES[stage]
    objects = [each for name in files for each in load(manifests / name)]
    kept = _with_same_selector(connection, objects) & set(services)
    same = _with_same_environment(connection, objects) & set(deployments)
    clean_up(connection, keep_deployments=same, keep_services=kept)
    apply(connection, objects)
    if CANARY in deployments:
        _end_release(connection)
    for name in deployments:
        wait_until_rolled_out(connection, name, report=report)
    if not deployments:
        _wait_until_no_pods(connection)


def clean_up(
    connection: Connection,
    *,
    keep_deployments: Collection[str] = (),
    keep_services: Collection[str] = (),
) -> None:
    """Delete everything of the lessons but the Deployments and Services that are named."""
    apps, core, networking = connection.apps, connection.core, connection.networking
    with explain_api_errors(
        "cleaning up", remedy="Look with `kubectl get deployments,services,ingresses`."
    ):
        _delete(
            connection, networking.list_namespaced_ingress, networking.delete_namespaced_ingress
        )
        _delete(
            connection,
            apps.list_namespaced_deployment,
            apps.delete_namespaced_deployment,
            keep=keep_deployments,
        )
        _delete(
            connection,
            core.list_namespaced_service,
            core.delete_namespaced_service,
            keep=keep_services,
        )
        _delete(connection, core.list_namespaced_config_map, core.delete_namespaced_config_map)
        _delete_httproutes(connection)


def names_left(connection: Connection) -> list[str]:
    """What is there of earlier lessons: `deployment/nodeapp-production`, `service/nodeapp-svc`.

    A kind that cannot be listed is left out.
    """
    apps, core, networking = connection.apps, connection.core, connection.networking
    listed = {
        "deployment": apps.list_namespaced_deployment,
        "service": core.list_namespaced_service,
        "ingress": networking.list_namespaced_ingress,
    }
    left = []
    for kind, list_objects in listed.items():
        with suppress(ApiException, HTTPError):
            found = list_objects(connection.namespace, label_selector=SELECTOR).items
            left += [f"{kind}/{each.metadata.name}" for each in found]
    return left


def move_pods(
    connection: Connection, *, production: int, canary: int, report: Report = no_report
) -> None:
    """Give both Deployments so many pods at once, and wait for them."""
    wanted = {PRODUCTION: production, CANARY: canary}
    for name in wanted:
        read_deployment(connection, name)  # nothing is changed if one of them is missing
    for name, replicas in wanted.items():
        scale(connection, name, replicas)
    for name in wanted:
        wait_until_rolled_out(connection, name, report=report)


def promote(connection: Connection, method: PromotionMethod, report: Report = no_report) -> None:
    """Promote the canary by "replicas" or by "image"; visitors see the same outcome."""
    if method not in get_args(PromotionMethod):
        raise ValueError(f'A canary is promoted by "replicas" or by "image", not by "{method}".')
    {"replicas": _promote_by_replicas, "image": _promote_by_image}[method](connection, report)


def _promote_by_replicas(connection: Connection, report: Report) -> None:
    """Scale the canary to the size of production, then production to 0."""
    scale(connection, CANARY, PRODUCTION_REPLICAS)
    wait_until_rolled_out(connection, CANARY, report=report)
    scale(connection, PRODUCTION, 0)
    wait_until_rolled_out(connection, PRODUCTION, report=report)


def _promote_by_image(connection: Connection, report: Report) -> None:
    """Give production the canary's image, which is a rolling update, and delete the canary."""
    check_has_pods(connection)
    set_image(
        connection, PRODUCTION, container=CONTAINER, image=image_of(connection, CANARY, CONTAINER)
    )
    wait_until_rolled_out(connection, PRODUCTION, report=report)
    delete_deployment(connection, CANARY, env="canary")


def check_has_pods(connection: Connection) -> int:
    """How many pods production asks for; ClusterError if it has none to go on with or back to."""
    pods = int(read_deployment(connection, PRODUCTION)["spec"].get("replicas", 1))
    if not pods:
        raise ClusterError(
            f"{PRODUCTION} has no pods, so without the canary nobody would answer. Give it pods "
            f"first: kubectl scale deployment {PRODUCTION} --replicas={PRODUCTION_REPLICAS}"
        )
    return pods


def delete_deployment(connection: Connection, name: str, *, env: str) -> None:
    """Delete a Deployment whose pods have this label `env`, and wait until they are gone."""
    with explain_api_errors(f'Deployment "{name}"', remedy="Look with `kubectl get deployments`."):
        connection.apps.delete_namespaced_deployment(name, connection.namespace)
    _wait_until_no_pods(connection, f"{SELECTOR},env={env}")


def _end_release(connection: Connection) -> None:
    """Remove the state of a release, which applying a manifest keeps."""
    body = {"metadata": {"annotations": {RELEASE_STATE: None}}}
    with explain_api_errors(
        f'Deployment "{CANARY}"', remedy="Look with `kubectl get deployments`."
    ):
        connection.apps.patch_namespaced_deployment(CANARY, connection.namespace, body)


def _with_same_selector(connection: Connection, objects: list[Object]) -> set[str]:
    """The Services whose selector is that of the manifest.

    Applying a manifest keeps a label that a patch has added to a selector.
    """
    wanted = {
        each["metadata"]["name"]: each["spec"].get("selector")
        for each in objects
        if each["kind"] == "Service"
    }
    with explain_api_errors("the Services", remedy="Look with `kubectl get services`."):
        found = connection.core.list_namespaced_service(connection.namespace).items
    return {
        each.metadata.name for each in found if wanted.get(each.metadata.name) == each.spec.selector
    }


def _with_same_environment(connection: Connection, objects: list[Object]) -> set[str]:
    """The Deployments whose containers have the environment of the manifest.

    Applying a manifest keeps a variable that `kubectl set env` has added.
    """
    wanted = {
        each["metadata"]["name"]: _environment(each)
        for each in objects
        if each["kind"] == "Deployment"
    }
    with explain_api_errors("the Deployments", remedy="Look with `kubectl get deployments`."):
        found = connection.apps.list_namespaced_deployment(connection.namespace)
    return {
        each["metadata"]["name"]
        for each in connection.plain(found)["items"]
        if wanted.get(each["metadata"]["name"]) == _environment(each)
    }


def _environment(deployment: Object) -> list[tuple[Any, Any]]:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return [(each.get("env") or [], each.get("envFrom") or []) for each in containers]


def _wait_until_no_pods(connection: Connection, labels: str = SELECTOR) -> None:
    left: list[str] = []

    def are_gone() -> bool:
        nonlocal left
        left = _pod_names(connection, labels)
        return not left

    if not wait_until(are_gone, timeout_s=PODS_GONE_TIMEOUT_S, pause_s=0.1):
        raise TimedOutError(
            f"After {PODS_GONE_TIMEOUT_S:.0f} s these pods are still there: {', '.join(left)}. "
            "`kubectl describe pod` says what they wait for."
        )


def _pod_names(connection: Connection, labels: str) -> list[str]:
    with explain_api_errors("the pods", remedy="Look with `kubectl get pods`."):
        pods = connection.core.list_namespaced_pod(connection.namespace, label_selector=labels)
    return [pod.metadata.name for pod in pods.items]


def _delete(
    connection: Connection,
    list_objects: Callable[..., Any],
    delete_object: Callable[..., Any],
    *,
    keep: Collection[str] = (),
) -> None:
    try:
        found = list_objects(connection.namespace, label_selector=SELECTOR).items
    except ApiException as exc:
        if exc.status not in _NOT_LISTABLE:
            raise
        return
    for each in found:
        if each.metadata.name not in keep:
            delete_object(each.metadata.name, connection.namespace)


def _delete_httproutes(connection: Connection) -> None:
    namespace = connection.namespace
    try:
        routes = connection.dynamic.resources.get(api_version=API_VERSION, kind=KIND)
        found = routes.get(label_selector=SELECTOR, namespace=namespace).items
    except ResourceNotFoundError:
        return
    except DynamicApiError as exc:
        if exc.status not in _NOT_LISTABLE:
            raise
        return
    for each in found:
        routes.delete(name=each.metadata.name, namespace=namespace)
