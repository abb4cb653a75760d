"""The variables of a container that name the Services there are when it starts.

The rules are the kubelet's: the Services of the pod's namespace, unless `enableServiceLinks` is
false, and always the Service `kubernetes` of `default`. Each has the two variables of Kubernetes
and those of Docker's links.
https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
"""

from __future__ import annotations

from collections.abc import Iterable

from canarylab.kube_objects import Key, Object, key_of
from canarylab.playground.kube.api import Api

_API_SERVICE = Key("default", "kubernetes")


async def read_service_variables(api: Api, pod: Object) -> dict[str, str]:
    """Return the variables for a container of this pod that starts now."""
    return service_variables(pod, await api.list("Service"))


def service_variables(pod: Object, services: Iterable[Object]) -> dict[str, str]:
    """Return the variables that name these Services, as far as the pod may know them."""
    by_name: dict[str, Object] = {}
    links = pod["spec"].get("enableServiceLinks", True)
    for service in services:
        key = key_of(service)
        if service["spec"].get("clusterIP", "") in ("", "None"):
            continue
        if links and key.namespace == key_of(pod).namespace:
            by_name[key.name] = service
        elif key == _API_SERVICE:
            by_name.setdefault(key.name, service)
    variables: dict[str, str] = {}
    for name in sorted(by_name):
        variables |= _variables(_variable_name(name), by_name[name]["spec"])
    return variables


def _variables(name: str, spec: Object) -> dict[str, str]:
    host, ports = spec["clusterIP"], spec.get("ports") or []
    if not ports:
        return {}
    first = ports[0]
    variables = {f"{name}_SERVICE_HOST": host, f"{name}_SERVICE_PORT": str(first["port"])}
    for each in ports:
        if each.get("name"):
            variables[f"{name}_SERVICE_PORT_{_variable_name(each['name'])}"] = str(each["port"])
    variables[f"{name}_PORT"] = _url(host, first)
    for each in ports:
        protocol = each.get("protocol", "TCP")
        link = f"{name}_PORT_{each['port']}_{protocol}"
        variables[link] = _url(host, each)
        variables[f"{link}_PROTO"] = protocol.lower()
        variables[f"{link}_PORT"] = str(each["port"])
        variables[f"{link}_ADDR"] = host
    return variables


def _url(host: str, port: Object) -> str:
    return f"{port.get('protocol', 'TCP').lower()}://{host}:{port['port']}"


def _variable_name(name: str) -> str:
    """Return a name as variables have it.

    >>> _variable_name("redis-master")
    'REDIS_MASTER'
    """
    return name.upper().replace("-", "_")
