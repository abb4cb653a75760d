"""What a cluster begins with."""

from __future__ import annotations

from canarylab.playground.address_range import LoopbackRange
from canarylab.playground.apiserver.bootstrap import NAMESPACES, bootstrap
from canarylab.playground.apiserver.local import LocalApi
from canarylab.playground.apiserver.registry import Surroundings
from canarylab.playground.apiserver.rules.admission import is_default_class
from canarylab.playground.apiserver.store import Store
from canarylab.playground.kube.api import Key

RANGE = LoopbackRange(17)
KUBERNETES = Key("default", "kubernetes")


async def fresh() -> LocalApi:
    api = LocalApi(Store(), Surroundings(RANGE))
    await bootstrap(api, addresses=RANGE, port=6443)
    return api


async def test_the_usual_namespaces_are_there() -> None:
    names = [obj["metadata"]["name"] for obj in await (await fresh()).list("Namespace")]
    assert names == sorted(NAMESPACES)


async def test_an_ingress_class_is_there_and_is_not_the_default() -> None:
    [only] = await (await fresh()).list("IngressClass")
    assert (only["metadata"]["name"], only["spec"]["controller"]) == (
        "nginx",
        "k8s.io/ingress-nginx",
    )
    assert not is_default_class(only)


async def test_the_api_server_has_the_first_cluster_ip() -> None:
    service = await (await fresh()).get("Service", KUBERNETES)
    assert service["spec"]["clusterIP"] == "127.65.24.1"


async def test_the_api_server_says_where_it_listens() -> None:
    api = await fresh()
    endpoints = await api.get("Endpoints", KUBERNETES)
    slice_ = await api.get("EndpointSlice", KUBERNETES)
    assert endpoints["subsets"][0]["addresses"] == [{"ip": "127.0.0.1"}]
    assert (endpoints["subsets"][0]["ports"][0]["port"], slice_["ports"][0]["port"]) == (6443, 6443)


async def test_a_second_time_changes_nothing() -> None:
    api = await fresh()
    version = api.store.version
    await bootstrap(api, addresses=RANGE, port=6443)
    assert api.store.version == version


async def test_another_port_is_taken_in() -> None:
    api = await fresh()
    await bootstrap(api, addresses=RANGE, port=7443)
    endpoints = await api.get("Endpoints", KUBERNETES)
    assert endpoints["subsets"][0]["ports"][0]["port"] == 7443
