"""What is in a cluster that nobody has used yet?"""

from __future__ import annotations

from canarylab.errors import NotFoundError
from canarylab.playground.address_range import LoopbackRange
from canarylab.playground.kube.api import Api, Key, Object
from canarylab.playground.kube.objects import key_of

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_LABELS = {"component": "apiserver", "provider": "kubernetes"}
_INGRESS_CLASS: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {
        "name": "nginx",
        "labels": {
            "app.kubernetes.io/component": "controller",
            "app.kubernetes.io/instance": "ingress-nginx",
            "app.kubernetes.io/name": "ingress-nginx",
            "app.kubernetes.io/part-of": "ingress-nginx",
        },
    },
    "spec": {"controller": "k8s.io/ingress-nginx"},
}
"""As ingress-nginx brings it. It is not the default class: an Ingress has to name it."""


async def bootstrap(
    api: Api, *, addresses: LoopbackRange, port: int, host: str = "127.0.0.1"
) -> None:
    """Make what is missing of it; `host` and `port` are where the API server answers."""
    for name in NAMESPACES:
        if await _find(api, "Namespace", Key("", name)) is None:
            await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    if await _find(api, "IngressClass", Key("", "nginx")) is None:
        await api.create(_INGRESS_CLASS)
    for obj in _own_service(addresses, host, port):
        if await _find(api, obj["kind"], key_of(obj)) is None:
            await api.create(obj)
        else:
            await api.update(obj)  # it may listen on another port than last time


async def _find(api: Api, kind: str, key: Key) -> Object | None:
    try:
        return await api.get(kind, key)
    except NotFoundError:
        return None


def _own_service(addresses: LoopbackRange, host: str, port: int) -> list[Object]:
    """How pods would find the API server: the first cluster IP, as on a real cluster."""
    meta = {"name": "kubernetes", "namespace": "default"}
    listening = {"name": "https", "port": port, "protocol": "TCP"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**meta, "labels": _LABELS},
            "spec": {
                "clusterIP": str(addresses.services[1]),
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {
                **meta,
                "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
            },
            "subsets": [{"addresses": [{"ip": host}], "ports": [listening]}],
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**meta, "labels": {"kubernetes.io/service-name": "kubernetes"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [host], "conditions": {"ready": True}}],
            "ports": [listening],
        },
    ]
