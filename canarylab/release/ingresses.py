"""Where does an Ingress lead to a Service, for a visitor who names no host?

A rule for a host is for those who send that name, and the name may be somebody's domain; only a
rule for every host, on the path `/`, makes an address that one can simply open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubernetes.client.exceptions import ApiException

from canarylab.clusters.base import Object, ServiceAddress
from canarylab.release.connection import Connection, refusals

_NOT_THERE = 404  # a cluster without that kind
_FORBIDDEN = 403
_USUAL, _ENCRYPTED = 80, 443  # ports of HTTP and HTTPS


def read_ingresses(connection: Connection) -> list[Object]:
    """Those of the namespace; none where the cluster knows no Ingress, or does not show them."""
    with refusals("the Ingresses", remedy="Look with `kubectl get ingresses`."):
        try:
            found = connection.networking.list_namespaced_ingress(connection.namespace)
        except ApiException as exc:
            if exc.status in {_NOT_THERE, _FORBIDDEN}:
                return []
            raise
    items: list[Object] = connection.plain(found)["items"]
    return items


def addresses(ingresses: Iterable[Object], service: str) -> list[ServiceAddress]:
    """Where they lead to the Service; each has to be tried.

    >>> backend = {"service": {"name": "web"}}
    >>> spec = {"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}]}
    >>> status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
    >>> [each.url for each in addresses([{"spec": spec, "status": status}], "web")]
    ['http://192.0.2.7']
    """
    return [
        ServiceAddress(f"http://{place}", "an Ingress", is_guess=True, chosen_for="request")
        for ingress in ingresses
        if service in _for_everybody(ingress["spec"])
        for place in _places(ingress)
    ]


def places(ingresses: Iterable[Object]) -> list[str]:
    """Every host or address at which their controllers say that they answer, each once.

    With the port, where that is not 80.
    """
    return list(dict.fromkeys(place for each in ingresses for place in _places(each)))


def _for_everybody(spec: Object) -> Iterator[str]:
    for rule in spec.get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            if not rule.get("host") and path.get("path") == "/":
                yield path["backend"].get("service", {}).get("name", "")
    yield (spec.get("defaultBackend") or {}).get("service", {}).get("name", "")


def _places(ingress: Object) -> Iterator[str]:
    status = ingress.get("status") or {}
    for entry in (status.get("loadBalancer") or {}).get("ingress") or []:
        if place := entry.get("ip") or entry.get("hostname"):
            yield (f"[{place}]" if ":" in place else place) + _port(entry)


def _port(entry: Object) -> str:
    """Most controllers name none, because it is 80; the playground's is no port of root's."""
    open_ones = [each["port"] for each in entry.get("ports") or [] if not each.get("error")]
    unencrypted = [port for port in open_ones if port != _ENCRYPTED]
    return f":{unencrypted[0]}" if unencrypted and _USUAL not in unencrypted else ""
