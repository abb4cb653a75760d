"""Waiting until the network has applied a change of the cluster.

kube-proxy, which sends traffic from a Service to its pods, reads each change with a delay: a pod
that has become ready gets no traffic before, and a pod that is not ready any more still gets some.
The API does not show what kube-proxy has applied, so requests are sent until exactly the ready pods
answer. For Ingresses it does: ingress-nginx and the playground write an event Sync for each Ingress
that they have read again. For other controllers, which write none, a fixed time is waited.
"""

from __future__ import annotations

import errno
import http.client
from collections.abc import Callable, Collection
from random import Random
from urllib.parse import urlsplit

from canarylab import traffic
from canarylab.errors import ClusterError, TimedOutError, TrafficError
from canarylab.release.apply import Applied, apply
from canarylab.release.connection import Connection, Object, explain_api_errors
from canarylab.release.endpoints import ready_endpoints
from canarylab.runtime import wait_until
from canarylab.text import OTHER, count_noun

ANSWERS_PER_POD = 10
"""Of n pods one stays unseen in 10 n answers with a chance of about n in 22,000."""
SERVICE_READY_TIMEOUT_S = 15.0
SYNCED_TIMEOUT_S = 2.0  # ingress-nginx reloads within a second
CHECK_PAUSE_S = 0.25
CHECK_TIMEOUT_S = 1.5
CHECK_PORTS = range(20_000, 30_000)
"""Source ports of these requests: below node ports, and below those that Linux and macOS choose."""
_CANNOT_BIND = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)
_BIND_ATTEMPTS = 10
_random = Random()


def wait_for_service(connection: Connection, service: str, url: str) -> None:
    """Wait until exactly the ready pods of the Service answer at `url`."""
    wait_for_pods(
        lambda: answering_pod(url),
        lambda count: _answering_pods(url, count),
        lambda: _ready_pods(connection, service),
    )


def wait_for_pods(
    checked_pod: Callable[[], str | None],
    answering_pods: Callable[[int], Collection[str]],
    ready_pods: Callable[[], Collection[str]],
    *,
    timeout_s: float = SERVICE_READY_TIMEOUT_S,
) -> None:
    """Wait until the pods that answer are the pods that are ready.

    `checked_pod()` sends one request and `answering_pods(n)` sends n, each on a connection of its
    own. The n are sent only after the one was answered, because each connection that the node
    refuses can make a later one fail (see `answering_pod`). If the responses do not name their
    pods, one answer is enough.
    """
    answered: set[str] = set()
    ready: set[str] = set()

    def is_served() -> bool:
        nonlocal answered, ready
        ready, answered = set(ready_pods()), set()
        if checked_pod() is None:
            return False
        answered = set(answering_pods(max(1, len(ready)) * ANSWERS_PER_POD))
        return bool(answered) and answered in (ready, {OTHER})

    if not wait_until(is_served, timeout_s=timeout_s, pause_s=CHECK_PAUSE_S):
        raise TimedOutError(
            f"After {timeout_s:.0f} s the pods that answer ({_listed(answered)}) are not the pods "
            f"that are ready ({_listed(ready)}). Compare them with `kubectl get endpointslices`."
        )


def answering_pod(url: str, *, timeout_s: float = CHECK_TIMEOUT_S) -> str | None:
    """Send one request; the pod that answered, `OTHER`, or None without an answer.

    A node whose kube-proxy has not read a node port yet refuses the connection, and its kernel
    keeps a connection-tracking entry without translation for ten seconds. A later connection from
    the same source port matches that entry and is refused as well, although kube-proxy has read
    the port by then. On a real cluster a loop without a pause filled the table in this way: 73 of
    400 requests failed, and of the refused ones 35 of 35, 83 of 83 and 88 of 88 had a source port
    that had been refused before. With a pause of 0.25 s 1 of 9,600 failed, for the same reason.

    So these requests are sent with pauses, and from source ports that no other connection uses. If
    an address is translated on the way, as by Docker's proxy, the source port cannot be chosen;
    then `ServiceUrls` waits for kube-proxy before the first request.
    """
    parts = urlsplit(url)
    for _ in range(_BIND_ATTEMPTS):
        source = ("", _random.choice(CHECK_PORTS))
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=timeout_s, source_address=source
        )
        try:
            connection.request("GET", parts.path or "/", headers={"Connection": "close"})
            with connection.getresponse() as response:
                response.read()
        except OSError as exc:
            if exc.errno in _CANNOT_BIND:
                continue
            return None
        except http.client.HTTPException:
            return None
        finally:
            connection.close()
        return response.headers.get("X-Pod") or (OTHER if response.status < 400 else None)
    return None


def apply_and_wait(connection: Connection, objects: list[Object]) -> list[Applied]:
    """Apply all, and wait until the controller has read those Ingresses that have changed."""
    names = [str((each.get("metadata") or {}).get("name", "")) for each in objects]
    before = [
        sync_count(connection, name) if each.get("kind") == "Ingress" else None
        for name, each in zip(names, objects, strict=True)
    ]
    applied = apply(connection, objects)
    for name, count, each in zip(names, before, applied, strict=True):
        if count is not None and each.outcome != "unchanged":
            wait_until_synced(connection, name, count)
    return applied


def sync_count(connection: Connection, ingress: str) -> int:
    """The number of Sync events of this Ingress."""
    query = f"involvedObject.kind=Ingress,involvedObject.name={ingress},reason=Sync"
    with explain_api_errors("the events", remedy="Look with `kubectl get events`."):
        found = connection.core.list_namespaced_event(connection.namespace, field_selector=query)
    return sum(event.count or 1 for event in found.items)


def wait_until_synced(connection: Connection, ingress: str, before: int) -> None:
    """Return when there are more Sync events than `before`, or after `SYNCED_TIMEOUT_S`."""
    wait_until(lambda: sync_count(connection, ingress) > before, timeout_s=SYNCED_TIMEOUT_S)


def _ready_pods(connection: Connection, service: str) -> list[str]:
    ready = ready_endpoints(connection, service)
    if not ready:
        raise ClusterError(
            f"Service {service} has no ready endpoint, so no pod can answer. "
            f"Compare its selector with your pods' labels: `kubectl describe service {service}`."
        )
    return [each.pod for each in ready]


def _answering_pods(url: str, count: int) -> set[str]:
    """The pods that answer such requests, with any status, and words for those without an answer.

    An error from something on the way counts as no answer, where other answers name their pods.
    """
    try:
        sample = traffic.measure(url, traffic.SamplingPlan(count=count))
    except TrafficError:
        return set()
    pods = {answer.pod for answer in sample.results if answer.pod}
    lost = sum(
        bool(each.failure and not each.pod and (pods or each.status is None))
        for each in sample.results
    )
    if lost:
        pods.add(f"no pod for {count_noun(lost, 'request')}")
    return pods | ({OTHER} if OTHER in sample.by_pod else set())


def _listed(pods: Collection[str]) -> str:
    return ", ".join(sorted(pods)) or "none"
