"""The controller of the objects that every cluster has, and that come back when they are deleted.

Each namespace has the ServiceAccount `default`, and the ConfigMap `kube-root-ca.crt` with the
certificate of the API server's authority. The namespace `default` has the Service `kubernetes`, in
front of the API server.
"""

from __future__ import annotations

from collections.abc import Sequence

from canarylab.kube_objects import Key, Object, is_terminating, key_of
from canarylab.playground.controllers.loop import Controller
from canarylab.playground.kube.api import Api, WatchEvent, find_object

ROOT_CA = "kube-root-ca.crt"
_ROOT_CA_NOTE = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters."
)


def make_controller(certificate: str, api_server: Sequence[Object]) -> Controller:
    """The controller, with a certificate as PEM and the objects of the Service `kubernetes`."""

    async def reconcile(api: Api, key: Key) -> float | None:
        """Create what is missing in one namespace, and write back what was changed."""
        # Look.
        namespace = await find_object(api, "Namespace", key)
        if namespace is None or is_terminating(namespace):
            return None
        wanted = objects_of_namespace(key.name, certificate)
        wanted += [obj for obj in api_server if key_of(obj).namespace == key.name]
        found = [await find_object(api, obj["kind"], key_of(obj)) for obj in wanted]

        # Decide.
        todo = [
            (current, obj if current is None else with_fields(current, obj))
            for current, obj in zip(found, wanted, strict=True)
        ]

        # Act.
        for current, obj in todo:
            if current is None:
                await api.create(obj)
            elif not is_terminating(current):
                await api.update(obj)

        return None

    kinds = {"ServiceAccount", "ConfigMap", *(obj["kind"] for obj in api_server)}
    names = {"default", ROOT_CA, *(obj["metadata"]["name"] for obj in api_server)}

    async def key_of_namespace(_: Api, event: WatchEvent) -> list[Key]:
        meta = event.object["metadata"]
        return [Key("", meta["namespace"])] if meta["name"] in names else []

    return Controller(
        name="default-objects",
        reconcile=reconcile,
        watches={"Namespace": _key_of_new, **dict.fromkeys(sorted(kinds), key_of_namespace)},
    )


def objects_of_namespace(namespace: str, certificate: str) -> list[Object]:
    """The objects that each namespace has."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": namespace},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": ROOT_CA,
                "namespace": namespace,
                "annotations": {"kubernetes.io/description": _ROOT_CA_NOTE},
            },
            "data": {"ca.crt": certificate},
        },
    ]


def with_fields(current: Object, wanted: Object) -> Object:
    """The object with the wanted fields; the others of its spec, and its metadata, stay."""
    fields = {name: value for name, value in wanted.items() if name not in ("metadata", "spec")}
    if "spec" in wanted:
        fields["spec"] = {**current["spec"], **wanted["spec"]}
    return {**current, **fields}


async def _key_of_new(_: Api, event: WatchEvent) -> list[Key]:
    return [key_of(event.object)] if event.type == "ADDED" else []
