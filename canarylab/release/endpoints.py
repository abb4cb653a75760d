"""Pods, the endpoints behind a Service, and the share of each version that they suggest.

A Service sends each new connection to one of its ready endpoints, each with the same probability.
So the expected share of a version is the share of its pods among the ready ones, no matter how many
were asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from canarylab.display import Table
from canarylab.figures.diagram_content import DiagramPod, DiagramService, PodGroup
from canarylab.kube_objects import SERVICE_LABEL, controller_of, is_ready, key_of, slices_by_service
from canarylab.manifests import SELECTOR, SERVICE
from canarylab.release.connection import Connection, Object, explain_api_errors
from canarylab.text import count_noun, did_you_mean

_HASH_LABEL = "pod-template-hash"
_OF_THE_CLUSTER = "kubernetes"  # the Service of the API server, in the namespace default


class Endpoint(NamedTuple):
    """One pod behind a Service."""

    address: str
    """`127.64.0.2:3333`"""
    pod: str
    version: str
    """The tag of the pod's image."""
    ready: bool


def service_remedy(service: str) -> str:
    """What to try when there is no such Service.

    >>> service_remedy("nodeapp-service")
    'Did you mean nodeapp-svc? `kubectl get services` lists the Services there are. ...'
    """
    return (
        f"{did_you_mean(service, (SERVICE,))}`kubectl get services` lists the Services there are. "
        "In a lesson, the first cells of the section make them."
    )


def read_endpoints(connection: Connection, service: str) -> list[Endpoint]:
    """All endpoints of the Service; raise ApiRefusedError when there is no such Service."""
    with explain_api_errors(f'Service "{service}"', remedy=service_remedy(service)):
        connection.core.read_namespaced_service(service, connection.namespace)
        slices = connection.discovery.list_namespaced_endpoint_slice(
            connection.namespace, label_selector=f"{SERVICE_LABEL}={service}"
        )
        pods = connection.core.list_namespaced_pod(connection.namespace)
    images = {pod["metadata"]["name"]: _image(pod) for pod in connection.plain(pods)["items"]}
    found = [
        endpoint
        for endpoint_slice in connection.plain(slices)["items"]
        for endpoint in _endpoints_of(endpoint_slice, images)
    ]
    return sorted(found, key=lambda endpoint: (endpoint.version, endpoint.pod))


def ready_endpoints(connection: Connection, service: str) -> list[Endpoint]:
    """The endpoints that get traffic from the Service."""
    return [each for each in read_endpoints(connection, service) if each.ready]


def expected_shares(endpoints: list[Endpoint]) -> dict[str, float]:
    """What share of new connections each version should get; empty when no endpoint is ready.

    >>> ready = [Endpoint("", str(n), "1.0" if n else "2.0", ready=True) for n in range(4)]
    >>> expected_shares(ready)
    {'1.0': 0.75, '2.0': 0.25}
    """
    ready = [endpoint for endpoint in endpoints if endpoint.ready]
    pods = Counter(endpoint.version for endpoint in ready)
    return {version: number / len(ready) for version, number in sorted(pods.items())}


def endpoints_table(service: str, endpoints: list[Endpoint]) -> Table:
    """The endpoints as a table.

    >>> endpoints_table("nodeapp-svc", []).sentence
    'nodeapp-svc has 0 ready endpoints.'
    """
    ready = sum(endpoint.ready for endpoint in endpoints)
    rows = [
        (each.address, each.pod, each.version, "yes" if each.ready else "no") for each in endpoints
    ]
    sentence = f"{service} has {count_noun(ready, 'ready endpoint')}."
    return Table(sentence, ("address", "pod", "version", "ready"), rows)


def version_of(image: str) -> str:
    """The tag of an image.

    >>> version_of("registry.example:5000/node_app:2.0"), version_of("node_app")
    ('2.0', 'latest')
    """
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2] or "latest"


def pods_table(connection: Connection) -> Table:
    """The pods of the lessons, by name."""
    with explain_api_errors("the pods", remedy="Look with `kubectl get pods`."):
        answer = connection.core.list_namespaced_pod(connection.namespace, label_selector=SELECTOR)
    rows = sorted(_pod_row(pod) for pod in connection.plain(answer)["items"])
    sentence = f"{count_noun(len(rows), 'pod')} with {SELECTOR}."
    return Table(sentence, ("pod", "version", "address", "state"), rows)


def pod_state(pod: Object) -> str:
    """One word for the state of a pod; the reason it waits for, if it waits.

    >>> pod_state({"metadata": {}, "status": {"phase": "Pending"}})
    'Pending'
    """
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or []:
        if waiting := container.get("state", {}).get("waiting"):
            return str(waiting["reason"])
    if is_ready(pod):
        return "ready"
    phase = str(status.get("phase", "Pending"))
    return "not ready" if phase == "Running" else phase


def read_pod_groups(connection: Connection) -> list[PodGroup]:
    """The pods of each Deployment in the namespace, for a diagram."""
    with explain_api_errors("the pods", remedy="Look with `kubectl get deployments,pods`."):
        deployments = connection.apps.list_namespaced_deployment(connection.namespace)
        pods = connection.core.list_namespaced_pod(connection.namespace)
    return pod_groups(
        connection.plain(deployments)["items"],
        sorted(connection.plain(pods)["items"], key=lambda pod: str(pod["metadata"]["name"])),
    )


def pod_groups(deployments: list[Object], pods: list[Object]) -> list[PodGroup]:
    """Pods by Deployment and labels; a Deployment without pods has an empty group.

    The ReplicaSet of a pod has the name of its Deployment, with the hash of the template after it.
    """
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[DiagramPod]] = {}
    for pod in pods:
        labels = dict(pod["metadata"].get("labels") or {})
        suffix = f"-{labels.pop(_HASH_LABEL, '')}"
        owner = str((controller_of(pod) or {}).get("name", ""))
        name = owner.removesuffix(suffix) if owner.endswith(suffix) else ""
        drawn = DiagramPod(pod["metadata"]["name"], version_of(_image(pod)), pod_state(pod))
        found.setdefault((name, tuple(labels.items())), []).append(drawn)
    groups = [PodGroup(name, dict(labels), tuple(each)) for (name, labels), each in found.items()]
    with_pods = {name for name, _ in found}
    return groups + [
        PodGroup(name, each["spec"]["template"]["metadata"].get("labels") or {})
        for each in deployments
        if (name := each["metadata"]["name"]) not in with_pods
    ]


def read_services(connection: Connection) -> list[DiagramService]:
    """The Services of the namespace with their ready pods, for a diagram."""
    with explain_api_errors(
        "the Services", remedy="Look with `kubectl get services,endpointslices`."
    ):
        services = connection.core.list_namespaced_service(connection.namespace)
        slices = connection.discovery.list_namespaced_endpoint_slice(connection.namespace)
    return services_with_pods(
        connection.plain(services)["items"], connection.plain(slices)["items"]
    )


def services_with_pods(services: list[Object], slices: list[Object]) -> list[DiagramService]:
    """Services with the pods that get their traffic; without the one of the API server."""
    by_service = slices_by_service(slices)
    return [
        DiagramService(
            key.name,
            service["spec"].get("selector") or {},
            frozenset(
                endpoint.pod
                for endpoint_slice in by_service.get(key, ())
                for endpoint in _endpoints_of(endpoint_slice, {})
                if endpoint.ready
            ),
            _node_port(service),
        )
        for service in services
        if (key := key_of(service)).name != _OF_THE_CLUSTER
    ]


def _node_port(service: Object) -> int | None:
    ports = service["spec"].get("ports") or []
    return next((port["nodePort"] for port in ports if port.get("nodePort")), None)


def _endpoints_of(endpoint_slice: Object, images: Mapping[str, str]) -> list[Endpoint]:
    port = (endpoint_slice.get("ports") or [{}])[0].get("port", "")
    return [
        Endpoint(
            address=f"{entry['addresses'][0]}:{port}",
            pod=(name := (entry.get("targetRef") or {}).get("name", "")),
            version=version_of(images.get(name, "")),
            ready=bool((entry.get("conditions") or {}).get("ready")),
        )
        for entry in endpoint_slice.get("endpoints") or []
    ]


def _pod_row(pod: Object) -> tuple[str, str, str, str]:
    address = (pod.get("status") or {}).get("podIP", "")
    return pod["metadata"]["name"], version_of(_image(pod)), address, pod_state(pod)


def _image(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["image"])
