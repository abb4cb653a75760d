"""The local `Api` keeps the contract of every `Api`, and bootstraps a cluster."""

from __future__ import annotations

import copy
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canarylab.errors import ConflictError, InvalidError
from canarylab.kube_objects import Key, Now, Object, is_default_class
from canarylab.playground.address_range import LoopbackRange
from canarylab.playground.apiserver.local_api import NAMESPACES, LocalApi, bootstrap
from canarylab.playground.apiserver.metadata import Generators
from canarylab.playground.apiserver.registry import RegistryOptions
from canarylab.playground.apiserver.store import Limit, Store
from canarylab.playground.kube.api import Api, DeleteOptions
from tests.playground.api_contract import (
    SPACE,
    ApiContract,
    config_map,
    deployment,
    namespace,
    pod,
    seen,
    watching,
    without_version,
)


class TestLocalApi(ApiContract):
    @pytest.fixture
    async def api(self) -> Api:
        return LocalApi(Store(), RegistryOptions(LoopbackRange(17)))


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def make_api(*, backlog: int = 1000, now: Now = lambda: NOON) -> LocalApi:
    """A cluster with a namespace, in which time stands still."""
    generators = Generators(now=now, random=random.Random(7))
    api = LocalApi(Store(backlog=Limit(backlog)), RegistryOptions(LoopbackRange(17), generators))
    api.commit(api.registry.create(namespace(SPACE)))
    return api


async def test_objects_that_were_read_do_not_change() -> None:
    api = make_api()
    made = await api.create(deployment("web"))
    before = copy.deepcopy(made)
    await api.update({**made, "spec": {**made["spec"], "replicas": 9}})
    await api.delete("Deployment", Key(SPACE, "web"), DeleteOptions(propagation="Orphan"))
    assert made == before


async def test_objects_that_were_written_do_not_change() -> None:
    given = deployment("web")
    before = copy.deepcopy(given)
    await make_api().create(given)
    assert given == before


async def test_a_new_object_has_defaults() -> None:
    spec = (await make_api().create(deployment("web")))["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}


async def test_an_invalid_object_is_not_created() -> None:
    api = make_api()
    with pytest.raises(InvalidError, match="Required value"):
        await api.create({**deployment("web"), "spec": {}})
    assert await api.list("Deployment") == []


async def test_an_invalid_update_is_not_written() -> None:
    api = make_api()
    made = await api.create(deployment("web"))
    with pytest.raises(InvalidError, match="must be greater than or equal to 0"):
        await api.update({**made, "spec": {**made["spec"], "replicas": -1}})
    assert await api.get("Deployment", Key(SPACE, "web")) is made


async def test_a_zero_count_is_omitted() -> None:
    api = make_api()
    made = await api.create(deployment("web"))
    status = {"replicas": 3, "readyReplicas": 0, "terminatingReplicas": 0}
    reported = await api.update_status({**made, "status": status})
    assert reported["status"] == {"replicas": 3, "terminatingReplicas": 0}


async def test_a_terminating_pod_is_not_bound() -> None:
    api = make_api()
    held = pod("web")
    held["metadata"]["finalizers"] = ["canarylab/held"]
    await api.create(held)
    await api.delete("Pod", Key(SPACE, "web"))
    with pytest.raises(ConflictError, match="is being deleted"):
        await api.bind(Key(SPACE, "web"), "playground")


async def test_the_address_of_a_deleted_service_is_free() -> None:
    api = make_api()
    made = await api.create(service("web"))
    again = await api.update(without_version(service("web", ports=[{"port": 81}])))
    assert again["spec"]["clusterIP"] == made["spec"]["clusterIP"]
    await api.delete("Service", Key(SPACE, "web"))
    other = await api.create(service("other", clusterIP=made["spec"]["clusterIP"]))
    assert other["spec"]["clusterIP"] == made["spec"]["clusterIP"]


async def test_a_refused_service_changes_nothing() -> None:
    api = make_api()
    ports = [{"port": 80, "nodePort": 32089}]
    first = await api.create(service("first", type="NodePort", ports=ports))
    with pytest.raises(InvalidError, match="provided port is already allocated"):
        await api.create(service("web", type="NodePort", ports=ports))
    assert await api.list("Service") == [first]


async def test_a_new_event_removes_expired_ones() -> None:
    hours = 0.0
    api = make_api(now=lambda: NOON + timedelta(hours=hours))
    repeated = await api.create(event("repeated"))
    await api.create(event("once"))
    hours = 0.5
    await api.update({**repeated, "count": 2})
    hours = 1.5
    await api.create(event("new"))
    names = [obj["metadata"]["name"] for obj in await api.list("Event")]
    assert names == ["new", "repeated"]


async def test_a_watch_that_fell_behind_gets_the_differences() -> None:
    api = make_api(backlog=3)
    kept = await api.create(config_map("kept"))
    for name in ("gone", "replaced"):
        await api.create(config_map(name))
    async with watching(api, "ConfigMap") as events:
        await seen(events, 3)
        await api.delete("ConfigMap", Key(SPACE, "gone"))
        await api.update({**kept, "data": {"n": "1"}})
        for _ in range(3):
            await api.delete("ConfigMap", Key(SPACE, "replaced"))
            await api.create(config_map("replaced"))
        told = await seen(events, 4)
    assert sorted(told) == [
        ("ADDED", "replaced"),
        ("DELETED", "gone"),
        ("DELETED", "replaced"),
        ("MODIFIED", "kept"),
    ]


async def test_a_closed_watch_has_no_subscription() -> None:
    api = make_api()
    await api.create(config_map("colours"))
    async with watching(api, "ConfigMap") as events:
        await seen(events, 1)
    assert api.store._subscriptions["ConfigMap"] == []


def service(name: str, **spec: Any) -> Object:
    meta = {"name": name, "namespace": SPACE}
    wanted = {"selector": {"app": "nodeapp"}, "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": wanted}


def event(name: str, **fields: Any) -> Object:
    meta = {"name": name, "namespace": SPACE}
    about = {"kind": "Pod", "namespace": SPACE, "name": "web"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": meta,
        "involvedObject": about,
        "reason": "Pulled",
        "type": "Normal",
        **fields,
    }


RANGE = LoopbackRange(17)
KUBERNETES = Key("default", "kubernetes")


async def fresh() -> LocalApi:
    api = LocalApi(Store(), RegistryOptions(RANGE))
    await bootstrap(api, addresses=RANGE, port=6443)
    return api


async def test_bootstrap_creates_the_namespaces() -> None:
    names = [obj["metadata"]["name"] for obj in await (await fresh()).list("Namespace")]
    assert names == sorted(NAMESPACES)


async def test_bootstrap_creates_an_ingress_class_that_is_not_the_default() -> None:
    [only] = await (await fresh()).list("IngressClass")
    assert (only["metadata"]["name"], only["spec"]["controller"]) == (
        "nginx",
        "k8s.io/ingress-nginx",
    )
    assert not is_default_class(only)


async def test_the_api_server_has_the_first_cluster_ip() -> None:
    service = await (await fresh()).get("Service", KUBERNETES)
    assert service["spec"]["clusterIP"] == "127.65.24.1"


async def test_the_endpoints_of_the_api_server_are_its_address() -> None:
    api = await fresh()
    endpoints = await api.get("Endpoints", KUBERNETES)
    slice_ = await api.get("EndpointSlice", KUBERNETES)
    assert endpoints["subsets"][0]["addresses"] == [{"ip": "127.0.0.1"}]
    assert (endpoints["subsets"][0]["ports"][0]["port"], slice_["ports"][0]["port"]) == (6443, 6443)


async def test_a_second_bootstrap_changes_nothing() -> None:
    api = await fresh()
    version = api.store.version
    await bootstrap(api, addresses=RANGE, port=6443)
    assert api.store.version == version


async def test_bootstrap_updates_the_port() -> None:
    api = await fresh()
    await bootstrap(api, addresses=RANGE, port=7443)
    endpoints = await api.get("Endpoints", KUBERNETES)
    assert endpoints["subsets"][0]["ports"][0]["port"] == 7443
