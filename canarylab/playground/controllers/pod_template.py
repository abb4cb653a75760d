"""Pods made from the template of their owner, a ReplicaSet or a Job."""

from __future__ import annotations

from canarylab.errors import ForbiddenError, InvalidError
from canarylab.kube_objects import Object, owner_reference
from canarylab.playground.kube.api import Api
from canarylab.playground.kube.events import EventDetails, record_event


def new_pod(owner: Object) -> Object:
    """Build a pod from the template. The API server generates the end of its name."""
    template, meta = owner["spec"]["template"], owner["metadata"]
    copied = ("labels", "annotations", "finalizers")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **{name: value for name, value in template["metadata"].items() if name in copied},
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": template["spec"],
    }


async def create_pod(api: Api, owner: Object, pod: Object, *, source: str) -> None:
    """Create a pod, with an event about it, or about the reason why it is refused.

    Raise ForbiddenError or InvalidError if it is refused.
    """
    try:
        created = await api.create(pod)
    except (ForbiddenError, InvalidError) as error:
        if any(cause.reason == "NamespaceTerminating" for cause in error.causes):
            raise
        message = f"Error creating: {error}"
        await record_event(api, owner, EventDetails("FailedCreate", message, source, "Warning"))
        raise
    message = f"Created pod: {created['metadata']['name']}"
    await record_event(api, owner, EventDetails("SuccessfulCreate", message, source))
