"""Who stands behind a Service right now, and what share should each version get?

A Service sends each new connection to one of its ready endpoints, each as likely as the other. So
the expected share of a version is the share of its pods among the ready ones, no matter how many
were asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from canarylab.display import Table
from canarylab.release.connection import Connection, Object, refusals

_REMEDY = "`kubectl get services` lists the Services there are."


class Endpoint(NamedTuple):
    """One pod behind a Service."""

    address: str
    """`127.64.0.2:3333`"""
    pod: str
    version: str
    """The tag of the pod's image."""
    ready: bool


def read_endpoints(connection: Connection, service: str) -> list[Endpoint]:
    """Everyone behind the Service; raise RefusedError when there is no such Service."""
    with refusals(f'Service "{service}"', remedy=_REMEDY):
        connection.core.read_namespaced_service(service, connection.namespace)
        slices = connection.discovery.list_namespaced_endpoint_slice(
            connection.namespace, label_selector=f"kubernetes.io/service-name={service}"
        )
        pods = connection.core.list_namespaced_pod(connection.namespace)
    images = {pod["metadata"]["name"]: _image(pod) for pod in connection.plain(pods)["items"]}
    found = [
        endpoint for part in connection.plain(slices)["items"] for endpoint in _in(part, images)
    ]
    return sorted(found, key=lambda endpoint: (endpoint.version, endpoint.pod))


def ready_endpoints(connection: Connection, service: str) -> list[Endpoint]:
    """The endpoints that get traffic from the Service."""
    return [each for each in read_endpoints(connection, service) if each.ready]


def expected_shares(endpoints: list[Endpoint]) -> dict[str, float]:
    """What share of new connections each version should get; empty when nobody is ready.

    >>> ready = [Endpoint("", str(n), "1.0" if n else "2.0", ready=True) for n in range(4)]
    >>> expected_shares(ready)
    {'1.0': 0.75, '2.0': 0.25}
    """
    ready = [endpoint for endpoint in endpoints if endpoint.ready]
    counted = Counter(endpoint.version for endpoint in ready)
    return {version: hits / len(ready) for version, hits in sorted(counted.items())}


def listed(service: str, endpoints: list[Endpoint]) -> Table:
    """The endpoints as a table.

    >>> listed("nodeapp-svc", []).sentence
    'nodeapp-svc has 0 ready endpoints.'
    """
    ready = sum(endpoint.ready for endpoint in endpoints)
    rows = [
        (each.address, each.pod, each.version, "yes" if each.ready else "no") for each in endpoints
    ]
    sentence = f"{service} has {ready} ready endpoint{'' if ready == 1 else 's'}."
    return Table(sentence, ("address", "pod", "version", "ready"), rows)


def version_of(image: str) -> str:
    """The tag of an image.

    >>> version_of("registry.example:5000/node_app:2.0"), version_of("node_app")
    ('2.0', 'latest')
    """
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2] or "latest"


def _in(part: Object, images: Mapping[str, str]) -> list[Endpoint]:
    port = (part.get("ports") or [{}])[0].get("port", "")
    return [
        Endpoint(
            address=f"{entry['addresses'][0]}:{port}",
            pod=(name := (entry.get("targetRef") or {}).get("name", "")),
            version=version_of(images.get(name, "")),
            ready=bool((entry.get("conditions") or {}).get("ready")),
        )
        for entry in part.get("endpoints") or []
    ]


def _image(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["image"])
