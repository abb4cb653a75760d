"""The URL at which this machine reaches a Service, and samples taken there.

A cluster of this machine's own has one address for it. On somebody else's cluster an address that
looks right may be behind a firewall, or belong to another program: it is used only when a ready pod
of the Service has answered there. Where none does, requests go through the API server
(`api_proxy.py`); that works wherever kubectl works, but chooses a pod for each request and not for
each connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from canarylab import traffic
from canarylab.clusters.base import Cluster, ServiceAddress
from canarylab.display import Report, no_report
from canarylab.errors import ApiRefusedError, ClusterError
from canarylab.release.connection import Connection, Object, explain_api_errors
from canarylab.release.endpoint_watch import watch_endpoints
from canarylab.release.endpoints import Endpoint, ready_endpoints, service_remedy
from canarylab.release.ingress import read_ingresses, reported_addresses, service_addresses
from canarylab.release.network_sync import answering_pod, wait_for_service
from canarylab.runtime import quick_thread_switches, wait_until
from canarylab.traffic import Sample, SampleInterrupted, SamplingPlan
from canarylab.traffic.background_traffic import BackgroundTraffic
from canarylab.traffic.sampler import ProgressLine, Sampler
from canarylab.traffic.version_names import with_common_names

if TYPE_CHECKING:
    from canarylab.release.api_proxy import ApiServerProxy

API_PROXY = "the API server's proxy"
CHECK_FOR_S = 3.0
CHECK_EVERY_S = 0.5
NETWORK_FOLLOWS_S = 1.0
_KINDS_WITH_URL = {
    "Service": ("", "svc", "service", "services"),
    "Ingress": ("", "ing", "ingress", "ingresses"),
}
MAX_HOSTS = 4  # each costs the time limit of a request where a firewall drops packets

Addresses = Callable[[Mapping[str, Any], Collection[str]], list[ServiceAddress]]


class ServiceUrl(NamedTuple):
    """Where a Service answers, and what a pod is chosen for there."""

    url: str
    description: str
    """ "node port 32089", "the API server's proxy"."""
    balanced_per: Literal["connection", "request"] = "connection"
    path_at_api_server: str = ""
    """Where the API server's proxy answers, if there is no other way."""


class ServiceUrls:
    """The URLs of the Services of one namespace; API-server proxies run until `close`."""

    def __init__(self, connection: Connection, addresses: Addresses) -> None:
        self._connection, self._addresses = connection, addresses
        self._proxies: dict[tuple[str, int], ApiServerProxy] = {}
        self._checked: dict[tuple[str, frozenset[ServiceAddress]], ServiceAddress | None] = {}
        self._ready_since: dict[str, float] = {}

    def find(self, name: str) -> ServiceUrl:
        """The best URL of a Service; raise ApiRefusedError when there is no such Service."""
        service = self._read(name)
        _check_has_ports(service)
        ready = ready_endpoints(self._connection, name)
        candidates = self._candidates(service, ready)
        if ready and candidates:
            self._wait_for_kube_proxy(service, candidates[0].sync_delay_s)
        if candidates and not candidates[0].needs_check:
            return _at(candidates[0])
        candidates += service_addresses(read_ingresses(self._connection), name)
        reachable = self._first_reachable(service, candidates, {each.pod for each in ready})
        return _at(reachable) if reachable else self._proxied(service)

    def _candidates(self, service: Object, ready: list[Endpoint]) -> list[ServiceAddress]:
        """Where it might be reached; raise ClusterError for one without a node port."""
        try:
            return self._addresses(service, self._hosts(ready))
        except ClusterError as exc:
            if service["spec"].get("clusterIP") != "None":
                raise
            raise ClusterError(
                f"Service {service['metadata']['name']} is headless (`clusterIP: None`): its name "
                "means its pods, and it can have no node port. Make another Service of "
                "`type: NodePort` with its selector, or reach one pod with `kubectl port-forward`."
            ) from exc

    def close(self) -> None:
        """End the proxies."""
        for proxy in self._proxies.values():
            proxy.close()
        self._proxies.clear()

    def _wait_for_kube_proxy(self, service: Object, delay_s: float) -> None:
        """Wait until kube-proxy has probably applied the ready endpoints (see `answering_pod`)."""
        since = self._ready_since.setdefault(service["metadata"]["uid"], time.monotonic())
        time.sleep(max(0.0, since + delay_s - time.monotonic()))

    def _first_reachable(
        self, service: Object, candidates: Sequence[ServiceAddress], pods: Collection[str]
    ) -> ServiceAddress | None:
        """The best address where a pod has answered; remembered, so that it is tried only once."""
        key = (service["metadata"]["uid"], frozenset(candidates))
        if key not in self._checked and pods:
            self._checked[key] = _best_answering(candidates, pods)
        return self._checked.get(key)

    def _proxied(self, service: Object) -> ServiceUrl:
        name, port = service["metadata"]["name"], service["spec"]["ports"][0]["port"]
        proxy = self._proxies.get((name, port))
        if proxy is None:
            from canarylab.release.api_proxy import ApiServerProxy  # noqa: PLC0415  aiohttp: 6 MB

            proxy = self._proxies[name, port] = ApiServerProxy(self._connection, name, port)
        return ServiceUrl(proxy.url, API_PROXY, "request", proxy.path)

    def _read(self, name: str) -> Object:
        if not name:
            raise ValueError("The name of the Service is empty. `kubectl get services` lists them.")
        with explain_api_errors(f'Service "{name}"', remedy=service_remedy(name)):
            found = self._connection.core.read_namespaced_service(name, self._connection.namespace)
        service: Object = self._connection.plain(found)
        return service

    def _hosts(self, ready: list[Endpoint]) -> list[str]:
        """The nodes that run the ready pods, from the pods: not everybody may list nodes."""
        names = {each.pod for each in ready}
        with explain_api_errors("the pods", remedy="Look with `kubectl get pods`."):
            pods = self._connection.core.list_namespaced_pod(self._connection.namespace).items
        hosts = {pod.status.host_ip for pod in pods if pod.metadata.name in names}
        return sorted(hosts - {None})[:MAX_HOSTS]


def reachable_url(cluster: Cluster, connection: Connection, name: str) -> str:
    """The URL of a Service or an Ingress, for other programs of this machine.

    `name` is a name, which means the Service when an Ingress has it too, or as kubectl writes it,
    `service/web` or `ingress/web`. Raise ClusterError for what is not there, and for a Service that
    only the API server's proxy reaches: that proxy ends with this program.
    """
    kind, _, name = name.rpartition("/")
    kinds = [each for each, words in _KINDS_WITH_URL.items() if kind in words]
    if not kinds:
        raise ClusterError(
            f"Only a Service or an Ingress has a URL, not {kind}/{name}. "
            f"Write service/{name} or ingress/{name}."
        )
    find = {"Service": _service_url, "Ingress": _ingress_url}
    for each in kinds:
        if (url := find[each](cluster, connection, name)) is not None:
            return url
    raise ClusterError(
        f'Namespace {connection.namespace} has no {" or ".join(kinds)} "{name}". '
        f"`kubectl get services,ingresses -n {connection.namespace}` lists those it has."
    )


def _ingress_url(cluster: Cluster, connection: Connection, name: str) -> str | None:
    found = read_ingresses(connection)
    if all(each["metadata"]["name"] != name for each in found):
        return None
    return cluster.ingress_url(reported_addresses(found))


def _service_url(cluster: Cluster, connection: Connection, name: str) -> str | None:
    urls = ServiceUrls(connection, cluster.addresses)
    try:
        url = urls.find(name)
    except ApiRefusedError as exc:
        if not exc.is_not_found:
            raise
        return None
    finally:
        urls.close()
    if url.description == API_PROXY:
        raise ClusterError(
            f"No address of Service {name} answers from this machine, only {API_PROXY}. While "
            "`kubectl proxy` runs in another terminal, this URL leads through it: "
            f"http://127.0.0.1:8001{url.path_at_api_server}/"
        )
    return url.url


def sample_service(
    connection: Connection, service: str, url: str, plan: SamplingPlan, report: Report = no_report
) -> Sample:
    """Sample a Service once it has settled; what its ready pods suggest is part of the sample."""
    wait_for_service(connection, service, url)
    return measure_service(connection, service, url, plan, report)


def measure_service(
    connection: Connection, service: str, url: str, plan: SamplingPlan, report: Report = no_report
) -> Sample:
    """Like `sample_service`, without waiting: at some URLs not every ready pod answers."""
    progress = ProgressLine(plan, report)
    with watch_endpoints(connection, service) as watch:
        try:
            sample = traffic.measure(url, plan, on_progress=progress, observed=watch.observations)
        except SampleInterrupted as exc:
            exc.sample = with_common_names(exc.sample, watch.tags)
            raise
    return with_common_names(sample, watch.tags)


@contextmanager
def traffic_to_service(
    connection: Connection,
    service: str,
    url: str,
    plan: SamplingPlan,
    complete: Callable[[Sample], Sample],
) -> Iterator[BackgroundTraffic]:
    """Send requests to a Service within a `with` block, once it has settled, and a little longer.

    The network follows the last change of the block up to a second later, and requests are lost
    until then.
    """
    wait_for_service(connection, service, url)
    with (
        quick_thread_switches(),
        watch_endpoints(connection, service) as watch,
        BackgroundTraffic(
            Sampler(url, plan, observed=watch.observations),
            complete=lambda sample: complete(with_common_names(sample, watch.tags)),
        ) as sending,
    ):
        yield sending
        time.sleep(NETWORK_FOLLOWS_S)


def _check_has_ports(service: Object) -> None:
    """Raise ClusterError for a Service to which nothing can connect."""
    name, spec = service["metadata"]["name"], service["spec"]
    if spec.get("type") == "ExternalName":
        other = spec["externalName"]
        raise ClusterError(
            f"Service {name} is of type ExternalName: it is another name for {other}, and has no "
            f"address of its own. Send requests to {other}."
        )
    if not spec.get("ports"):
        raise ClusterError(
            f"Service {name} has no ports, so that nothing can connect to it. Add one to its "
            "`spec.ports`."
        )


def _best_answering(
    candidates: Sequence[ServiceAddress], pods: Collection[str]
) -> ServiceAddress | None:
    """The first of the addresses at which one of these pods answers within `CHECK_FOR_S`.

    Each address has all of that time, also when a later one answers before: which of them the
    network serves first is chance.
    """
    better, best = list(candidates), None

    def has_best() -> bool:
        nonlocal better, best
        for number, each in enumerate(better):
            if answering_pod(each.url) in pods:
                better, best = better[:number], each
                break
        return not better

    wait_until(has_best, timeout_s=CHECK_FOR_S, pause_s=CHECK_EVERY_S)
    return best


def _at(address: ServiceAddress) -> ServiceUrl:
    return ServiceUrl(address.url, address.description, address.balanced_per)
