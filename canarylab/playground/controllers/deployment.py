"""Deployment -> ReplicaSets: one for every template there has been, sized step by step.

The Deployment never touches a pod. It only says how large each ReplicaSet should be, waits until
their pods have followed, and looks again. `deployment_plan.py` decides, `rollout.py` does the
arithmetic, `revisions.py` keeps the history, `deployment_status.py` reports.
"""

from __future__ import annotations

from collections.abc import Sequence

from canarylab.errors import AlreadyExistsError
from canarylab.playground.controllers import revisions
from canarylab.playground.controllers.deployment_plan import Plan, plan, size_of
from canarylab.playground.controllers.deployment_status import next_look_s, status
from canarylab.playground.controllers.looking import claim, find, itself, owner_or_adopters
from canarylab.playground.controllers.loop import Controller
from canarylab.playground.controllers.moments import Now, utc_now
from canarylab.playground.kube.api import Api, Key, Object
from canarylab.playground.kube.events import EventDetails, record_event
from canarylab.playground.kube.objects import controller_of, key_of, uid_of

SOURCE = "deployment-controller"


async def reconcile(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """One step of it, once."""
    # Look.
    deployment = await find(api, "Deployment", key)
    if deployment is None:
        return None
    replica_sets = await claim(api, deployment, "ReplicaSet")

    # Decide.
    todo = plan(deployment, replica_sets)

    # Act.
    created = await _create(api, deployment, todo.create)
    replica_sets = await _change(api, deployment, replica_sets, todo)
    replica_sets += [created] if created else []
    deployment = await _number(api, deployment, replica_sets)

    # Report.
    moment = now()
    report = status(deployment, replica_sets, created, moment)
    await api.update_status({**deployment, "status": report})
    return next_look_s(deployment, report, moment)


async def _create(api: Api, deployment: Object, replica_set: Object | None) -> Object | None:
    if replica_set is None:
        return None
    try:
        created = await api.create(replica_set)
    except AlreadyExistsError:
        await _avoid(api, deployment, replica_set)
        raise
    await _tell(api, deployment, created, was=0)
    return created


async def _avoid(api: Api, deployment: Object, replica_set: Object) -> None:
    """Choose another hash next time, unless the name will be free as soon as its owner is gone."""
    holder = await find(api, "ReplicaSet", key_of(replica_set))
    if holder is None or _is_left_over(holder, deployment):
        return
    said = deployment.get("status", {})
    collisions = said.get("collisionCount", 0) + 1
    await api.update_status({**deployment, "status": {**said, "collisionCount": collisions}})


def _is_left_over(replica_set: Object, deployment: Object) -> bool:
    """Did it belong to an earlier Deployment of this name? Then it goes without our doing."""
    owner = controller_of(replica_set)
    if owner is None:
        return False
    is_namesake = (owner["kind"], owner["name"]) == ("Deployment", deployment["metadata"]["name"])
    return bool(is_namesake and owner["uid"] != uid_of(deployment))


async def _change(
    api: Api, deployment: Object, replica_sets: Sequence[Object], todo: Plan
) -> list[Object]:
    """All ReplicaSets there are afterwards, the changed ones as they are now."""
    there = {uid_of(one): one for one in replica_sets}
    for changed in todo.update:
        before = there[uid_of(changed)]
        there[uid_of(changed)] = await api.update(changed)
        await _tell(api, deployment, changed, was=size_of(before))
    for useless in todo.delete:
        await api.delete("ReplicaSet", key_of(useless))
        del there[uid_of(useless)]
    return list(there.values())


async def _number(api: Api, deployment: Object, replica_sets: Sequence[Object]) -> Object:
    """The Deployment carries the number of its newest ReplicaSet."""
    new, _ = revisions.newest(deployment, replica_sets)
    if new is None or revisions.revision(new) == revisions.revision(deployment):
        return deployment
    meta, number = deployment["metadata"], str(revisions.revision(new))
    marks = {**(meta.get("annotations") or {}), revisions.REVISION: number}
    return await api.update({**deployment, "metadata": {**meta, "annotations": marks}})


async def _tell(api: Api, deployment: Object, replica_set: Object, *, was: int) -> None:
    size, name = size_of(replica_set), replica_set["metadata"]["name"]
    if size == was:
        return
    direction = "up" if size > was else "down"
    words = f"Scaled {direction} replica set {name} from {was} to {size}"
    await record_event(api, deployment, EventDetails("ScalingReplicaSet", words, SOURCE))


controller = Controller(
    name="deployment",
    reconcile=reconcile,
    watches={"Deployment": itself, "ReplicaSet": owner_or_adopters("Deployment")},
)
