"""The Job controller: runs pods until enough have succeeded, or too many have failed.

A pod of a Job has a finalizer until its end is counted, so that none is counted twice or never: its
uid goes into the status first, then the finalizer is removed, then the uid becomes a count. A pod
that the controller deletes before the Job ends is not counted, so its finalizer is removed at once.
After a failure the next pod waits, twice as long after each one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from canarylab.kube_objects import (
    Key,
    Now,
    Object,
    StatusCondition,
    controller_of,
    find_condition,
    find_condition_in,
    is_ready,
    is_terminating,
    key_of,
    last_transition_time,
    parse_timestamp,
    timestamp,
    uid_of,
    utc_now,
)
from canarylab.playground.controllers.loop import Controller, keys_for_object
from canarylab.playground.controllers.ownership import claim_dependants, keys_for_owner
from canarylab.playground.controllers.pod_template import create_pod, new_pod
from canarylab.playground.kube.api import Api, DeleteOptions, WatchEvent, find_object
from canarylab.playground.kube.events import EventDetails, record_event

EVENT_SOURCE = "job-controller"
BURST = 500  # pods that one reconcile creates or deletes at most
TRACKING_FINALIZER = "batch.kubernetes.io/job-tracking"
FIRST_BACKOFF_S, LAST_BACKOFF_S = 10.0, 600.0
_OUTCOMES = ("succeeded", "failed")
_REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")
_BACKOFF = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
_DEADLINE = ("DeadlineExceeded", "Job was active longer than specified deadline")
_SUSPENDED, _RESUMED = ("JobSuspended", "Job suspended"), ("JobResumed", "Job resumed")


class JobPods(NamedTuple):
    """The pods of a Job: which run, and how many have ended."""

    active: list[Object]
    terminating: int
    succeeded: int
    failed: int
    next_start: datetime | None = None
    """When the back-off after the last failure ends."""


class JobPlan(NamedTuple):
    """How many pods to create, which to delete, and the conditions that become true or false."""

    create: int
    delete: list[Object]
    conditions: tuple[StatusCondition, ...] = ()
    counts_deleted: bool = False
    """Whether the deleted pods have failed, as they have when the Job ends."""


def plan(job: Object, pods: JobPods, now: datetime) -> JobPlan:
    """Decide the next step of a Job that is not finished."""
    target = _target(job, pods, now)
    if target is not None:
        is_over = not pods.active and not pods.terminating
        reached = (target, *([_final(target)] if is_over else []))
        return JobPlan(0, pods.active, reached, counts_deleted=True)
    is_suspended = bool(job["spec"].get("suspend"))
    if is_suspended:
        return JobPlan(0, pods.active, (StatusCondition("Suspended", "True", *_SUSPENDED),))
    resumed = StatusCondition("Suspended", "False", *_RESUMED)
    changes = (resumed,) if find_condition(job, "Suspended") else ()
    missing = _wanted(job, pods) - len(pods.active)
    if missing < 0:
        surplus = sorted(pods.active, key=is_ready)[:-missing]
        return JobPlan(0, surplus, changes)
    if job["spec"].get("podReplacementPolicy") == "Failed":
        missing = max(0, missing - pods.terminating)
    waits = pods.next_start is not None and pods.next_start > now
    return JobPlan(0 if waits else missing, [], changes)


async def reconcile(api: Api, key: Key, *, now: Now = utc_now) -> float | None:
    """Count the pods that have ended; create or delete pods, and write the status."""
    # Look.
    job = await find_object(api, "Job", key)
    await _release_pods(api, key, job)
    if job is None or is_terminating(job):
        return None
    moment = now()
    if (finished := _finished_at(job)) is not None:
        return await _expire(api, job, finished, moment)
    owned = await claim_dependants(api, job, "Pod")
    job = await _count_ended(api, job, owned)
    pods = _job_pods(job, owned, moment)

    # Decide.
    todo = plan(job, pods, moment)

    # Act.
    for _ in range(min(todo.create, BURST)):
        await create_pod(api, job, _tracked_pod(job), source=EVENT_SOURCE)
        await asyncio.sleep(0)
    for pod in todo.delete[:BURST]:
        if not todo.counts_deleted:
            await _release(api, pod)
        await api.delete("Pod", key_of(pod))
        message = f"Deleted pod: {pod['metadata']['name']}"
        await record_event(api, job, EventDetails("SuccessfulDelete", message, EVENT_SOURCE))

    # Report. Pods just created or deleted count next time: their events are on the way.
    status = job_status(job, pods, todo, moment)
    after = await api.update_status({**job, "status": status})
    await _record_changes(api, job, todo)
    return _requeue_after_s(after, pods, moment)


def job_status(job: Object, pods: JobPods, todo: JobPlan, now: datetime) -> Object:
    """The status after this step. Real Kubernetes leaves out a zero of the first three counts."""
    before = job.get("status", {})
    conditions = before.get("conditions", [])
    for change in todo.conditions:
        conditions = _with_condition(conditions, change, now)
    counts = {"active": len(pods.active), "succeeded": pods.succeeded, "failed": pods.failed}
    status: Object = {name: count for name, count in counts.items() if count} | {
        "ready": sum(map(is_ready, pods.active)),
        "terminating": pods.terminating,
        "uncountedTerminatedPods": {},
    }
    if conditions:
        status["conditions"] = conditions
    if not job["spec"].get("suspend"):
        status["startTime"] = before.get("startTime", timestamp(now))
    if find_condition_in(conditions, "Complete"):
        status["completionTime"] = timestamp(now)
    return status


def back_off_s(failures: int) -> float:
    """Seconds between a failure and the next pod, after so many in a row.

    >>> [back_off_s(failures) for failures in (0, 1, 2, 10)]
    [0.0, 10.0, 20.0, 600.0]
    """
    if failures == 0:
        return 0.0
    return float(min(FIRST_BACKOFF_S * 2.0 ** min(failures - 1, 20), LAST_BACKOFF_S))


def _target(job: Object, pods: JobPods, now: datetime) -> StatusCondition | None:
    """The condition that says how the Job ends, as soon as that is known."""
    for type_ in ("FailureTarget", "SuccessCriteriaMet"):
        known = find_condition(job, type_)
        if known is not None and known["status"] == "True":
            return StatusCondition(type_, "True", known["reason"], known["message"])
    spec = job["spec"]
    if pods.failed > spec["backoffLimit"] or _has_restarted_too_often(spec, pods.active):
        return StatusCondition("FailureTarget", "True", *_BACKOFF)
    deadline = _deadline(job)
    if deadline is not None and deadline <= now:
        return StatusCondition("FailureTarget", "True", *_DEADLINE)
    completions = spec.get("completions")
    is_complete = (
        pods.succeeded > 0 and not pods.active and not pods.terminating
        if completions is None
        else pods.succeeded >= completions
    )
    return StatusCondition("SuccessCriteriaMet", "True", *_REACHED) if is_complete else None


def _final(target: StatusCondition) -> StatusCondition:
    return target._replace(type="Failed" if target.type == "FailureTarget" else "Complete")


def _has_restarted_too_often(spec: Object, active: Sequence[Object]) -> bool:
    """With restartPolicy OnFailure, the restarts of the containers count as failures."""
    if spec["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts: int = sum(
        entry.get("restartCount", 0)
        for pod in active
        for group in ("initContainerStatuses", "containerStatuses")
        for entry in pod.get("status", {}).get(group, [])
    )
    return restarts >= max(1, int(spec["backoffLimit"]))


def _wanted(job: Object, pods: JobPods) -> int:
    """How many pods should run now."""
    completions, parallelism = job["spec"].get("completions"), job["spec"].get("parallelism", 1)
    if completions is None:
        return len(pods.active) if pods.succeeded else int(parallelism)
    return int(min(completions - pods.succeeded, parallelism))


def _deadline(job: Object) -> datetime | None:
    started, seconds = (
        job.get("status", {}).get("startTime"),
        job["spec"].get("activeDeadlineSeconds"),
    )
    if started is None or seconds is None or job["spec"].get("suspend"):
        return None
    return _later(parse_timestamp(started), seconds)


def _later(moment: datetime, seconds: float) -> datetime | None:
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return None  # after the year 9999


def _finished_at(job: Object) -> datetime | None:
    for type_ in ("Complete", "Failed"):
        found = find_condition(job, type_)
        if found is not None and found["status"] == "True":
            return parse_timestamp(found["lastTransitionTime"])
    return None


async def _expire(api: Api, job: Object, finished: datetime, now: datetime) -> float | None:
    """Delete a finished Job once its time to live is over."""
    lives_s = job["spec"].get("ttlSecondsAfterFinished")
    end = None if lives_s is None else _later(finished, lives_s)
    if end is None:
        return None
    if end > now:
        return (end - now).total_seconds()
    options = DeleteOptions(uid=uid_of(job), propagation="Foreground")
    await api.delete("Job", key_of(job), options)
    return None


async def _release_pods(api: Api, key: Key, job: Object | None) -> None:
    """Remove the finalizer from pods without a Job, or whose Job is being deleted or has ended."""
    is_over = job is None or is_terminating(job) or _finished_at(job) is not None
    uid = None if job is None or is_over else uid_of(job)
    for pod in await api.list("Pod", key.namespace):
        owner = controller_of(pod)
        named = owner and (owner["kind"], owner["name"]) == ("Job", key.name)
        if owner is None or (named and owner["uid"] != uid):
            await _release(api, pod)


async def _release(api: Api, pod: Object) -> None:
    if _is_tracked(pod):
        others = [name for name in pod["metadata"]["finalizers"] if name != TRACKING_FINALIZER]
        await api.update({**pod, "metadata": {**pod["metadata"], "finalizers": others}})


async def _count_ended(api: Api, job: Object, pods: Sequence[Object]) -> Object:
    """The Job with the pods that have ended in its counts, and without their finalizers."""
    ended = [pod for pod in pods if _outcome(pod) and _is_tracked(pod)]
    before = job.get("status", {})
    waiting = before.get("uncountedTerminatedPods", {})
    uncounted = {
        outcome: sorted(
            {*waiting.get(outcome, []), *(uid_of(pod) for pod in ended if _outcome(pod) == outcome)}
        )
        for outcome in _OUTCOMES
    }
    shown = {outcome: uids for outcome, uids in uncounted.items() if uids}
    if not shown:
        return job
    job = await api.update_status({**job, "status": {**before, "uncountedTerminatedPods": shown}})
    for pod in ended:
        await _release(api, pod)
    counts = {outcome: before.get(outcome, 0) + len(uids) for outcome, uids in uncounted.items()}
    status = {**job["status"], **counts, "uncountedTerminatedPods": {}}
    return await api.update_status({**job, "status": status})


def _outcome(pod: Object) -> str | None:
    """`succeeded` or `failed`; a pod that is being deleted has failed, unless it had succeeded."""
    phase = pod.get("status", {}).get("phase")
    if phase == "Succeeded":
        return "succeeded"
    return "failed" if phase == "Failed" or is_terminating(pod) else None


def _is_tracked(pod: Object) -> bool:
    return TRACKING_FINALIZER in pod["metadata"].get("finalizers", [])


def _job_pods(job: Object, pods: Sequence[Object], now: datetime) -> JobPods:
    status = job.get("status", {})
    ends = {uid_of(pod): _ended_at(pod, now) for pod in pods if _outcome(pod)}
    failures = sorted(ends[uid_of(pod)] for pod in pods if _outcome(pod) == "failed")
    successes = [ends[uid_of(pod)] for pod in pods if _outcome(pod) == "succeeded"]
    in_a_row = [end for end in failures if all(end > success for success in successes)]
    return JobPods(
        active=[pod for pod in pods if _outcome(pod) is None],
        terminating=sum(
            is_terminating(pod) and pod["status"].get("phase") not in ("Succeeded", "Failed")
            for pod in pods
        ),
        succeeded=status.get("succeeded", 0),
        failed=status.get("failed", 0),
        next_start=_later(in_a_row[-1], back_off_s(len(in_a_row))) if in_a_row else None,
    )


def _ended_at(pod: Object, now: datetime) -> datetime:
    ends = [
        entry["state"]["terminated"]["finishedAt"]
        for entry in pod.get("status", {}).get("containerStatuses", [])
        if entry.get("state", {}).get("terminated", {}).get("finishedAt")
    ]
    return parse_timestamp(max(ends)) if ends else now


def _tracked_pod(job: Object) -> Object:
    pod = new_pod(job)
    finalizers = [*pod["metadata"].get("finalizers", []), TRACKING_FINALIZER]
    return {**pod, "metadata": {**pod["metadata"], "finalizers": finalizers}}


def _with_condition(
    conditions: Sequence[Object], change: StatusCondition, now: datetime
) -> list[Object]:
    before = find_condition_in(conditions, change.type)
    if before is not None and before["status"] == change.status:
        return list(conditions)
    entry = {
        "type": change.type,
        "status": change.status,
        "lastProbeTime": timestamp(now),
        "lastTransitionTime": last_transition_time(before, change.status, now),
        "reason": change.reason,
        "message": change.message,
    }
    return [*(one for one in conditions if one["type"] != change.type), entry]


async def _record_changes(api: Api, job: Object, todo: JobPlan) -> None:
    for change in todo.conditions:
        before = find_condition(job, change.type)
        if before is not None and before["status"] == change.status:
            continue
        details = {
            ("Complete", "True"): EventDetails("Completed", "Job completed", EVENT_SOURCE),
            ("FailureTarget", "True"): EventDetails(
                change.reason, change.message, EVENT_SOURCE, type="Warning"
            ),
            ("Suspended", "True"): EventDetails("Suspended", change.message, EVENT_SOURCE),
            ("Suspended", "False"): EventDetails("Resumed", change.message, EVENT_SOURCE),
        }.get((change.type, change.status))
        if details is not None:
            await record_event(api, job, details)


def _requeue_after_s(job: Object, pods: JobPods, now: datetime) -> float | None:
    if (finished := _finished_at(job)) is not None:
        lives_s = job["spec"].get("ttlSecondsAfterFinished")
        times = [None if lives_s is None else _later(finished, lives_s)]
    else:
        times = [_deadline(job), pods.next_start]
    left = [(time - now).total_seconds() for time in times if time is not None]
    return min((max(seconds, 0.0) for seconds in left if seconds > -1), default=None)


async def _keys_of_pod(api: Api, event: WatchEvent) -> list[Key]:
    """The Job of a pod; for a pod without one that has the finalizer, any key of its namespace."""
    keys = list(await keys_for_owner("Job")(api, event))
    is_left = controller_of(event.object) is None and _is_tracked(event.object)
    return [*keys, key_of(event.object)] if is_left else keys


controller = Controller(
    name="job",
    reconcile=reconcile,
    watches={"Job": keys_for_object, "Pod": _keys_of_pod},
)
