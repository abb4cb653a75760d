"""Jobs: how many pods they want, how they end, and what they count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from canarylab.kube_objects import (
    Key,
    Object,
    find_condition,
    key_of,
    parse_timestamp,
    timestamp,
    uid_of,
)
from canarylab.playground.controllers import garbage_collector, job
from canarylab.playground.controllers.job import (
    TRACKING_FINALIZER,
    JobPlan,
    JobPods,
    back_off_s,
    plan,
)
from canarylab.playground.kube.api import DeleteOptions
from tests.playground.controllers.builders import (
    LABELS,
    SPACE,
    THEN,
    edit,
    event_messages,
    meta,
    pod,
    pods,
    running_controllers,
    template,
)
from tests.playground.fake_api import FakeApi
from tests.waiting import until

NOW = parse_timestamp(THEN)
SMOKE = Key(SPACE, "smoke")


def smoke(said: Object | None = None, **spec: Any) -> Object:
    """A Job, as the API server would have completed it."""
    given = {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
        "selector": {"matchLabels": LABELS},
        "template": template(restartPolicy="Never"),
        **spec,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "smoke", "namespace": SPACE},
        "spec": wanted,
        "status": said or {},
    }


def seen(active: int = 0, succeeded: int = 0, failed: int = 0, **more: Any) -> JobPods:
    running = [pod(f"smoke-{number}", ready=True) for number in range(active)]
    return JobPods(running, more.pop("terminating", 0), succeeded, failed, **more)


@pytest.mark.parametrize(
    ("spec", "found", "create"),
    [
        ({}, seen(), 1),
        ({}, seen(active=1), 0),
        ({"completions": 5, "parallelism": 2}, seen(), 2),
        ({"completions": 5, "parallelism": 2}, seen(active=1, succeeded=3), 1),
        ({"completions": 5, "parallelism": 2}, seen(succeeded=4), 1),
        ({"completions": None, "parallelism": 3}, seen(), 3),
        ({"completions": None, "parallelism": 3}, seen(active=1, succeeded=1), 0),
        ({"parallelism": 0}, seen(), 0),
        ({}, seen(terminating=1), 1),
        ({"podReplacementPolicy": "Failed"}, seen(terminating=1), 0),
    ],
)
def test_so_many_pods_are_created(spec: Object, found: JobPods, create: int) -> None:
    assert plan(smoke(**spec), found, NOW) == JobPlan(create, [])


def test_surplus_pods_are_deleted() -> None:
    assert len(plan(smoke(), seen(active=3), NOW).delete) == 2


def test_after_a_failure_the_next_pod_waits() -> None:
    found = seen(failed=1, next_start=NOW + timedelta(seconds=1))
    assert plan(smoke(), found, NOW).create == 0
    assert plan(smoke(), found, NOW + timedelta(seconds=1)).create == 1


def test_each_wait_is_twice_as_long() -> None:
    assert [back_off_s(failures) for failures in (1, 2, 3, 7, 99)] == [10, 20, 40, 600, 600]


@pytest.mark.parametrize(
    ("spec", "said", "found", "conditions"),
    [
        ({}, {}, seen(succeeded=1), ["SuccessCriteriaMet", "Complete"]),
        ({"completions": 2}, {}, seen(succeeded=1), []),
        ({"completions": None}, {}, seen(succeeded=1), ["SuccessCriteriaMet", "Complete"]),
        ({"completions": None}, {}, seen(active=1, succeeded=1), []),
        ({"completions": 1}, {}, seen(active=1, succeeded=1), ["SuccessCriteriaMet"]),
        ({"backoffLimit": 0}, {}, seen(failed=1), ["FailureTarget", "Failed"]),
        ({"backoffLimit": 1}, {}, seen(failed=1), []),
        ({"backoffLimit": 0}, {}, seen(active=1, failed=1), ["FailureTarget"]),
        ({"backoffLimit": 0}, {}, seen(failed=1, terminating=1), ["FailureTarget"]),
        ({"activeDeadlineSeconds": 0}, {"startTime": THEN}, seen(), ["FailureTarget", "Failed"]),
        ({"activeDeadlineSeconds": 1}, {"startTime": THEN}, seen(), []),
        ({"suspend": True}, {}, seen(), ["Suspended"]),
    ],
)
def test_a_job_ends(spec: Object, said: Object, found: JobPods, conditions: list[str]) -> None:
    todo = plan(smoke(said, **spec), found, NOW)
    assert [change.type for change in todo.conditions] == conditions


def test_restarts_count_as_failures_where_containers_are_restarted() -> None:
    on_failure = smoke(template=template(restartPolicy="OnFailure"), backoffLimit=2)

    def restarted(times: int) -> JobPods:
        status = {
            "initContainerStatuses": [{"restartCount": times - 1}],
            "containerStatuses": [{"restartCount": 1}],
        }
        return seen()._replace(active=[{**pod(ready=True), "status": status}])

    assert plan(on_failure, restarted(1), NOW).conditions == ()
    assert plan(on_failure, restarted(2), NOW).conditions[0].reason == "BackoffLimitExceeded"


def test_a_suspended_job_deletes_its_pods_and_a_resumed_one_makes_new_ones() -> None:
    assert len(plan(smoke(suspend=True), seen(active=1), NOW).delete) == 1
    suspended = smoke({"conditions": [{"type": "Suspended", "status": "True"}]})
    todo = plan(suspended, seen(), NOW)
    assert (todo.create, todo.conditions[0].reason) == (1, "JobResumed")


async def end(api: FakeApi, phase: str, one: Object) -> None:
    """End a pod, as a node does."""
    ended = {"terminated": {"finishedAt": THEN, "exitCode": 0}}
    status = {"phase": phase, "containerStatuses": [{"name": "nodeapp", "state": ended}]}
    await api.update_status({**one, "status": status})


async def finished(api: FakeApi, type_: str) -> bool:
    return find_condition(await api.get("Job", SMOKE), type_) is not None


async def first_pod(api: FakeApi) -> Object:
    async def is_there() -> bool:
        return bool(await pods(api))

    await until(is_there)
    return (await pods(api))[0]


async def test_a_pod_that_succeeds_completes_the_job() -> None:
    api = FakeApi()
    await api.create(smoke())
    async with running_controllers(api, job.controller):
        await end(api, "Succeeded", await first_pod(api))
        await until(lambda: finished(api, "Complete"))
    status = (await api.get("Job", SMOKE))["status"]
    assert (status["succeeded"], status["uncountedTerminatedPods"]) == (1, {})
    assert "active" not in status
    assert await event_messages(api, "Completed") == ["Job completed"]
    [only] = await pods(api)
    assert TRACKING_FINALIZER not in only["metadata"].get("finalizers", [])


async def test_a_pod_that_fails_too_often_fails_the_job() -> None:
    api = FakeApi()
    await api.create(smoke(backoffLimit=0))
    async with running_controllers(api, job.controller):
        await end(api, "Failed", await first_pod(api))
        await until(lambda: finished(api, "Failed"))
    assert (await api.get("Job", SMOKE))["status"]["failed"] == 1
    assert await event_messages(api, "BackoffLimitExceeded") == [
        "Job has reached the specified backoff limit"
    ]


async def test_a_pod_that_was_written_down_and_not_counted_is_counted_once() -> None:
    """As after a daemon that was killed in between."""
    api = FakeApi()
    await api.create(smoke(completions=2))
    made = await api.get("Job", SMOKE)
    status = {"succeeded": 0, "uncountedTerminatedPods": {"succeeded": ["gone"]}}
    await api.update_status({**made, "status": status})
    await job.reconcile(api, SMOKE)
    await job.reconcile(api, SMOKE)
    assert (await api.get("Job", SMOKE))["status"]["succeeded"] == 1


async def test_a_suspended_job_has_no_start_and_starts_when_it_is_resumed() -> None:
    api = FakeApi()
    await api.create(smoke(suspend=True))
    async with running_controllers(api, job.controller):
        await until(lambda: finished(api, "Suspended"))
        assert "startTime" not in (await api.get("Job", SMOKE))["status"]
        await edit(api, "Job", "smoke", suspend=False)
        await first_pod(api)
    assert "startTime" in (await api.get("Job", SMOKE))["status"]


@pytest.mark.parametrize("fewer", [{"suspend": True}, {"parallelism": 0}, {"parallelism": 1}])
async def test_pods_that_the_job_deletes_have_not_failed(fewer: Object) -> None:
    api = FakeApi()
    await api.create(smoke(parallelism=3, completions=3, backoffLimit=0))
    await job.reconcile(api, SMOKE)
    assert len(await pods(api)) == 3
    await edit(api, "Job", "smoke", **fewer)
    for _ in range(3):
        await job.reconcile(api, SMOKE)
    assert "failed" not in (await api.get("Job", SMOKE))["status"]
    assert len(await pods(api)) == fewer.get("parallelism", 0)


async def test_pods_of_a_job_that_fails_have_failed() -> None:
    api = FakeApi()
    await api.create(smoke({"startTime": THEN}, parallelism=3, activeDeadlineSeconds=5))
    await job.reconcile(api, SMOKE, now=lambda: NOW)
    for _ in range(3):
        await job.reconcile(api, SMOKE, now=lambda: NOW + timedelta(seconds=6))
    assert (await api.get("Job", SMOKE))["status"]["failed"] == 1


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_a_pod_that_has_lost_its_job_can_be_deleted(is_deleted: bool) -> None:
    api = FakeApi()
    await api.create(smoke())
    async with running_controllers(api, job.controller):
        made = await first_pod(api)
        if is_deleted:
            await api.delete("Job", SMOKE)
        bare = {"name": made["metadata"]["name"], "namespace": SPACE}
        alone = {**made, "metadata": {**bare, "finalizers": [TRACKING_FINALIZER]}}
        await api.update(alone)

        async def is_released() -> bool:
            return not (await api.get("Pod", key_of(made)))["metadata"].get("finalizers")

        await until(is_released)


async def test_a_finished_job_is_deleted_when_its_time_is_over() -> None:
    api = FakeApi()
    await api.create(smoke(ttlSecondsAfterFinished=60))
    made = await api.get("Job", SMOKE)
    over = {"type": "Complete", "status": "True", "lastTransitionTime": THEN}
    await api.update_status({**made, "status": {"conditions": [over]}})
    assert await job.reconcile(api, SMOKE, now=lambda: NOW + timedelta(seconds=20)) == 40
    await job.reconcile(api, SMOKE, now=lambda: NOW + timedelta(seconds=60))
    assert "deletionTimestamp" in (await api.get("Job", SMOKE))["metadata"]


async def test_the_pods_of_a_deleted_job_go_with_it() -> None:
    api = FakeApi()
    await api.create(smoke())
    async with running_controllers(api, job.controller, garbage_collector.controller):
        await first_pod(api)
        await api.delete("Job", SMOKE, DeleteOptions(propagation="Background"))

        async def is_empty() -> bool:
            return not await pods(api)

        await until(is_empty)


async def test_a_job_of_the_same_name_does_not_count_the_pods_of_an_earlier_one() -> None:
    api = FakeApi()
    await api.create(smoke())
    await job.reconcile(api, SMOKE)
    [old] = await pods(api)
    await end(api, "Succeeded", old)
    await api.delete("Job", SMOKE)
    later = await api.create(meta(smoke(), uid="other"))
    await job.reconcile(api, key_of(later))
    status = (await api.get("Job", SMOKE))["status"]
    assert "succeeded" not in status
    assert uid_of(later) != old["metadata"]["ownerReferences"][0]["uid"]


def test_the_deadline_of_a_huge_number_never_comes() -> None:
    forever = smoke({"startTime": timestamp(NOW)}, activeDeadlineSeconds=2**62)
    assert plan(forever, seen(), NOW).create == 1
